import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command

from appliances.models import Secret
from builds.engine.errors import WorkerError
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(kinds):
    return factories.team()


def test_a_value_is_unreadable_at_rest_and_comes_back_for_a_build(team):
    team.set_secret("password", "hunter2 ✓")
    team.set_secret("other", "x")
    assert b"hunter2" not in bytes(Secret.objects.get(name="password").ciphertext)
    assert team.secret_values(["password", "unknown"]) == {"password": "hunter2 ✓"}


def test_setting_it_again_replaces_it(team):
    team.set_secret("password", "old")
    team.set_secret("password", "new")
    assert team.secret_values(["password"]) == {"password": "new"}


def test_teams_do_not_see_each_other(team):
    factories.team().set_secret("password", "theirs")
    assert team.secret_values(["password"]) == {}


def test_keys_can_be_changed_without_losing_a_value(team, settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.SECRETS_KEYS = [old]
    team.set_secret("password", "hunter2")
    account = factories.account(team, options={"folder": "/", "token": "open sesame"})
    repository = factories.repository(factories.appliance(team=team), token="hush-hush")
    secret = repository.hook_secret
    settings.SECRETS_KEYS = [new, old]
    call_command("rotate_secrets")
    settings.SECRETS_KEYS = [new]
    repository.refresh_from_db()
    access = repository.access()
    assert (repository.hook_secret, access.token, "PRIVATE" in access.key) == (secret, "hush-hush", True)
    assert team.secret_values(["password"]) == {"password": "hunter2"}
    account.refresh_from_db()
    assert account.options()["token"] == "open sesame"


def test_a_lost_key_is_an_error_that_says_what_to_do(team, settings):
    team.set_secret("password", "hunter2")
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(WorkerError) as caught:
        team.secret_values(["password"])
    assert "SLIPWAY_SECRETS_KEYS" in caught.value.hint
