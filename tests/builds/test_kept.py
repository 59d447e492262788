"""What people ask of a kept machine: rows, limits, and what the audit log has of it."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.utils import timezone

from builds import kept, queue
from builds.engine.errors import BuildError
from builds.engine.visiting import public_key
from builds.estimates import estimate
from builds.models import Build
from builds.states import BuildState, StepState
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return factories.user(username="ada")


@pytest.fixture
def build():
    """Its machine is kept for ten minutes more."""
    now = timezone.now()
    return factories.build(
        state=BuildState.RUNNING, started_at=now, debug=timedelta(minutes=30), debug_until=now + timedelta(minutes=10)
    )


def events(build) -> list[tuple[str, str, str]]:
    rows = build.revision.events.filter(name__startswith="debug-").order_by("pk")
    return [(event.name, event.by.username, event.note) for event in rows]


def failed_build(appliance=None) -> Build:
    release = factories.release(**({"appliance": appliance, "version": "2.0.0"} if appliance else {}))
    found = factories.build(factories.revision(release, state="failed"), state=BuildState.FAILED)
    found.steps.create(position=4, title="1. Shell script", state=StepState.FAILED)
    return found


def test_a_failed_build_is_tried_again_and_its_machine_will_be_kept(person):
    build = failed_build()
    again = kept.retry(build, 30, by=person)
    assert again.pk != build.pk
    assert Build.objects.get(pk=again.pk).debug == timedelta(minutes=30)
    assert kept.retry(build, 15, by=person) == again
    assert Build.objects.get(pk=again.pk).debug == timedelta(minutes=15)
    assert events(build)[0] == ("debug-asked", "ada", "")


def test_nobody_keeps_one_for_longer_than_the_settings_say(settings):
    settings.DEBUG_MINUTES = 20
    assert kept.retry(failed_build(), 1000, by=None).debug == timedelta(minutes=20)


def test_an_appliance_has_one_for_each_platform():
    build = failed_build()
    other = failed_build(build.revision.release.appliance)
    elsewhere = failed_build()
    again = kept.retry(build, 30, by=None)
    with pytest.raises(queue.Refused, match=f"{again.name} of .* is being debugged on qemu already"):
        kept.retry(other, 30, by=None)
    kept.retry(elsewhere, 30, by=None)
    queue.cancel(again, by=None)
    kept.retry(other, 30, by=None)


def test_only_what_failed_in_a_provisioner_leaves_a_machine():
    build = failed_build()
    assert kept.may_help(build)
    build.steps.update(title="Convert to QCOW2")
    assert not kept.may_help(build)


def test_each_thing_that_is_done_is_in_the_audit_log(build, person):
    key = line(ed25519.Ed25519PrivateKey.generate())
    kept.run(build, "  journalctl -b\r\n", by=person)
    for _ in range(2):
        kept.admit(build, f"{key} ada@desk\n", by=person)
    kept.extend(build, by=person)
    for _ in range(2):
        kept.end(build, by=person)
    assert build.debug_commands.get().text == "journalctl -b"
    assert Build.objects.get(pk=build.pk).debug_access == {"keys": [key]}
    assert events(build) == [
        ("debug-command", "ada", "journalctl -b"),
        ("debug-key", "ada", key),
        ("debug-extended", "ada", ""),
        ("debug-ended", "ada", ""),
    ]


@pytest.mark.parametrize("fields", [{"state": "cancelling"}, {"state": "failed"}, {"debug_until": None}, "past"])
def test_nothing_can_be_done_with_a_machine_that_is_gone(build, fields):
    fields = {"debug_until": timezone.now()} if fields == "past" else fields
    Build.objects.update(**fields)
    for verb in (kept.extend, lambda build, by: kept.run(build, "true", by=by)):
        with pytest.raises(queue.Refused, match="is not kept"):
            verb(build, by=None)
    kept.end(build, by=None)
    assert events(build) == []


def test_more_time_ends_where_the_settings_say(build, settings):
    settings.DEBUG_MINUTES = 30
    before = build.debug_until
    kept.extend(build, by=None)
    once = Build.objects.get(pk=build.pk).debug_until
    assert once - before == kept.MORE
    kept.extend(build, by=None)
    assert once < Build.objects.get(pk=build.pk).debug_until <= timezone.now() + timedelta(minutes=30)
    Build.objects.update(started_at=timezone.now() - kept.TOGETHER)
    with pytest.raises(queue.Refused, match="cannot be kept longer"):
        kept.extend(build, by=None)


@pytest.mark.parametrize("text", ["", " \n", "x" * 8001, "echo\x00"])
def test_what_is_no_command_is_refused(build, text):
    with pytest.raises(BuildError, match="1 to 8000 characters"):
        kept.run(build, text, by=None)


def line(key) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


KEY = ed25519.Ed25519PrivateKey.generate()
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
MAKERS = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_public_keys_of_the_usual_kinds_are_taken(kind):
    key = MAKERS[kind]()
    assert public_key(f" {line(key)} me@home\n") == line(key)


# By name: the keys are others in each process, and so would the tests' names be.
NO_KEYS = {
    "nothing": ("", "no public key"),
    "private": (PRIVATE, "private key"),
    "two": (f"{line(KEY)}\n{line(KEY)}", "no public key"),
    "command": (f'command="/bin/sh" {line(KEY)}', "no public key"),
    "option": (f"no-pty {line(KEY)}", "no public key"),
    "old kind": ("ssh-dss AAAA", "no public key"),
    "cut off": ("ssh-ed25519 AAAA", "cannot be read"),
    "not encoded": ("ssh-ed25519 $(reboot)", "cannot be read"),
    "short": (line(rsa.generate_private_key(65537, 1024)), "1024 bits"),  # noqa: S505
}


@pytest.mark.parametrize("kind", NO_KEYS)
def test_what_is_no_public_key_is_refused(kind):
    text, message = NO_KEYS[kind]
    with pytest.raises(BuildError, match=message):
        public_key(text)


def test_a_kept_machine_holds_its_place_until_its_time_is_up(build):
    waiting = factories.build(state=BuildState.QUEUED)
    now = timezone.now()
    found = estimate([build], [waiting], [["qemu"]], now)
    assert found[build.pk].end == found[waiting.pk].start == (build.debug_until - now).total_seconds()
