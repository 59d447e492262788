"""What gpg, the verifier that people have, says of our signatures."""

import pytest

from appliances import signing

pytestmark = pytest.mark.django_db
DATA = b"0" * 64 + b"  wiki-1.0.0.qcow2\n"
TEXTS = {
    "lines": "one\ntwo\n",
    "no line end": "one\ntwo",
    "dashes": "- one\n--- two\n-----BEGIN PGP SIGNATURE-----\nFrom three\n",
    "empty lines": "\n\none\n\n\n",
    "not ASCII": '{"name": "Größe ✓"}\n',
    "nothing": "",
}


def test_gpg_verifies_a_detached_signature(gpg, owner, tmp_path):
    (tmp_path / "sums").write_bytes(DATA)
    (tmp_path / "sums.asc").write_bytes(signing.armored(DATA))
    gpg.trusts(signing.openpgp_keys())
    done = gpg("--verify", str(tmp_path / "sums.asc"), str(tmp_path / "sums"))
    assert done.returncode == 0, done.stderr
    assert f'Good signature from "Slipway at {owner}"'.encode() in done.stderr
    assert signing.public_keys()[0].fingerprint.encode() in done.stdout


def test_gpg_refuses_another_content(gpg, tmp_path):
    (tmp_path / "sums").write_bytes(DATA.replace(b"0", b"1"))
    (tmp_path / "sums.asc").write_bytes(signing.armored(DATA))
    gpg.trusts(signing.openpgp_keys())
    assert b"BADSIG" in gpg("--verify", str(tmp_path / "sums.asc"), str(tmp_path / "sums")).stdout


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_clear_signed_text_is_what_gpg_reads_out_of_it(gpg, text):
    gpg.trusts(signing.openpgp_keys())
    for _ in ("made", "kept"):
        message = signing.clear(text)
        done = gpg("--decrypt", stdin=message)
        assert b"GOODSIG" in done.stdout, done.stderr
        read = gpg("--decrypt", "--output", "-", "--status-fd", "2", stdin=message)
        assert read.stdout.decode().rstrip("\n") == text.rstrip("\n")


def test_a_kept_clear_signature_does_not_hold_the_text():
    signing.clear("a secret recipe\n" * 1000)
    (kept,) = signing.Signature.objects.values_list("body", flat=True)
    assert "recipe" not in kept
    assert len(kept) < 1000
