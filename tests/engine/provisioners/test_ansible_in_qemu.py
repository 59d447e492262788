"""Ansible on the worker reaches a machine that is in a sandbox itself: both doors, one behind the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from builds.engine.bases.debian import Debian, DebianOptions
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.image import Size
from builds.engine.platforms.qemu.platform import Qemu
from builds.engine.provisioners import PROVISIONERS
from builds.engine.source import inline

BASES = Path(__file__).parents[3] / ".cache"
SIZE = Size(cpus=2, memory=512 << 20, disk=2 << 30)
PLAY = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Look who is there
      command: systemd-detect-virt
      register: seen
    - name: Write it down
      copy: {content: "{{ slipway.site_title }} on {{ seen.stdout }}", dest: /srv/seen}
"""


@pytest.mark.timeout(1200)  # on a busy machine without KVM, with a base to be made first
@pytest.mark.guest
@pytest.mark.network
def test_a_playbook_on_the_worker_changes_a_machine_in_qemu(tmp_path: Path) -> None:
    for name in ("work", "source"):
        (tmp_path / name).mkdir()
    variables = {"site_title": "Our wiki"}
    context = Context("b1", tmp_path / "work", BASES, tmp_path / "source", Recorder(), variables=variables)
    inline({"site.yml": PLAY}, context.source)
    base = Debian(DebianOptions(debian="12", packages=("python3",))).prepare(context)
    ansible = PROVISIONERS["ansible"]
    options = ansible.Options(**{"playbook": "site.yml", "from": "worker", "install": False})
    keys = "cat /root/.ssh/authorized_keys"
    with Qemu(Qemu.Options()).launch(base, SIZE, "none", context) as machine:
        before = machine.expect(keys, context)
        ansible(options).provision(machine, context)
        assert machine.expect("cat /srv/seen", context) in ("Our wiki on qemu", "Our wiki on kvm")
        assert machine.expect(keys, context) == before
        assert machine.expect("ls -d /var/tmp/provision* 2>/dev/null || :", context) == ""
