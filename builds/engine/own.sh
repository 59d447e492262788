# Forgets what a machine must find out for itself: its next boot does, and whatever boots from a copy of its disk is
# another machine. Runs as root in any POSIX shell; skips what a small system does not have.
if command -v systemctl >/dev/null 2>&1; then systemctl stop systemd-random-seed.service >/dev/null 2>&1; fi
if [ -f /etc/machine-id ]; then : > /etc/machine-id; fi
if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then rm -f /var/lib/dbus/machine-id; fi
rm -f /var/lib/systemd/random-seed /var/lib/urandom/random-seed \
    /etc/udev/rules.d/70-persistent-net.rules /var/lib/dhcp/*.lease* /var/lib/dhclient/*.lease* \
    /var/lib/NetworkManager/*.lease /var/lib/NetworkManager/secret_key /run/systemd/netif/leases/* \
    /var/lib/udhcpc/* /var/lib/slipway/instance
