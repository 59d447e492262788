"""Visitors of the catalog who want to hear of new versions. Nobody is written to twice who has not said yes."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from appliances.models import Appliance, Subscriber
from builds.engine.errors import SlipwayError

from . import errands, letters, links

CONFIRM_WITHIN = timedelta(days=3)
WHILE = timedelta(hours=1)
PER_ADDRESS = 3
"""Letters to one address in that time that ask for a confirmation."""
PER_CLIENT = 10


class TooMany(SlipwayError):  # noqa: N818
    """Somebody asks again and again."""


def ask(appliance: Appliance, address: str, client: str, now: datetime) -> None:
    """Write to that address and ask whether it is meant. Whether it is known already, the caller never learns.

    Raises TooMany when this client, whatever the addresses, asks too often.
    """
    address = address.strip().lower()
    client = hmac.new(settings.SECRET_KEY.encode(), client.encode(), hashlib.sha256).hexdigest()[:32]
    with transaction.atomic():
        Appliance.objects.select_for_update().get(pk=appliance.pk)  # two at once would both find room
        recent = Subscriber.objects.filter(asked_at__gt=now - WHILE)
        if recent.filter(client=client).count() >= PER_CLIENT:
            raise TooMany("That was too often.", hint="Try again in an hour.")
        row = appliance.subscribers.filter(address=address).first()
        if row and row.confirmed_at:
            return
        if recent.filter(address=address).count() >= PER_ADDRESS:
            return
        if row and row.letters.under_way().exists():
            return
        asked = {"asked_at": now, "client": client}
        row, _ = appliance.subscribers.update_or_create(address=address, defaults=asked)
        letters.ask_to_confirm(row)
        transaction.on_commit(lambda: errands.wake("send_letters"))


def find(view: str, token: str) -> Subscriber | None:
    """Whom a link in a letter is about; None when they have ended it. Raises BadLink."""
    longest = CONFIRM_WITHIN if view == "confirm-subscription" else None
    about = links.read(view, token, longest)
    return Subscriber.objects.select_related("appliance__team").filter(pk=about["subscriber"]).first()


def confirm(subscriber: Subscriber, now: datetime) -> None:
    Subscriber.objects.filter(pk=subscriber.pk, confirmed_at=None).update(confirmed_at=now)


def stop(subscriber: Subscriber) -> None:
    """Forget the address."""
    subscriber.delete()


def sweep(now: datetime) -> list[str]:
    """Forget the addresses that never said yes."""
    old = Subscriber.objects.filter(confirmed_at=None, asked_at__lt=now - CONFIRM_WITHIN)
    count = old.count()
    old.delete()
    return [f"{count} subscriptions that nobody confirmed: removed"] if count else []
