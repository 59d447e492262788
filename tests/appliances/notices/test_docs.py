"""What docs/notifications.md shows works."""

import re
import time
from pathlib import Path

import pytest
from django.conf import settings

from appliances import audit
from appliances.notices import hooks, signature
from appliances.notices.kinds import KINDS
from appliances.notices.payloads import slipway
from tests import factories

PAGE = (Path(settings.BASE_DIR) / "docs" / "notifications.md").read_text()


@pytest.fixture
def verify():
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}
    exec(snippet, names)  # noqa: S102 -- it is our own page
    return names["verify"]


@pytest.mark.parametrize("secret", ["correct horse battery", signature.new_secret()], ids=["typed", "made"])
def test_its_snippet_tells_ours_from_others(verify, secret):
    now = int(time.time())
    ours = signature.headers(secret, "msg_1_1", now, b"{}")
    assert verify(secret, ours, b"{}")
    assert not verify(secret, ours, b"{ }")
    assert not verify("another secret of ours", ours, b"{}")
    assert not verify(secret, ours | {"webhook-id": "msg_1_2"}, b"{}")
    assert not verify(secret, signature.headers(secret, "msg_1_1", now - 301, b"{}"), b"{}")


@pytest.mark.django_db
def test_its_example_has_what_is_sent():
    said = slipway(audit.record(factories.revision(), "failed", by=None))
    assert set(re.findall(r'"(\w+)":', PAGE)) == {*said, *said["data"]}


def test_every_kind_is_there():
    assert re.findall(r"^\| `([a-z-]+)`", PAGE, re.MULTILINE) == list(KINDS)


def test_its_numbers_are_the_codes():
    assert "five messages in a row" in PAGE
    assert (hooks.TOO_MANY, hooks.PATIENCE) == (5, 15.0)
