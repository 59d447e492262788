"""An OVA that is signed: what OpenSSL, and so vSphere, makes of its certificate."""

from __future__ import annotations

import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from builds.engine.errors import BuildError, WorkerError
from builds.engine.formats import ova_certificate
from builds.engine.formats.ova_certificate import SETTING
from builds.engine.image import Drive, Image

from .conftest import MIB, NAME, Convert, chain, scatter


def pem(folder: Path, algorithm: str) -> Path:
    argv = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        algorithm,
        "-nodes",
        "-subj",
        "/CN=Acme",
        "-keyout",
        "key",
        "-out",
        "crt",
    ]
    options = ["-pkeyopt", "ec_paramgen_curve:P-256"] if algorithm == "ec" else []
    subprocess.run([*argv, *options], cwd=folder, check=True, capture_output=True)
    path = folder / "ova.pem"
    path.write_bytes((folder / "key").read_bytes() + (folder / "crt").read_bytes())
    return path


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return chain(scatter(tmp_path / "disk.raw", 16 * MIB))


@pytest.fixture
def signed(disk: Path, convert: Convert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    monkeypatch.setenv(SETTING, str(pem(tmp_path, "rsa:2048")))
    return convert(disk, "ova")["ova"]


def test_the_certificate_follows_the_manifest_and_openssl_verifies_it(signed: Image, tmp_path: Path) -> None:
    with tarfile.open(signed.file, "r:") as archive:
        assert archive.getnames() == [f"{NAME}.ovf", f"{NAME}.mf", f"{NAME}.cert", f"{NAME}-disk1.vmdk"]
        archive.extractall(tmp_path, filter="data")
    certificate = (tmp_path / f"{NAME}.cert").read_text()
    found = re.match(rf"SHA256\({NAME}\.mf\)= ([0-9a-f]+)\n-----BEGIN CERTIFICATE-----\n", certificate)
    assert found
    (tmp_path / "sig").write_bytes(bytes.fromhex(found[1]))
    public = subprocess.run(
        ["openssl", "x509", "-in", f"{NAME}.cert", "-noout", "-pubkey"], cwd=tmp_path, check=True, capture_output=True
    )
    (tmp_path / "pub").write_bytes(public.stdout)
    argv = ["openssl", "dgst", "-sha256", "-verify", "pub", "-signature", "sig", f"{NAME}.mf"]
    subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True)


def test_it_is_launched_like_any_other(signed: Image, open_image: Callable[[Image], Drive]) -> None:
    assert open_image(signed).controller == "pvscsi"


@pytest.mark.parametrize("changed", ["wiki.mf", "wiki.cert"])
def test_what_was_changed_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str) -> None:
    monkeypatch.setenv(SETTING, str(pem(tmp_path, "rsa:2048")))
    manifest, certificate = tmp_path / "wiki.mf", tmp_path / "wiki.cert"
    manifest.write_bytes(b"SHA256(wiki.ovf)= 00\n")
    certificate.write_bytes(ova_certificate.sign(manifest.read_bytes(), "wiki"))
    ova_certificate.verify(manifest, certificate)
    path = tmp_path / changed
    path.write_bytes(path.read_bytes().replace(b"= ", b"= 00"))
    with pytest.raises(BuildError, match="does not sign"):
        ova_certificate.verify(manifest, certificate)


@pytest.mark.parametrize("wrong", ["nothing there", "no key", "another kind of key"])
def test_a_bad_certificate_is_the_workers_fault(
    disk: Path, convert: Convert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    path = tmp_path / "missing.pem" if wrong == "nothing there" else pem(tmp_path, "ec")
    if wrong == "no key":
        path.write_bytes((tmp_path / "crt").read_bytes())
    monkeypatch.setenv(SETTING, str(path))
    with pytest.raises(WorkerError, match="OVAs cannot be signed") as caught:
        convert(disk, "ova")
    assert SETTING in caught.value.hint
