"""The life of the installation's keys."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from appliances import reconcile, signing
from appliances.models import Event, KeyKind, Signature, SigningKey
from appliances.signing import keys
from builds.engine.errors import WorkerError

pytestmark = pytest.mark.django_db
DATA = b"what is signed"


def fingerprints(*, retired: bool) -> set[str]:
    return {key.fingerprint for key in SigningKey.objects.all() if key.is_retired == retired}


def test_a_key_of_each_kind_is_made_once_and_is_unreadable_at_rest():
    signing.armored(DATA)
    signing.ssh(DATA)
    assert [key.kind for key in signing.public_keys()] == [KeyKind.OPENPGP, KeyKind.SSH]
    for key in SigningKey.objects.all():
        assert "PRIVATE" in key.private()
        assert b"PRIVATE" not in bytes(key.ciphertext)
        assert "PRIVATE" not in key.public


@pytest.mark.django_db(transaction=True)
def test_processes_that_start_together_agree_on_one_key():
    def start(_: int) -> bytes:
        try:
            return signing.allowed_signers() + signing.armored(DATA)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(start, range(8)))
    assert len(answers) == 1
    assert SigningKey.objects.count() == 2


def test_the_same_content_has_the_same_signature():
    assert signing.armored(DATA) == signing.armored(DATA)
    assert signing.clear("text") == signing.clear("text")
    assert Signature.objects.count() == 2


def test_new_keys_sign_at_once_and_the_old_public_ones_stay():
    before, old = signing.ssh(DATA), {key.fingerprint for key in signing.public_keys()}
    call_command("rotate_signing_key")
    assert signing.ssh(DATA) != before
    assert fingerprints(retired=True) == old
    assert len(fingerprints(retired=False)) == 2
    assert not any(bytes(key.ciphertext) for key in SigningKey.objects.retired())
    lines = signing.allowed_signers().decode().splitlines()
    assert [line.startswith("#") for line in lines] == [False, True, False]
    assert Event.objects.filter(name="signing-keys-changed").count() == 1


def test_keys_can_be_announced_before_they_sign():
    before = signing.ssh(DATA)
    call_command("rotate_signing_key", retire_after=30)
    assert signing.ssh(DATA) == before
    assert SigningKey.objects.count() == 4
    assert len(signing.allowed_signers().splitlines()) == 3
    SigningKey.objects.filter(number=1).update(retired_at=timezone.now() - timedelta(seconds=1))
    assert signing.ssh(DATA) != before


def test_announced_keys_can_be_taken_at_once():
    call_command("rotate_signing_key", retire_after=30)
    call_command("rotate_signing_key")
    assert {key.number for key in SigningKey.objects.unretired()} == {2}
    assert keys.current(KeyKind.SSH).number == 2


def test_days_are_not_negative():
    with pytest.raises(CommandError, match="0 or more"):
        call_command("rotate_signing_key", retire_after=-1)


def test_gpg_still_knows_a_retired_key(gpg, tmp_path):
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "data.asc").write_bytes(signing.armored(DATA))
    call_command("rotate_signing_key")
    gpg.trusts(signing.openpgp_keys())
    assert gpg("--verify", str(tmp_path / "data.asc"), str(tmp_path / "data")).returncode == 0


def test_reconcile_erases_what_is_not_needed_any_more():
    signing.armored(DATA)
    call_command("rotate_signing_key", retire_after=30)
    SigningKey.objects.filter(number=1).update(retired_at=timezone.now())
    Signature.objects.update(created_at=timezone.now() - signing.KEPT - timedelta(days=1))
    said = "\n".join(reconcile.run())
    assert "2 retired signing keys" in said
    assert "1 signatures" in said
    assert not any(bytes(key.ciphertext) for key in SigningKey.objects.filter(number=1))
    assert all(bytes(key.ciphertext) for key in SigningKey.objects.filter(number=2))


def test_the_secrets_keys_can_be_changed(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.SECRETS_KEYS = [old]
    before = signing.public_keys()
    settings.SECRETS_KEYS = [new, old]
    call_command("rotate_secrets")
    settings.SECRETS_KEYS = [new]
    assert signing.ssh(DATA)
    assert signing.public_keys() == before


def test_a_lost_secrets_key_is_an_error_and_a_rotation_mends_it(settings):
    signing.public_keys()
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(WorkerError):
        signing.ssh(DATA)
    call_command("rotate_signing_key")
    assert signing.ssh(DATA)
