#!/bin/sh
# What cloud-init does at the first start, for an image that has none: a user who may become root, keys, a name.
set -eu
root=$1
read -r user < /run/seed/user
read -r name < /run/seed/hostname
if [ "$user" = root ]; then
    home=/root
else
    home=/home/$user
    grep -q "^$user:" "$root/etc/passwd" || chroot "$root" useradd --create-home --shell /bin/sh "$user"
    if [ -d "$root/etc/sudoers.d" ]; then
        echo "$user ALL=(ALL) NOPASSWD:ALL" > "$root/etc/sudoers.d/90-cloud-init-users"
        chmod 440 "$root/etc/sudoers.d/90-cloud-init-users"
    fi
fi
mkdir -p "$root$home/.ssh"
touch "$root$home/.ssh/authorized_keys"
while read -r key; do
    grep -qxF "$key" "$root$home/.ssh/authorized_keys" || echo "$key" >> "$root$home/.ssh/authorized_keys"
done < /run/seed/keys
chmod 700 "$root$home/.ssh"
chmod 600 "$root$home/.ssh/authorized_keys"
chroot "$root" chown -R "$user:" "$home/.ssh"
echo "$name" > "$root/etc/hostname"
if [ -x "$root/usr/bin/ssh-keygen" ]; then
    chroot "$root" ssh-keygen -A > /dev/null
    echo "-----BEGIN SSH HOST KEY KEYS-----"
    cut -d ' ' -f 1,2 "$root"/etc/ssh/ssh_host_*_key.pub
    echo "-----END SSH HOST KEY KEYS-----"
fi
