"""A whole build with the real vagrant-libvirt, whatever the host's processors can do: QEMU in software, if need be.

Not a part of `make test`: it takes minutes, needs root, a running libvirtd with a pool and a network named default,
and the packages vagrant-libvirt, libvirt-daemon-system and libvirt-clients. Asked for by name:

    python -m pytest tests/engine/platforms/vagrant/real_libvirt.py
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from builds.engine import pipeline, template
from builds.engine.bases.debian import Debian, DebianOptions
from builds.engine.console import Recorder
from builds.engine.context import Context, Stop
from builds.engine.errors import Cancelled
from builds.engine.formats import convert
from builds.engine.formats.box_libvirt import LibvirtBox
from builds.engine.image import Image, Size
from builds.engine.platforms.vagrant.platform import Vagrant
from builds.engine.platforms.vagrant.project import prefix
from tests.engine.platforms.vagrant.conftest import served
from tests.waiting import wait_for

PROJECT = Path(__file__).parents[4]
CACHE = PROJECT / ".cache"
SIZE = Size(cpus=1, memory=512 << 20, disk=2 << 30)
TEMPLATE = """
size: {{cpus: 1, memory: 512M, disk: 3G}}
limits: {{boot: 20m}}
provisioners:
  - shell: {{inline: "echo from the build > /etc/provisioned; df -h / | tail -n 1"}}
platforms:
  vagrant: {{box: "{url}", driver: {driver}, formats: [box-libvirt]}}
checks:
  - command: {{run: grep build /etc/provisioned}}
  - port: {{port: 22}}
"""

pytestmark = [pytest.mark.vagrant, pytest.mark.timeout(3600)]


def virsh(*arguments: str) -> str:
    argv = ["virsh", "--quiet", "--connect", "qemu:///system", *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def left(context: Context) -> list[str]:
    """What libvirt still has of the build's machines and throw-away boxes."""
    told = virsh("list", "--all", "--name") + virsh("vol-list", "--pool", "default")
    return [line for line in told.splitlines() if prefix(context.work) in line]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian as a box that somebody else has published."""
    folder = tmp_path_factory.mktemp("box")
    context = Context(build="box", work=folder, cache=CACHE, source=folder, console=Recorder())
    base = Debian(DebianOptions(debian="12")).prepare(context)
    image = Image("disk", path=base.file, size=SIZE)
    convert(image, "debian", [LibvirtBox(LibvirtBox.Options())], folder, context)
    with served(folder) as address:
        yield f"{address.url}/debian.libvirt.box"


def test_a_box_is_built_and_boots_and_nothing_is_left(url: str, context: Context, folder: Path):
    plan = template.parse(TEMPLATE.format(url=url, driver="qemu")).plans("acme-wiki-1.0", {}, None)["vagrant"]

    made = pipeline.build(plan, context, folder)

    assert [verdict.passed for verdict in made.verdicts] == [True, True, True]
    assert not left(context)
    with tarfile.open(made.images["box-libvirt"].file) as box:
        assert box.getnames() == ["metadata.json", "info.json", "Vagrantfile", "box.img"]
        file = box.extractfile("Vagrantfile")
        assert file
        assert "driver" not in file.read().decode()


def test_a_cancelled_start_leaves_nothing(url: str, context: Context, folder: Path):
    stop = Stop()

    class Impatient(Recorder):
        def write(self, text: str) -> None:
            super().write(text)
            if "Waiting for domain to get an IP" in text:
                stop.cancel()

    cancelled = Context(
        build=context.build,
        work=context.work,
        cache=context.cache,
        source=context.source,
        console=Impatient(),
        stop=stop,
    )
    plan = template.parse(TEMPLATE.format(url=url, driver="qemu")).plans("acme-wiki-1.0", {}, None)["vagrant"]

    with pytest.raises(Cancelled):
        pipeline.build(plan, cancelled, folder)
    assert not left(context)


def test_a_start_of_a_killed_worker_is_swept(url: str, context: Context):
    worker = "\n".join(
        [
            "import sys",
            "from tests.engine.platforms.vagrant.real_libvirt import build_until_killed",
            "build_until_killed(*sys.argv[1:])",
        ]
    )
    argv = [sys.executable, "-c", worker, url, context.work, context.cache]
    with subprocess.Popen(argv, cwd=PROJECT) as process:
        wait_for(lambda: left(context), 600)  # its disks come first, then itself
        process.kill()
    platform(url).sweep(context.build, context.work)
    assert not left(context)


def platform(url: str) -> Vagrant:
    return Vagrant(Vagrant.Options(box=url, driver="qemu"), "libvirt")


def build_until_killed(url: str, work: str, cache: str) -> None:
    folder = Path(work)
    context = Context(build="build-1", work=folder, cache=Path(cache), source=folder, console=Recorder())
    vagrant = platform(url)
    with vagrant.launch(vagrant.base.prepare(context), SIZE, "outside", context):
        raise AssertionError("it was to be killed before")
