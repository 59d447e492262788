"""A team's accounts on its pages: the form, the trial, and what is never shown."""

import threading

import pytest
from django.utils import timezone

from appliances import accounts
from appliances.models import Account, Role
from builds.engine.accounts import ACCOUNTS
from builds.states import BuildState
from tests import factories, yard
from tests.simulators.ec2 import Ec2Simulator

pytestmark = pytest.mark.django_db
TEAM = "/dashboard/teams/acme"
NEW = f"{TEAM}/new-account?kind=yard"
PROD = f"{TEAM}/accounts/prod"
TOKEN, BADGE = "open sesame", "badge of honour"


@pytest.fixture
def team(client, kinds):
    found = factories.team(slug="acme")
    client.force_login(factories.member(found, Role.OWNER))
    return found


@pytest.fixture
def folder(tmp_path):
    yard.open_yard(tmp_path / "yard", TOKEN)
    return tmp_path / "yard"


@pytest.fixture
def account(team, folder):
    return factories.account(team, name="prod", options={"folder": str(folder), "token": TOKEN, "badge": BADGE})


def text(response) -> str:
    return response.content.decode()


def form(place, **fields) -> dict[str, object]:
    return {"account": "prod", "folder": str(place), "token": TOKEN, "gate": "north", "depth": "3", **fields}


def options(name: str = "prod") -> dict[str, object]:
    return Account.objects.get(name=name).options()


class TestTheForm:
    def test_the_kinds_come_first(self, client, team):
        page = text(client.get(f"{TEAM}/new-account"))
        for name, kind in ACCOUNTS.items():
            assert f"?kind={name}" in page
            assert kind.label in page

    def test_it_is_made_of_the_options_with_their_docstrings(self, client, team):
        page = text(client.get(NEW))
        assert "What opens the gate." in page
        assert '<input type="password" name="token"' in page
        assert '<textarea name="charter"' in page
        assert '<option value="south">' in page
        assert '<input type="number" name="depth" value="3"' in page

    @pytest.mark.parametrize("kind", ["aws", "vsphere"])
    def test_there_is_one_for_every_kind(self, client, team, kind):
        page = text(client.get(f"{TEAM}/new-account?kind={kind}"))
        for name in ACCOUNTS[kind].Options.model_fields:
            assert f'name="{name}"' in page

    def test_what_is_saved_is_encrypted_and_tried_at_once(self, client, team, folder):
        response = client.post(NEW, form(folder), follow=True)
        row = Account.objects.get()
        assert row.options() == {
            "folder": str(folder), "token": TOKEN, "badge": "", "gate": "north", "depth": 3, "charter": ""
        }  # fmt: skip
        assert "token" not in row.shown
        assert TOKEN.encode() not in bytes(row.ciphertext)
        assert (row.identity, row.missing, row.notes) == ("warden of yard", ["yard:Lift"], ["north gate"])
        assert "yard:Lift" in text(response)
        assert TOKEN not in text(response)

    def test_all_problems_stand_at_their_fields_and_repeat_no_secret(self, client, team, folder):
        response = client.post(NEW, form(folder, account="", token="short", depth="12", folder=""))
        page = text(response)
        assert response.status_code == 422
        assert set(response.context["form"].errors) == {"account", "token", "depth", "folder"}
        assert "short" not in page
        assert not Account.objects.exists()

    def test_what_does_not_go_together_is_said_above_all(self, client, team, folder):
        response = client.post(NEW, form(folder, gate="south", badge=BADGE))
        assert "the south gate takes no" in text(response).lower()
        assert BADGE not in text(response)

    def test_a_name_is_taken_once_per_team(self, client, account, folder):
        response = client.post(NEW, form(folder, account="PROD"))
        assert "has an account called “prod” already" in text(response)
        assert Account.objects.count() == 1

    def test_only_an_administrator_lends_a_team_what_the_worker_itself_may(self, client, team):
        address, lent = f"{TEAM}/new-account?kind=aws", {"account": "prod", "region": "eu-west-1", "profile": "nobody"}
        response = client.post(address, lent)
        assert response.status_code == 422
        assert "would sign in as the machine that builds" in response.content.decode()
        client.force_login(factories.user(is_superuser=True))
        assert client.post(address, lent).status_code == 302
        assert team.accounts.get().shown["profile"] == "nobody"

    def test_an_unknown_kind_asks_again_which(self, client, team):
        assert "Where do builds sign in?" in text(client.get(f"{TEAM}/new-account?kind=nonsense"))


class TestSecrets:
    def test_they_are_on_no_page(self, client, account, folder):
        factories.resource(account, None)
        for address in (PROD, f"{PROD}/remove", TEAM, "/resources", NEW):
            page = text(client.get(address))
            assert TOKEN not in page
            assert BADGE not in page
        page = text(client.post(PROD, form(folder, token="another token", depth="99")))
        assert "another token" not in page

    def test_empty_ones_keep_what_is_set_typed_ones_replace_it_and_optional_ones_can_be_forgotten(
        self, client, account, folder
    ):
        client.post(PROD, form(folder, token="", depth="5"))
        assert (options()["token"], options()["badge"], options()["depth"]) == (TOKEN, BADGE, 5)
        client.post(PROD, form(folder, token="another token", badge=""))
        assert (options()["token"], options()["badge"]) == ("another token", BADGE)
        client.post(PROD, form(folder, token="", **{"forget-badge": "on"}))
        assert (options()["token"], options()["badge"]) == ("another token", "")

    def test_when_their_key_is_lost_they_must_be_typed_again(self, client, account, folder, settings):
        settings.SECRETS_KEYS = ["A" * 43 + "="]
        assert str(folder) in text(client.get(PROD))
        assert client.post(PROD, form(folder, token="")).status_code == 422
        assert client.post(PROD, form(folder)).status_code == 302
        assert options()["token"] == TOKEN


