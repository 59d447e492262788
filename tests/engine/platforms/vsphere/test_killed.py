"""A worker that is killed at any step leaves nothing that the reaper does not find."""

from __future__ import annotations

from pathlib import Path

import pytest

from builds.engine.vmware import marks
from tests.engine.vmware.lab import LIMIT, Lab
from tests.engine.vmware.worker import listen, started
from tests.waiting import wait_for


@pytest.mark.parametrize(
    ("moment", "ids_known"),
    [
        (("stands", "datastore-file"), False),  # killed before any id was written down
        (("step", "Export the OVA"), True),
        (("stands", "template"), True),
        (("step", "Test VMware and VirtualBox (OVA)"), True),
    ],
    ids=["launch", "export", "template", "test"],
)
def test_what_a_killed_worker_left_is_removed(
    lab: Lab, tmp_path: Path, moment: tuple[str, str], ids_known: bool
) -> None:
    folder = tmp_path / "worker"
    folder.mkdir()
    lab.vcenter.settings(lease_timeout=30)  # nobody but the vCenter ends one whose worker is gone
    with started(lab, folder) as worker:
        assert worker.stdout
        listen(worker.stdout, lab, moment)
        worker.kill()
        worker.wait()
    assert not lab.vcenter.holds_nothing()
    if not ids_known:
        for line in lab.book.entries:
            line.made("")
    wait_for(lambda: swept(lab), LIMIT, seen=lab.vcenter.held)


def test_a_state_that_a_killed_worker_was_keeping_is_removed(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "worker"
    folder.mkdir()
    with started(lab, folder, layers=True) as worker:
        assert worker.stdout
        for _ in range(3):  # the machine is planned, and made; then its copy is planned
            listen(worker.stdout, lab, ("stands", "virtual-machine"))
        worker.kill()
        worker.wait()
    assert [marks.LAYER in each.name for each in lab.book.standing() if each.kind == "virtual-machine"] == [False, True]
    wait_for(lambda: swept(lab), LIMIT, seen=lab.vcenter.held)


def swept(lab: Lab) -> bool:
    """Once more, as every minute: what was in the making has come to be by then."""
    lab.sweep()
    return lab.vcenter.holds_nothing()
