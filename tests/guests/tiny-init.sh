#!/bin/busybox sh
# The initramfs: drivers, then the first partition of whatever disk there is, whatever the controller calls it.
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do insmod "/lib/$module.ko"; done < /lib/order 2>/dev/null
tries=0
while [ $tries -lt 100 ]; do
    for root in /dev/vda1 /dev/sda1 /dev/nvme0n1p1; do [ -b $root ] && break 2; done
    sleep 0.05
    tries=$((tries + 1))
done
mount -t ext4 $root /root || { echo "no root file system"; sleep 1; reboot -f; }
for place in dev proc sys; do mount -o move /$place /root/$place; done
exec switch_root /root /bin/init
