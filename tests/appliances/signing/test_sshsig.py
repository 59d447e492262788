"""What ssh-keygen says of our signatures."""

import subprocess

import pytest

from appliances import signing
from appliances.models import KeyKind
from appliances.signing import keys

pytestmark = pytest.mark.django_db
DATA = b"0" * 64 + b"  wiki-1.0.0.qcow2\n"


@pytest.fixture
def verify(owner, tmp_path):
    def run(data: bytes, signature: bytes, *, signers: bytes = b"", who: str = owner, namespace: str = "file"):
        (tmp_path / "signers").write_bytes(signers or signing.allowed_signers())
        (tmp_path / "sig").write_bytes(signature)
        argv = ["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", who, "-n", namespace, "-s", "sig"]
        return subprocess.run(argv, input=data, capture_output=True, cwd=tmp_path, check=False)

    return run


def test_ssh_keygen_verifies_it(verify, owner):
    done = verify(DATA, signing.ssh(DATA))
    assert done.returncode == 0, done.stderr
    fingerprint = keys.current(KeyKind.SSH).fingerprint
    assert done.stdout.decode().strip() == f'Good "file" signature for {owner} with ED25519 key {fingerprint}'


@pytest.mark.parametrize(
    "wrong", [{"data": DATA + b"x"}, {"who": "evil.example.org"}, {"namespace": "git"}], ids=["content", "who", "what"]
)
def test_it_refuses_what_is_not_the_same(verify, wrong):
    asked = {"data": DATA, "signature": signing.ssh(DATA), **wrong}
    assert verify(**asked).returncode != 0


def test_each_namespace_has_signatures_of_its_own(verify):
    assert verify(DATA, signing.ssh(DATA, "git"), namespace="git").returncode == 0
    assert verify(DATA, signing.ssh(DATA), namespace="git").returncode != 0


def test_it_is_byte_for_byte_what_ssh_keygen_writes(tmp_path):
    private = tmp_path / "key"
    private.write_text(keys.current(KeyKind.SSH).private())
    private.chmod(0o600)
    argv = ["ssh-keygen", "-q", "-Y", "sign", "-f", private, "-n", "file"]
    done = subprocess.run(argv, input=DATA, capture_output=True, check=True)
    assert signing.ssh(DATA) == done.stdout
