"""`manage.py sweep` tells what exists and whose it is, and removes what is nobody's."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from builds.models import Resource
from builds.states import BuildState
from tests import factories, yard

pytestmark = pytest.mark.django_db
TOKEN = "open sesame"


@pytest.fixture
def folder(tmp_path, kinds):
    yard.open_yard(tmp_path / "yard", TOKEN)
    return tmp_path / "yard"


@pytest.fixture
def account(folder):
    team = factories.team(slug="acme")
    return factories.account(team, name="prod", options={"folder": str(folder), "token": TOKEN})


@pytest.fixture
def things(folder, account):
    """One of each fate."""
    running = factories.build(state=BuildState.RUNNING)
    dead = factories.build(state=BuildState.FAILED)
    image = factories.artifact()
    factories.resource(account, running, reference="i-running")
    factories.resource(account, image.build, reference="i-kept", artifact=image)
    factories.resource(account, dead, reference="i-known")
    paths = {
        "i-running": yard.put(folder, "i-running.crane", running.name),
        "i-kept": yard.put(folder, "i-kept.crane", image.build.name),
        "i-known": yard.put(folder, "i-known.crane", dead.name),
        "i-found": yard.put(folder, "i-found.rope", dead.name),
        "i-strange": yard.put(folder, "i-strange.rope", "build-0"),
    }
    return lambda: {name for name, path in paths.items() if path.exists()}


def sweep(**options) -> dict[str, str]:
    """What it said of each thing, by its id; of others under ""."""
    out = StringIO()
    try:
        call_command("sweep", stdout=out, **options)
    except CommandError as error:
        out.write(f"failed: {error}\n")
    said = {}
    for line in out.getvalue().splitlines():
        name = next((word for word in line.split() if word.startswith("i-")), "")
        said[name] = said.get(name, "") + line.strip() + "\n"
    return said


def test_it_removes_what_is_nobodys_and_says_so(account, things):
    said = sweep()
    assert things() == {"i-running", "i-kept", "i-strange"}
    assert "removed" in said["i-known"]
    assert "removed" in said["i-found"]
    assert "stays" in said["i-running"]
    assert "wiki-1.0.0.qcow2" in said["i-kept"]
    assert "waits" in said["i-strange"]
    assert "acme/prod" in said["i-known"]
    assert "failed" not in said[""]


def test_a_dry_run_changes_neither_the_place_nor_the_ledger(account, things):
    before = set(Resource.objects.values_list("pk", "gone_at"))
    said = sweep(dry_run=True)
    assert len(things()) == 5
    assert set(Resource.objects.values_list("pk", "gone_at")) == before
    account.refresh_from_db()
    assert account.searched_at is None
    assert "would be removed" in said["i-known"]
    assert "would be removed" in said["i-found"]
    assert "waits" in said["i-strange"]


def test_it_tries_again_what_could_not_be_removed_and_fails_when_it_still_cannot(folder, account, things):
    Resource.objects.filter(reference="i-known").update(error="It is stuck.")
    type(account).objects.update(retry_at=timezone.now() + timedelta(hours=1))
    (folder / "home" / "stuck").touch()
    said = sweep()
    assert "i-known.crane is stuck" in said["i-known"]
    assert "failed: 2 of these" in said[""]
    (folder / "home" / "stuck").unlink()
    assert "removed" in sweep()["i-known"]


def test_an_account_that_does_not_answer_is_a_failure_without_its_secret(folder, account, things):
    factories.account(account.team, name="wrong", options={"folder": str(folder), "token": "wrong password"})
    said = sweep()
    assert "acme/wrong" in said[""]
    assert "The gate does not open for ••••••" in said[""]
    assert "failed: 1 of these" in said[""]
    assert "i-known" not in things()


def test_one_account_can_be_chosen(folder, account, things):
    factories.account(account.team, name="wrong", options={"folder": str(folder), "token": "wrong password"})
    assert "failed" not in sweep(account="acme/prod")[""]
    with pytest.raises(CommandError, match="there are: acme/prod, acme/wrong"):
        call_command("sweep", account="acme/nothing")
