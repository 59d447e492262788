"""Where the token is kept, and where it never appears."""

import io
import stat

from client import login
from tests import factories


def test_a_login_is_kept_for_its_owner_alone(run, token, live_server, monkeypatch, home):
    monkeypatch.delenv("SLIPWAY_URL")
    monkeypatch.delenv("SLIPWAY_TOKEN")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{token}\n"))
    said = run("login", live_server.url)
    assert said.status == 0
    assert "ci of maria" in said.out
    assert token not in said.out + said.err
    assert stat.S_IMODE(login.path().stat().st_mode) == 0o600
    assert run("whoami", "--json").json["user"] == "maria"
    assert run("logout").status == 0
    assert not login.path().exists()
    assert run("whoami").status == 4


def test_a_wrong_token_is_not_kept(run, live_server, transactional_db, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("slipway_wrong\n"))
    said = run("login", live_server.url)
    assert said.status == 4
    assert "does not take this token" in said.err
    assert not login.path().exists()


def test_a_token_goes_to_no_other_server(monkeypatch, home):
    login.keep(login.Login("https://one.example.org", "slipway_mine"))
    assert login.load().token == "slipway_mine"
    monkeypatch.setenv("SLIPWAY_URL", "https://two.example.org")
    assert login.load() == login.Login("https://two.example.org", "")


def test_without_a_server_the_command_says_what_to_do(run):
    said = run("appliance", "list")
    assert said.status == 4
    assert "slipway login" in said.err


def test_a_server_that_is_not_there(run, monkeypatch, home):
    monkeypatch.setenv("SLIPWAY_URL", "http://127.0.0.1:1")
    said = run("whoami", "--patience", "0")
    assert said.status == 4
    assert "http://127.0.0.1:1 does not answer" in said.err


def test_a_token_that_may_not(run, token, wiki):
    factories.release(appliance=wiki)
    wiki.team.memberships.update(role="viewer")
    said = run("publish", "acme/wiki@1.0.0")
    assert said.status == 4
    assert "role" in said.err
