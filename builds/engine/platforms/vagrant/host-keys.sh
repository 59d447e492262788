# The host keys are about to be removed; with this, each machine that starts from the box makes its own. Systems with
# cloud-init, or with another init than systemd, have their own way.
if command -v systemctl >/dev/null && [ -x /usr/bin/ssh-keygen ] && ! command -v cloud-init >/dev/null; then
    cat > /etc/systemd/system/ssh-host-keys.service <<'UNIT'
[Unit]
Description=Make host keys for the SSH server
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
Before=ssh.service sshd.service ssh.socket
[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A
[Install]
WantedBy=multi-user.target
UNIT
    systemctl --quiet enable ssh-host-keys.service
fi
