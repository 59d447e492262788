# Runs inside the sandbox before QEMU, still with the rights to set up its network:  enter.sh LIMIT [ROUTE…] -- QEMU…
# The guest's packets leave from here, so what has no way out of here cannot be reached by the guest.
set -eu
ulimit -f "$1"
shift
while [ "$1" != -- ]; do
    ip route add blackhole "$1"
    shift
done
shift
drop="setpriv --no-new-privs --inh-caps=-all --ambient-caps=-all --bounding-set=-all"
# The worker's way in, for any port: the first line that it sends names the port on this loopback.
$drop socat UNIX-LISTEN:door.sock,fork,backlog=64 EXEC:"sh /run/door.sh",nofork &
exec $drop -- "$@"
