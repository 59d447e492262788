"""debian: made from the mirror when the mirror has something new, and ready for SSH in a real machine."""

import hashlib
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from builds.engine.bases.debian import Debian, DebianOptions
from builds.engine.console import Recorder
from builds.engine.context import Context, Stop
from builds.engine.errors import BuildError, Cancelled, WorkerError
from builds.engine.image import Image
from builds.engine.reach import Reach
from tests.simulators.login import login, new_key, public, run
from tests.simulators.machine import Identity, Machine, Subnet

BASE = Debian(DebianOptions(debian="12"))
CACHE = Path(__file__).parents[3] / ".cache"


class Mirror(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if Path(self.directory, "down").exists():
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A mirror on loopback that has no packages, and an mmdebstrap that needs none."""
    tree = tmp_path / "tree"
    (tree / "boot").mkdir(parents=True)
    (tree / "boot/vmlinuz-1").write_bytes(b"a kernel")
    (tree / "vmlinuz").symlink_to("boot/vmlinuz-1")
    (tree / "initrd.img").write_bytes(b"an initrd")
    with tarfile.open(tmp_path / "root.tar", "w") as tar:
        tar.add(tree, ".")
    programs = tmp_path / "bin"
    programs.mkdir()
    fake = programs / "mmdebstrap"
    fake.write_text(f"""#!/bin/sh
        echo "$@" >> {tmp_path}/made
        case $* in *no-such*) echo "E: Unable to locate package no-such" >&2; exit 25 ;; esac
        for argument; do
            case $argument in */root.tar) cp {tmp_path}/root.tar "$argument" ;; esac
        done
    """)
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")

    served = tmp_path / "served"
    publish(served, "first")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Mirror, directory=str(served))) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("SLIPWAY_DEBIAN_MIRROR", f"http://127.0.0.1:{http.server_port}/debian")
        yield served
        http.shutdown()
        thread.join()


def publish(served: Path, packages: str, signed: str = "once") -> None:
    digest = hashlib.sha256(packages.encode()).hexdigest()
    suites = (
        "debian/dists/bookworm",
        "debian/dists/bookworm-updates",
        "debian-security/dists/bookworm-security",
    )
    for suite in suites:
        (served / suite).mkdir(parents=True, exist_ok=True)
        text = f"Date: {signed}\nSHA256:\n {digest} 1234 main/binary-amd64/Packages\n"
        (served / suite / "InRelease").write_text(text)


def times_made(tmp_path: Path) -> int:
    return len((tmp_path / "made").read_text().splitlines())


def test_only_new_packages_make_a_new_base(mirror: Path, tmp_path: Path, context: Context):
    first = BASE.prepare(context)
    assert Path(first.details["kernel"]).read_bytes() == b"a kernel"
    assert first.details["digest"] == "sha256:" + hashlib.sha256(first.file.read_bytes()).hexdigest()
    publish(mirror, "first", signed="again")
    assert BASE.prepare(context) == first
    assert times_made(tmp_path) == 1
    publish(mirror, "a security update")
    assert BASE.prepare(context).file != first.file
    assert times_made(tmp_path) == 2


def test_what_it_would_be_made_of_now_is_told_in_the_words_of_what_it_was_made_of(mirror: Path, context: Context):
    made = BASE.prepare(context)
    assert made.details["inputs"] == BASE.current(context)
    publish(mirror, "a security update")
    assert BASE.current(context) != made.details["inputs"]
    assert BASE.prepare(context).details["inputs"] == BASE.current(context)
    (mirror / "down").touch()
    with pytest.raises(WorkerError, match="answered 503"):
        BASE.current(context)


def test_a_mirror_that_is_down_is_done_without_when_there_is_an_earlier_base(mirror: Path, context: Context):
    (mirror / "down").touch()
    with pytest.raises(WorkerError, match="There is no earlier base") as caught:
        BASE.prepare(context)
    assert "SLIPWAY_DEBIAN_MIRROR" in caught.value.hint
    (mirror / "down").unlink()
    made = BASE.prepare(context)
    (mirror / "down").touch()
    assert BASE.prepare(context) == made
    assert isinstance(context.console, Recorder)
    assert "answered 503. Using the base that was made" in context.console.text


def test_the_operators_mirror_may_be_a_neighbour(mirror: Path, context: Context):
    """Here it is on loopback, which no template may name."""
    assert BASE.prepare(replace(context, reach=Reach())).file.exists()


def test_a_package_that_debian_does_not_have_is_the_authors_trouble(mirror: Path, context: Context):
    with pytest.raises(BuildError, match="Debian 12 has no package no-such"):
        Debian(DebianOptions(debian="12", packages=("no-such",))).prepare(context)


@pytest.mark.network
def test_a_cancelled_maker_leaves_no_file_no_process_and_no_mount(tmp_path: Path, context: Context):
    stop = Stop()

    class Impatient(Recorder):
        def write(self, text: str) -> None:
            super().write(text)
            if "installing essential packages" in text:
                stop.cancel()

    with pytest.raises(Cancelled):
        BASE.prepare(replace(context, stop=stop, console=Impatient()))
    assert [path.suffix for path in (context.cache / "bases").iterdir()] == [".lock"]
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert str(tmp_path) not in subprocess.check_output(["ps", "-eo", "args"], text=True)


@pytest.fixture
def debian(context: Context) -> Image:
    """A real one, kept in the checkout's cache: making it takes a minute. Ansible's guest starts from it, too."""
    return Debian(DebianOptions(debian="12", packages=("python3",))).prepare(replace(context, cache=CACHE))


def seed(folder: Path) -> Path:
    """A NoCloud volume with keys for root and the host; `key` and `known_hosts` in `folder` fit them."""
    for name in ("key", "host"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", folder / name], check=True)
    public = " ".join((folder / "host.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text(f"* {public}\n")
    volume = folder / "seed"
    volume.mkdir()
    (volume / "meta-data").write_text("instance-id: one\nlocal-hostname: wiki\n")
    private = "".join(f"    {line}\n" for line in (folder / "host").read_text().splitlines())
    (volume / "user-data").write_text(
        f"#cloud-config\nssh_authorized_keys:\n  - {(folder / 'key.pub').read_text().strip()}\n"
        f"ssh_keys:\n  ed25519_private: |\n{private}  ed25519_public: {public}\n"
    )
    subprocess.run(
        [
            "xorriso",
            "-as",
            "mkisofs",
            "-quiet",
            "-V",
            "cidata",
            "-J",
            "-r",
            "-o",
            folder / "seed.iso",
            volume,
        ],
        check=True,
        capture_output=True,
    )
    return folder / "seed.iso"


@pytest.mark.guest
@pytest.mark.network
def test_it_boots_takes_its_seed_and_fills_its_disk(debian: Image, tmp_path: Path):
    overlay = tmp_path / "overlay.qcow2"
    backing = ["-F", "qcow2", "-b", debian.file, overlay, "5G"]
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "512", "-nodefaults"]
    argv += [
        "-display",
        "none",
        "-serial",
        f"file:{tmp_path}/serial",
        "-device",
        "virtio-net-pci,netdev=outside",
    ]
    argv += ["-netdev", f"user,id=outside,hostfwd=tcp:127.0.0.1:{port}-:22"]
    for drive in (f"file={overlay},cache=unsafe", f"file={seed(tmp_path)},format=raw,readonly=on"):
        argv += ["-drive", f"{drive},if=virtio"]
    ssh = ["ssh", "-F", "none", "-i", str(tmp_path / "key"), "-p", str(port), "-o", "BatchMode=yes"]
    ssh += ["-o", f"UserKnownHostsFile={tmp_path}/known_hosts", "-o", "ConnectTimeout=60", "root@127.0.0.1"]
    asked = "hostname; df -m --output=size / | tail -1; systemctl --failed --no-legend | wc -l; passwd -S root"
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as guest:
        try:
            end = time.monotonic() + 300
            while (answer := subprocess.run([*ssh, asked], capture_output=True, text=True)).returncode:
                assert guest.poll() is None
                assert time.monotonic() < end, answer.stderr + (tmp_path / "serial").read_text()[-2000:]
                time.sleep(0.5)
            name, size, failed, password = answer.stdout.splitlines()
            assert name == "wiki"
            assert int(size) > 4500
            assert failed == "0"
            assert password.split()[1] == "L"
            subprocess.run([*ssh, "update-grub && ! grep -w root=LABEL=root /boot/grub/grub.cfg"], check=True)
        finally:
            guest.kill()


@pytest.mark.network
def test_on_ec2_it_takes_its_key_and_name_and_shows_its_host_keys(debian: Image, tmp_path: Path):
    disk, console, key = tmp_path / "disk.raw", tmp_path / "console", new_key()
    subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", debian.file, disk], check=True)
    with closing(Subnet.claim()) as subnet:
        identity = Identity("ip-10-0-0-5", "i-1", keys=(public(key),))
        machine = Machine(disk, subnet.address(), console=console, identity=identity)
        machine.start()
        try:
            with login(machine.address, key, "admin") as client:
                assert run(client, "hostname; sudo id -un; systemctl is-active slipway-ec2").split() == [
                    "ip-10-0-0-5",
                    "root",
                    "active",
                ]
                assert "authorized_keys" not in run(client, "sudo ls -a /root/.ssh || true")
                shown = run(client, "cut -d ' ' -f 1,2 /etc/ssh/ssh_host_*_key.pub")
            told = console.read_text().replace("\r", "")
            assert f"-----BEGIN SSH HOST KEY KEYS-----\n{shown}\n-----END SSH HOST KEY KEYS-----" in told
        finally:
            machine.kill()
