"""What a launched machine shows of itself: kept beside the image and shown on the catalog."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from ..context import Context
from ..machine import Machine

CONSOLE = 8 * 1024  # characters of the serial console that are kept

# One line a package: its name and version. A system has one of the three.
LIST_PACKAGES = r"""
if command -v dpkg-query >/dev/null; then
    dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' | sed -n 's/^installed //p'
elif rpm --version >/dev/null 2>&1; then
    rpm -qa --qf '%{NAME} %{VERSION}-%{RELEASE}\n'
elif command -v apk >/dev/null; then
    apk info -v | sed -E 's/^(.*)-([^-]+-r[0-9]+)$/\1 \2/'
fi
"""
# What runs, and what should but has failed. Instances (getty@tty1) follow the hardware, not the appliance.
LIST_SERVICES = (
    "[ ! -d /run/systemd/system ] || "
    "systemctl list-units --type=service --state=running,failed --plain --no-legend --no-pager"
)
# Read by us, not by ss: every Linux has these files.
LIST_SOCKETS = 'cd /proc/net && for file in tcp tcp6 udp udp6; do [ ! -e $file ] || sed "s/^/$file /" $file; done'
LISTENING = {"tcp": "0A", "udp": "07"}


def collect(machine: Machine, context: Context) -> dict[str, Any]:
    """JSON: boot_seconds, ports and local_ports (["80/tcp"]), packages and services by name, os, kernel, console."""
    outside, local = ports(machine.expect(LIST_SOCKETS, context))
    system = machine.expect(
        '[ ! -r /etc/os-release ] || . /etc/os-release; echo "$PRETTY_NAME"; uname -r', context
    ).splitlines()
    return {
        "boot_seconds": round(machine.boot_seconds, 1),
        "ports": outside,
        "local_ports": local,
        "packages": packages(machine, context),
        "services": services(machine.expect(LIST_SERVICES, context)),
        "os": system[0] if system else "",
        "kernel": system[1] if len(system) > 1 else "",
        "console": context.redact(machine.console_text())[-CONSOLE:],
    }


def packages(machine: Machine, context: Context) -> dict[str, str]:
    """Installed packages and their versions; {} when the machine has none of dpkg, rpm and apk."""
    lines = machine.expect(LIST_PACKAGES, context).splitlines()
    return dict(sorted(line.split(" ", 1) for line in lines if " " in line))


def services(units: str) -> dict[str, str]:
    """Services and whether they are "running" or "failed", from systemd's list; {} where there is no systemd."""
    found = {}
    for line in units.splitlines():
        name, _, _, state = (*line.split(), "", "", "", "")[:4]
        if name.endswith(".service") and "@" not in name:
            found[name.removesuffix(".service")] = state
    return dict(sorted(found.items()))


def ports(sockets: str) -> tuple[list[str], list[str]]:
    """What listens for the outside and what for the machine alone, from the kernel's tables of sockets."""
    outside: set[tuple[int, str]] = set()
    local: set[tuple[int, str]] = set()
    for match in re.finditer(r"^(tcp|udp)6? +\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) ", sockets, re.M):
        protocol, address, port, state = match.groups()
        if state == LISTENING[protocol]:
            (local if _address(address).is_loopback else outside).add((int(port, 16), protocol))
    return _named(outside), _named(local - outside)


def _named(found: set[tuple[int, str]]) -> list[str]:
    return [f"{port}/{protocol}" for port, protocol in sorted(found)]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The kernel prints addresses as 32-bit words in the machine's byte order."""
    words = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    found = ipaddress.ip_address(b"".join(words))
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
