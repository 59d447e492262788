#!/bin/sh
# The metadata service, in a network of its own as on a real cloud: its port 80 is taken from nobody in the machine.
# MACHINE is a process in the machine's network, which gets an interface that leads here.
set -eu
ip link add metadata type veth peer name metadata netns "$MACHINE"
ip link set lo up
ip address add 169.254.169.254/32 dev metadata
ip link set metadata up
ip route add default dev metadata
exec "$PYTHON" "$HERE/metadata.py" /run/seed
