"""An installation whose team has accounts on simulated places, which are asked what they hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.demo.outside import Outside
from tests.guests.tiny import Tiny

from .installation import AT_ONCE, FINAL, Installation

REGION, COPIES = "us-east-1", ("eu-west-1", "ap-south-1")
DOCUMENT = """
{base}
size: {{cpus: 1, memory: 256M, disk: 1G}}
provisioners:
  - shell: {{inline: "echo {words} > /etc/motd; sleep {pause}"}}
platforms: {platforms}
checks:
  - command: {{run: grep -q '{words}' /etc/motd}}
"""


class Lab(Installation):
    heartbeat_timeout = 12  # many builds at once keep this host busy

    def __init__(self, data: Path, port: int, base_url: str, tiny: Tiny, outside: Outside) -> None:
        # So many builds at once are for a test to see, not to wait for.
        limits = {"SLIPWAY_BUILDS_PER_REGION": "32", "SLIPWAY_BUILDS_PER_ACCOUNT": "32"}
        super().__init__(data, port, base_url, tiny, {**outside.environment(), **limits})
        self.outside = outside

    @property
    def platforms(self) -> dict[str, Any]:
        """As a template says them."""
        return {
            "ec2": {
                "source": {"parameter": "/aws/service/debian/release/12/latest/amd64"},
                "formats": [{"ami": {"regions": COPIES[:1]}}],
            },
            "vsphere": {
                "template": self.outside.vcenter.template,
                "cluster": "DC0_C0",
                "formats": ["vsphere-template", "ova"],
            },
            "vagrant": {"box": self.outside.box, "formats": ["box-virtualbox"]},
            "qemu": {"formats": ["qcow2"]},
        }

    def template(self, version: str, platforms: Mapping[str, Any], *, pause: float = 0) -> str:
        base = f"base: {{url: {self._base}, sha256: {self._sha256}}}" if "qemu" in platforms else ""
        return DOCUMENT.format(base=base, words=f"this is {version}", pause=pause, platforms=json.dumps(platforms))

    def keep_accounts(self) -> None:
        """Their rows, as an owner of the team saves them."""
        self.do(
            f"""
            from appliances import accounts
            team, _ = Team.objects.get_or_create(slug="acme", defaults={{"name": "Acme"}})
            for name, (kind, options) in {self.outside.accounts()!r}.items():
                accounts.keep(Account(team=team, name=name, kind=kind), options, by=None)
            """
        )

    def kill_at(self, steps: Mapping[int, str]) -> None:
        """Kill the worker of each of these builds, with its parent, as soon as it has begun its step."""
        waiting = dict(steps)

        def killed() -> bool:
            for build, step in [each for each in waiting.items() if self.began(*each)]:
                assert self.state(build) == "running", f"{step}: {self.error(build)}"
                self.kill_worker(build)
                del waiting[build]
            return not waiting

        self.wait(killed, 240, "the steps begin in which the workers are killed", AT_ONCE)

    def wait_for_all(self, builds: Iterable[int], state: str) -> None:
        for build in builds:
            assert self.wait_for_state(build, *FINAL, seconds=240) == state, f"{build}: {self.error(build)}"

    def held(self) -> set[str]:
        """What the places and this host hold of all builds; none is under way."""
        self.outside.ec2.settle()
        on_ec2 = {
            f"{region} {kind} {each}"
            for region, kinds in self.outside.ec2.held().items()
            for kind, ids in kinds.items()
            for each in ids
            if kind != "parameters"  # which name images that are published
        }
        on_vsphere = {
            f"vsphere {kind} {each}"
            for kind, names in self.outside.vcenter.held().items()
            for each in names
            if kind != "leases"  # of which a vCenter hears nothing any more end by themselves
        }
        here = {f"vagrant {each}" for each in self.outside.vagrant.machines()} | set(self.leftovers(files=False))
        return on_ec2 | on_vsphere | here

    def owned(self) -> set[str]:
        """What they should hold: the ledger says that it belongs to images."""
        rows = self.rows(
            """
            select a.kind, r.place, r.kind, r.name, r.reference
            from builds_resource r join appliances_account a on a.id = r.account_id
            where r.gone_at is null and r.artifact_id is not null
            """
        )
        return {
            f"{place} {kind}s {reference}" if account == "aws" else f"vsphere {kind}s {name}"
            for account, place, kind, name, reference in rows
        }

    def titles(self, build: int) -> list[str]:
        return [
            row[0] for row in self.rows("select title from builds_step where build_id = ? order by position", build)
        ]
