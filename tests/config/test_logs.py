"""Nothing that opens anything is in a log."""

import logging
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest

from appliances.management.commands import up
from config.logs import clean
from tests.waiting import wait_for

TOKEN = "slipway_" + "Ab-9_" * 8
SECRETS = (TOKEN, "c2xpcHdheTpzZWNyZXQ=", "1.1764000000:3xSignature_of-it")


@pytest.mark.parametrize(
    ("line", "cleaned"),
    [
        (f"GET /a/b?x=1&access_token={TOKEN}&y=2 HTTP/1.1", "GET /a/b?x=1&access_token=…&y=2 HTTP/1.1"),
        ("GET /?access_token=short HTTP/1.1", "GET /?access_token=… HTTP/1.1"),
        (f'GET /a.ova?link={SECRETS[2]} HTTP/1.1" 200', 'GET /a.ova?link=… HTTP/1.1" 200'),
        (f"PUT /api/v2/uploads/7?signature={SECRETS[2]} HTTP/1.1", "PUT /api/v2/uploads/7?signature=… HTTP/1.1"),
        (f"Authorization: Basic {SECRETS[1]}", "Authorization: Basic …"),
        (f"'HTTP_AUTHORIZATION': 'Bearer {TOKEN}'", "'HTTP_AUTHORIZATION': 'Bearer …'"),
        (f"the user {TOKEN} signed in", "the user slipway_… signed in"),
        ("GET /a/linked?page=2&blink=1 HTTP/1.1", "GET /a/linked?page=2&blink=1 HTTP/1.1"),
    ],
)
def test_a_line_without_what_is_secret_in_it(line, cleaned):
    assert clean(line) == cleaned


def test_gunicorn_logs_neither_tokens_nor_signatures(tmp_path):
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    web = next(up.programs("127.0.0.1", port, "http://127.0.0.1"))
    argv = [str(part).replace("config.wsgi", "tests.config.failing") for part in web.argv]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen([*argv, "--access-logfile", "-"], stdout=log, stderr=log) as process,
    ):
        try:
            wait_for(lambda: said_something(port), seconds=60)
            wait_for(lambda: "HTTP/1.1" in (tmp_path / "log").read_text())
        finally:
            process.terminate()
    text = (tmp_path / "log").read_text()
    assert "access_token=…" in text
    assert "cannot go on with /acme/wiki?access_token=…&link=…" in text  # in the traceback
    assert not [secret for secret in SECRETS if secret in text]


def said_something(port: int) -> bool:
    address = f"http://127.0.0.1:{port}/acme/wiki?access_token={TOKEN}&link={SECRETS[2]}"
    referrer = f"http://127.0.0.1/?link={SECRETS[2]}"
    headers = {"Authorization": f"Basic {SECRETS[1]}", "Referer": referrer}
    asked = urllib.request.Request(address, headers=headers)
    with suppress(OSError), urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 -- our own server
        return answer.status == 200
    return False


def test_djangos_errors_are_logged_clean(rf, capsys):
    request: WSGIRequest = rf.get("/")
    handler = logging.getLogger("django").handlers[0]
    handler.setStream(sys.stderr)
    logging.getLogger("django.request").error("Broken: %s", f"/x?access_token={TOKEN}", extra={"request": request})
    assert "Broken: /x?access_token=…" in capsys.readouterr().err


def test_the_settings_say_so():
    assert settings.LOGGING["loggers"]["django"]["handlers"] == ["errors"]
