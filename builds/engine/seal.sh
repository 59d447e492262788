# Leaves nothing of this machine's making in its image: what must differ between machines, what let us in, what it
# remembers of the build. Runs as root, last, after own.sh, in any POSIX shell; skips what a small system does not have.
# KEY is the blob of the public key that opened the machine for us. It starts few programs: that is what takes an emulated
# machine long.
set -u
have() { command -v "$1" >/dev/null 2>&1; }
blank() { # overwrite with as many zeros
    if [ -s "$1" ]; then
        size=$(wc -c < "$1")
        printf "%0${size}d" 0 1<> "$1"
    fi
}

# What still writes would fill the logs again.
if have systemctl; then
    systemctl stop rsyslog.service syslog.socket systemd-journald.service systemd-journald.socket \
        systemd-journald-dev-log.socket systemd-journald-audit.socket systemd-random-seed.service >/dev/null 2>&1
fi
if have cloud-init; then cloud-init clean --logs --seed >/dev/null 2>&1 || cloud-init clean --logs >/dev/null 2>&1; fi

# The way in: our key goes, keys that the template put there stay. What is removed is overwritten first, and that has
# reached the disk before it is removed: not every disk can be trimmed.
host_keys="/etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub /etc/dropbear/dropbear_*_host_key"
for file in /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do
    if [ -f "$file" ] && grep -qF "$KEY" "$file"; then
        mkdir -p "/run/seal${file%/*}"
        grep -vF "$KEY" "$file" > "/run/seal$file"
        blank "$file"
    fi
done
for file in $host_keys; do blank "$file"; done
sync
for file in /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do
    if [ -f "/run/seal$file" ]; then cat "/run/seal$file" > "$file"; fi
    if [ -f "$file" ] && ! grep -q '[^[:space:]]' "$file"; then
        rm -f "$file"
        rmdir "${file%/*}" 2>/dev/null
    fi
done
rm -f $host_keys
rm -rf /run/seal

# What it remembers.
rm -f /root/.*_history /home/*/.*_history /root/.lesshst /home/*/.lesshst /root/.viminfo /root/.wget-hsts \
    /root/.ssh/known_hosts /var/lib/systemd/credential.secret
rm -rf /root/.cache /root/.ansible
rm -rf /var/log/journal/* /run/log/journal/*
find /var/log -type f \( -name '*.gz' -o -name '*.[0-9]' -o -name '*.old' -o -name '*.xz' \) -exec rm -f {} + 2>/dev/null
find /var/log -type f 2>/dev/null | while IFS= read -r file; do : > "$file"; done
find /tmp /var/tmp -mindepth 1 -maxdepth 1 -exec rm -rf {} + 2>/dev/null

# What it can fetch again.
if have apt-get; then
    apt-get clean
    rm -rf /var/lib/apt/lists/*
    mkdir -p /var/lib/apt/lists/partial
    rm -f /var/cache/apt/*.bin /var/cache/debconf/*-old /var/lib/dpkg/*-old
fi
if have dnf; then dnf clean all >/dev/null 2>&1; elif have yum; then yum clean all >/dev/null 2>&1; fi
if have apk; then rm -rf /var/cache/apk/*; fi

# Freed blocks still hold what was in them until they are trimmed, and can be trimmed once the journal has them.
sync
if have fstrim; then
    fstrim -a 2>/dev/null || awk '$1 ~ /^\/dev\// && $3 !~ /^(iso9660|vfat)$/ && !seen[$1]++ { print $2 }' /proc/mounts |
        while read -r place; do fstrim "$place" 2>/dev/null; done
fi
sync
exit 0
