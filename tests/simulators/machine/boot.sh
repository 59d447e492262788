#!/bin/sh
# Boots the disk as a container. The first process of namespaces of its own (mounts, processes, network): what is
# made here goes with them. ROOT_OFFSET and ROOT_SIZE say where on DISK the root file system lies, GROWN whether its
# partition has just been made larger; RESOLVER answers for names, ARGUMENTS are for the machine's init. Standard
# input: seed.py's archive, which comes when the network is up.
set -eu
root=/mnt/root

# nspawn keeps locks and sockets under /run, named after what it runs: none of it is for the host.
mount -t tmpfs machine /run
mount -t tmpfs machine /mnt
mkdir -p "$root" /run/seed
tar -xf - -C /run/seed
mount -o "loop,offset=$ROOT_OFFSET,sizelimit=$ROOT_SIZE" "$DISK" "$root"

if [ "$GROWN" = yes ]; then
    # A guest does it while it is mounted, for which a container's host may lack the right.
    # Only a loop device that mount has made goes by itself, whatever happens here: so it is kept open in between.
    loop=$(findmnt --noheadings --output SOURCE "$root")
    exec 9< "$loop"
    umount "$root"
    resize2fs -f "$loop" > /dev/null 2>&1 || true # not where a journal must be replayed first
    mount "$loop" "$root"
    exec 9<&-
fi

# As a DHCP client would.
rm -f "$root/etc/resolv.conf"
echo "nameserver $RESOLVER" > "$root/etc/resolv.conf"
# What has an agent for EC2 of its own asks this; the file says what the firmware would, which no container has.
MACHINE=$$ unshare --net sh "$HERE/metadata.sh" &
until [ -e /run/metadata ]; do sleep 0.02; done # it listens
ip link set metadata up
ip route add 169.254.169.254/32 dev metadata
: > /run/seed/slipway-ec2
[ -x "$root/usr/bin/cloud-init" ] || [ -x "$root/usr/lib/slipway/ec2" ] || sh "$HERE/introduce.sh" "$root"

while :; do
    code=0
    # shellcheck disable=SC2086  # one word per argument of its init
    systemd-nspawn --quiet --boot --directory="$root" --machine="$NAME" --register=no --keep-unit --console=read-only \
        --resolv-conf=off --timezone=off --link-journal=no --bind-ro=/run/seed --bind-ro=/run/seed/slipway-ec2:/run/slipway-ec2 \
        $ARGUMENTS network-config=disabled "ds=nocloud;s=/run/seed/" < /dev/null || code=$?
    [ "$code" = 133 ] || break # 133: it reboots
done
umount "$root"
exit "$code"