class TestTheTrial:
    def test_a_failure_is_kept_with_its_hint_and_without_the_secret(self, client, account, folder):
        (folder / "gate").write_text("another")
        response = client.post(f"{PROD}/test", follow=True)
        account.refresh_from_db()
        assert account.error == "The gate does not open for ••••••.\nAsk the warden."
        assert "Ask the warden." in text(response)
        assert "does not work" in text(client.get(f"{TEAM}/accounts"))
        (folder / "gate").write_text(TOKEN)
        client.post(f"{PROD}/test")
        account.refresh_from_db()
        assert (account.error, account.identity) == ("", "warden of yard")

    def test_htmx_gets_only_its_part(self, client, account):
        page = text(client.post(f"{PROD}/test", headers={"HX-Request": "true"}))
        assert page.strip().startswith('<section id="trial"')
        assert "<html" not in page

    def test_a_place_that_hangs_does_not_hang_the_page(self, client, account, monkeypatch):
        monkeypatch.setattr(yard.Yard, "hang", hang := threading.Event())
        monkeypatch.setattr(accounts, "PATIENCE", 0.05)
        hang.set()
        page = text(client.post(f"{PROD}/test", follow=True))
        hang.clear()
        assert "Yard did not answer within" in page

    def test_what_nobody_foresaw_is_told_without_secrets(self, client, account, monkeypatch, caplog):
        def burst(self):
            raise RuntimeError(f"cannot parse {TOKEN}")

        monkeypatch.setattr(yard.Yard, "test", burst)
        page = text(client.post(f"{PROD}/test", follow=True))
        assert "RuntimeError: cannot parse ••••••" in page
        assert TOKEN not in page + caplog.text

    def test_an_answer_about_former_credentials_is_dropped(self, account, folder):
        former = Account.objects.get(pk=account.pk)
        accounts.keep(account, {"folder": "/elsewhere", "token": TOKEN}, by=None)
        accounts.test(former, by=None)
        account.refresh_from_db()
        assert account.tested_at is None

    def test_options_that_an_update_made_invalid_say_what_to_do(self, client, account):
        accounts.keep(account, {"folder": "/", "token": TOKEN, "former": "x"}, by=None)
        page = text(client.post(f"{PROD}/test", follow=True))
        assert "does not fit this version" in page
        assert "save it again" in page

    def test_on_a_simulated_ec2_it_says_who_we_are_and_what_is_missing(self, client, team, ec2: Ec2Simulator):
        ec2.fault("CopyImage", code="UnauthorizedOperation", message="No.", status=403, count=None)
        data = {
            "account": "cloud",
            "region": "us-east-1",
            "access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "endpoint": ec2.url,
        }
        page = text(client.post(f"{TEAM}/new-account?kind=aws", data, follow=True))
        row = Account.objects.get(name="cloud")
        assert row.error == ""
        assert row.identity.startswith("arn:aws:")
        assert row.missing == ["ec2:CopyImage"]
        assert "ec2:CopyImage" in page
        assert data["secret_access_key"] not in page


class TestRemoving:
    def test_it_is_refused_while_something_exists_there(self, client, account):
        factories.resource(account, factories.build(state=BuildState.RUNNING), reference="i-1")
        assert "crane i-1 in home" in text(client.get(f"{PROD}/remove"))
        page = text(client.post(f"{PROD}/remove", follow=True))
        assert "crane i-1 in home" in page
        assert Account.objects.exists()

    def test_it_is_refused_while_a_template_signs_in_with_it(self, client, team, account):
        cloud = factories.account(
            team, name="cloud", kind="aws", options={"region": "eu-central-1", "access_key_id": "", "endpoint": ""}
        )
        template = "base: debian:12\nplatforms:\n  qemu: {formats: [qcow2, ami]}\n"
        release = factories.release(appliance=factories.appliance(team=team, slug="wiki"), template=template)
        page = text(client.post(f"{TEAM}/accounts/cloud/remove", follow=True))
        assert "acme/wiki 1.0.0" in page
        assert client.post(f"{PROD}/remove").headers["Location"] == f"{TEAM}/accounts"  # nothing needs that one
        release.delete()
        client.post(f"{TEAM}/accounts/cloud/remove")
        assert not Account.objects.filter(pk=cloud.pk).exists()

    def test_it_is_refused_while_an_image_is_there_that_another_revision_carries_on(self, client, team, account):
        release = factories.release(appliance=factories.appliance(team=team))
        build = factories.build(factories.revision(release), state=BuildState.SUCCEEDED)
        factories.artifact(build, account="prod", reference="ami-1", region="home")
        assert "ami-1" in text(client.get(f"{PROD}/remove"))

    def test_what_is_gone_holds_nothing(self, client, account):
        factories.resource(account, None, gone_at=timezone.now())
        client.post(f"{PROD}/remove")
        assert not Account.objects.exists()


def test_other_members_see_that_there_is_one_but_not_who_we_are_there(client, account):
    accounts.test(account, by=None)
    client.force_login(factories.member(account.team, Role.MAINTAINER))
    page = text(client.get(f"{TEAM}/accounts"))
    assert "prod" in page
    assert "lacks permissions" in page
    assert "warden of yard" not in page


def test_another_teams_account_is_not_to_be_found(client, account):
    client.force_login(factories.member(factories.team(slug="other"), Role.OWNER))
    assert client.get(PROD).status_code == 404
    assert client.post(f"/dashboard/teams/other/accounts/{account.name}/test").status_code == 404
