"""evidence: what a launched machine shows of itself."""

import json
import socket
from pathlib import Path

from builds.engine.checks import evidence
from builds.engine.context import Context
from tests.engine.local_machine import LocalMachine

SOCKETS = """\
tcp   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
tcp    0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
tcp    1: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
tcp    2: 0100007F:0050 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 1 1
tcp6   0: 00000000000000000000000001000000:0CEB 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 1 1
tcp6   1: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 1 1
udp    0: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 1
"""


def test_listening_ports_are_told_apart_from_local_ones() -> None:
    assert evidence.ports(SOCKETS) == (["22/tcp", "68/udp", "80/tcp"], ["3306/tcp", "3307/tcp"])


def test_services_are_what_runs_or_has_failed_and_not_what_follows_the_hardware() -> None:
    units = (
        "cron.service       loaded active running Regular background program processing daemon\n"
        "getty@tty1.service loaded active running Getty on tty1\n"
        "nginx.service      loaded failed failed  A high performance web server\n"
    )
    assert evidence.services(units) == {"cron": "running", "nginx": "failed"}


def test_the_evidence_of_a_machine_is_json(context: Context) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        seen = evidence.collect(LocalMachine(), context)
        assert f"{server.getsockname()[1]}/tcp" in seen["local_ports"]
    assert json.loads(json.dumps(seen)) == seen
    assert seen["boot_seconds"] == 1.2
    assert seen["kernel"] == Path("/proc/sys/kernel/osrelease").read_text().strip()
    assert seen["console"].endswith("login: ")


def test_a_machine_without_a_package_manager_has_no_packages(context: Context, tmp_path: Path) -> None:
    machine = LocalMachine()
    for program in ("sh", "sed"):
        (tmp_path / program).symlink_to(f"/bin/{program}")
    machine.path = str(tmp_path)
    assert evidence.packages(machine, context) == {}
