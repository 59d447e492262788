"""Who is told, and by what."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliances.models import HookDelivery, Letter, Role
from appliances.notices import errands, hooks, letters, telling
from tests import factories
from tests.appliances.notices.receivers import PostOffice, Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver.run() as found:
        yield found


@pytest.fixture
def post_office(settings) -> Iterator[PostOffice]:
    """A real mail server that Django sends to."""
    with PostOffice.run() as found:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", found.port
        yield found


@pytest.fixture
def team():
    return factories.team(slug="acme", name="Acme")


@pytest.fixture
def maintainer(team):
    return factories.member(team, Role.MAINTAINER, username="maria", email="maria@example.org")


@pytest.fixture
def appliance(team):
    return factories.appliance(team=team, slug="wiki", name="Wiki")


@pytest.fixture
def tell():
    """Everything that is due goes out now, in this process."""

    def tell() -> None:
        telling.announce()
        errands.work(Letter, letters.send)
        errands.work(HookDelivery, hooks.send)

    return tell
