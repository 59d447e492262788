"""A whole installation in use: web server, Redis, worker and database. What is asked of it goes through its API.

It runs in a child (`python -m bench.installation FOLDER`), for Django reads its settings at the first import. Each
line on its input is the name of one of `ASKED`; each on its output is what that took, in seconds.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from . import site, slipway

PATIENCE = 1800  # seconds for one build
SAVES = 20
SCRIPT = "apt-get update -q && apt-get install -q -y --no-install-recommends nginx-light"
TEMPLATE = f"""base: debian:12
size: {{cpus: 2, memory: 1G, disk: 4G}}
provisioners:
  - shell: {{inline: {SCRIPT}}}
platforms:
  qemu: {{formats: [qcow2]}}
checks:
  - http: {{port: 80, path: /, status: 200}}
"""


def prepare(work: Path, stack: ExitStack) -> Callable[[str], float]:
    """Ask it for one of `ASKED`; returns the seconds."""
    from config.settings import DATA_DIR  # the parent's own; the child must not read it before it is told its folder

    work.mkdir(parents=True)
    # It has been in use for a while: the base is there.
    shutil.copytree(DATA_DIR / "cache", work / "cache", copy_function=os.link)
    argv = ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", "bench.installation", work]
    child = stack.enter_context(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    stack.callback(child.terminate)
    expect(child)
    return partial(ask, child)


def alone(work: Path) -> None:
    """The same build, tests included, without an installation around it."""
    work.mkdir(parents=True, exist_ok=True)
    template = work / "appliance.yaml"
    template.write_text(TEMPLATE)
    slipway.build(work, template=template, tested=True)


def ask(child: subprocess.Popen[str], what: str) -> float:
    child.stdin.write(f"{what}\n")
    child.stdin.flush()
    return expect(child)


def expect(child: subprocess.Popen[str]) -> float:
    if not (said := child.stdout.readline()):
        raise RuntimeError("The installation ended; its log says why.")
    return float(said)


def run(work: Path) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything ends with this program
    os.environ.update(SLIPWAY_DATA=str(work), SLIPWAY_LAYERS="off", DJANGO_SETTINGS_MODULE="config.settings")
    import django

    django.setup()
    from appliances.management.commands import demo

    demo.START_SECONDS = PATIENCE  # nothing of it is timed
    port = site.free_port()
    with demo.site(port, f"http://127.0.0.1:{port}"):
        client = Client(port)
        print(0.0, flush=True)  # noqa: T201 -- the parent reads it
        for line in sys.stdin:
            print(ASKED[line.strip()](client), flush=True)  # noqa: T201


class Client:
    """A program of a team that maintains one release."""

    def __init__(self, port: int) -> None:
        from appliances.models import Scope, Token
        from tests import factories

        release = factories.release(appliance=factories.appliance(team=factories.team(slug="acme"), slug="wiki"))
        self._url = f"http://127.0.0.1:{port}/api/v1/"
        self.release = f"appliances/acme/wiki/releases/{release.version}"
        self._token = Token.objects.issue("bench", Scope.values, by=None, team=release.appliance.team)[1]
        self._number = 0

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        data = json.dumps(body).encode() if body is not None else b""
        request = urllib.request.Request(self._url + path, data, method=method)  # noqa: S310 -- our own address
        request.add_header("Authorization", f"Bearer {self._token}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def save(self, template: str) -> dict[str, Any]:
        """Change what is written, and have it built, as the page's button does: {"created", "revision"}."""
        self("PATCH", self.release, {"template": template})
        return self("POST", f"{self.release}/build")

    def save_new(self) -> int:
        """The number of the build that it led to."""
        self._number += 1
        answer = self.save(f"{TEMPLATE}# {self._number}\n")
        return answer["revision"]["builds"][0]["number"]

    def wait(self, build: int) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while not (seen := self("GET", f"builds/{build}"))["final"]:
            if time.monotonic() > end:
                raise RuntimeError(f"Build {build} takes too long.")
            time.sleep(0.1)
        return seen


def build(client: Client) -> float:
    """From the save to the end of the build."""
    began = time.monotonic()
    seen = client.wait(client.save_new())
    if seen["state"] != "succeeded":
        raise RuntimeError(f"The build is {seen['state']}: {seen['error']}")
    return time.monotonic() - began


def latency(client: Client) -> float:
    """From a save to the start of the build's first step: of `SAVES`, what 95 % stay below."""
    from builds.models import Step

    waited = []
    for _ in range(SAVES + 1):
        began = time.time()
        number = client.save_new()
        while not (step := Step.objects.filter(build=number, started_at__isnull=False).first()):
            time.sleep(0.01)
        waited.append(step.started_at.timestamp() - began)
        client("POST", f"builds/{number}/cancel")
        client.wait(number)
    warm = sorted(waited[1:])
    return warm[math.ceil(0.95 * len(warm)) - 1]


def unchanged(client: Client) -> float:
    """A save of what is there already, which must build nothing."""
    from builds.models import Build

    client("POST", f"builds/{client.save_new()}/cancel")
    template = client("GET", client.release)["template"]
    builds = Build.objects.count()
    began = time.monotonic()
    answer = client.save(template)
    took = time.monotonic() - began
    if answer["created"] or Build.objects.count() != builds:
        raise RuntimeError("A save of the same made something new.")
    return took


ASKED: dict[str, Callable[[Client], float]] = {"build": build, "latency": latency, "unchanged": unchanged}


if __name__ == "__main__":
    run(Path(sys.argv[1]).resolve())
