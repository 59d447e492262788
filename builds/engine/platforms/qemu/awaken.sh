# Makes a machine that goes on from a kept state one of its own, in any POSIX shell. Ends with 0 only when all is done.
# It starts few programs: that is what takes an emulated machine long.
# NOW, PROGRAM (reseed.s, as printf understands it), OLD_LOGIN, NEW_LOGIN, HOST, HOST_PUBLIC, MACHINE_ID.
set -eu
umask 077
have() { command -v "$1" >/dev/null 2>&1; }
fail() { echo "$*"; exit 1; }

date -u -s "@$NOW" >/dev/null || fail "its clock cannot be set"

# Random numbers first: what is drawn before is what others draw. Not every place may hold programs.
reseeded=
for place in /dev/shm /run /var/tmp /root; do
    folder=$(mktemp -d "$place/awaken.XXXXXXXXXX" 2>/dev/null) || continue
    trap 'rm -rf "$folder"' EXIT
    printf "$PROGRAM" > "$folder/reseed"
    chmod 700 "$folder/reseed"
    if "$folder/reseed" 2>/dev/null; then reseeded=yes; break; fi
    rm -rf "$folder"
done
[ "$reseeded" ] || fail "its kernel's random numbers cannot be renewed"

# The way in. The same text wherever it was put: root's, and that of the user that cloud-init makes. The new key is as
# long as the old one and overwrites it (<>): it is not left in blocks that the file once had.
opened=
for file in /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do
    [ -f "$file" ] || continue
    text= found=
    while IFS= read -r line || [ "$line" ]; do
        case $line in *"$OLD_LOGIN"*)
            line=${line%%"$OLD_LOGIN"*}$NEW_LOGIN${line#*"$OLD_LOGIN"}
            found=yes
        esac
        text="$text$line
"
    done < "$file"
    [ ! "$found" ] || { printf %s "$text" 1<> "$file"; opened=yes; }
done
[ "$opened" ] || fail "the key that opens it is not where it was put"

# Who it is. Servers read their host keys when they start; sessions stay.
other=
if [ -f /etc/ssh/ssh_host_ed25519_key ]; then
    printf '%s\n' "$HOST" 1<> /etc/ssh/ssh_host_ed25519_key
    printf '%s\n' "$HOST_PUBLIC" > /etc/ssh/ssh_host_ed25519_key.pub
    for file in /etc/ssh/ssh_host_*_key; do
        case $file in *_ed25519_key) ;; *) rm -f "$file" "$file.pub"; other=yes ;; esac
    done
    [ ! "$other" ] || ssh-keygen -q -A
    [ ! -f /run/sshd.pid ] || { read -r pid < /run/sshd.pid && kill -HUP "$pid"; }
fi
if [ -f /etc/dropbear/dropbear_ed25519_host_key ]; then
    printf '%s\n' "$HOST" > "$folder/host"
    dropbearconvert openssh dropbear "$folder/host" "$folder/key" 2>/dev/null || fail "it cannot be given a host key"
    dd if="$folder/key" of=/etc/dropbear/dropbear_ed25519_host_key conv=notrunc 2>/dev/null
    rm -f /etc/dropbear/dropbear_rsa_host_key /etc/dropbear/dropbear_ecdsa_host_key /etc/dropbear/dropbear_dss_host_key
    if have systemctl; then systemctl restart dropbear
    elif [ -f /run/dropbear.pid ]; then read -r pid < /run/dropbear.pid && kill "$pid"; fi
fi
for file in /etc/machine-id /var/lib/dbus/machine-id; do
    if [ -s "$file" ] && [ ! -L "$file" ]; then echo "$MACHINE_ID" > "$file"; fi
done
