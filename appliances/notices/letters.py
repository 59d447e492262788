"""E-mail: who gets a letter about an event, and sending it."""

from __future__ import annotations

import smtplib
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone

from appliances.models import Event, Letter, Membership, Role, Rule, Subscriber, Team, User
from appliances.states import ReleaseState, Visibility

from . import errands, kinds, links, wording

NOWHERE = "django.core.mail.backends.dummy.EmailBackend"
LASTING = 500
"""From this code on a mail server means: do not try again."""


def can_send() -> bool:
    """Is there a mail server? Without one no letters are written; the pages say so."""
    return settings.EMAIL_BACKEND != NOWHERE


def of(event: Event) -> Iterator[Letter]:
    """One for everybody who wants to hear of it; not for whoever did it."""
    if not can_send() or event.team is None:
        return
    now = timezone.now()
    for user in readers(event.team, event.name):
        if user != event.by:
            yield Letter(event=event, user=user, address=user.email, due_at=now)
    if brings_version(event):
        for subscriber in event.appliance.subscribers.filter(confirmed_at__lte=event.at).iterator():
            yield Letter(event=event, subscriber=subscriber, address=subscriber.address, due_at=now)


def readers(team: Team, kind: str) -> list[User]:
    """Members who want notices of that kind and have an address."""
    rules = list(team.rules.all())
    members = team.memberships.select_related("user").order_by("pk")
    return [each.user for each in members if each.user.is_active and each.user.email and kind in chosen(each, rules)]


def chosen(membership: Membership, rules: Iterable[Rule]) -> list[str]:
    """What a member gets: their own choice, else what the team chose for its maintainers."""
    kinds_of = {rule.user_id: rule.kinds for rule in rules}
    usual = [] if membership.role == Role.VIEWER else kinds_of.get(None, kinds.USUAL)
    return kinds_of.get(membership.user_id, usual)


def brings_version(event: Event) -> bool:
    """Is it a new version on the catalog that outsiders may know of, and not the same one built again?"""
    if event.name != "published" or event.release.state != ReleaseState.PUBLISHED:
        return False
    if event.appliance.visibility == Visibility.TEAM:
        return False
    return not event.release.events.filter(name="published", pk__lt=event.pk).exists()


def ask_to_confirm(subscriber: Subscriber) -> None:
    Letter.objects.create(subscriber=subscriber, address=subscriber.address, due_at=timezone.now())


def send(letter: Letter) -> None:
    """One attempt. What is no longer wanted is not sent any more."""
    if not is_wanted(letter):
        letter.delete()
        return
    error, for_good = "", False
    try:
        message(letter).send()
    except smtplib.SMTPResponseException as problem:
        error = f"The mail server said: {problem.smtp_code} {_text(problem.smtp_error)}"
        for_good = problem.smtp_code >= LASTING and not isinstance(problem, smtplib.SMTPAuthenticationError)
    except smtplib.SMTPRecipientsRefused as problem:
        code, said = next(iter(problem.recipients.values()))
        error, for_good = f"The mail server refused the address: {code} {_text(said)}", code >= LASTING
    except (smtplib.SMTPException, OSError) as problem:
        error = f"The mail server could not be used: {problem or type(problem).__name__}"
    errands.end(letter, timezone.now(), error, for_good=for_good)


def is_wanted(letter: Letter) -> bool:
    if letter.subscriber:  # whoever ends a subscription takes its letters along
        return letter.subscriber.appliance.visibility != Visibility.TEAM
    return letter.user in readers(letter.event.team, letter.event.name)


def message(letter: Letter) -> EmailMultiAlternatives:
    """Plain text and the same as HTML; with the links that mail programs know for "no more of these"."""
    if letter.event is None:
        template, context, subject = "confirm", _to_confirm(letter), f"Confirm: {letter.subscriber.appliance.name}"
    elif letter.subscriber:
        template, context = "version", _of_version(letter)
        subject = f"{letter.event.appliance.name} {letter.event.release.version}"
    else:
        template, context, subject = "notice", _of_event(letter), wording.headline(letter.event)
    stop = context.get("stop")
    headers = {"Auto-Submitted": "auto-generated", "Message-ID": f"<letter-{letter.pk}@{_host()}>"}
    if stop:
        headers |= {"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    made = EmailMultiAlternatives(
        subject=" ".join(subject.split()),
        body=render_to_string(f"mail/{template}.txt", context),
        to=[letter.address],
        headers=headers,
    )
    made.attach_alternative(render_to_string(f"mail/{template}.html", context), "text/html")
    return made


def _of_event(letter: Letter) -> dict[str, object]:
    event = letter.event
    return {
        "event": event,
        "headline": wording.headline(event),
        "who": wording.who(event),
        "address": wording.address(event),
        "kind": kinds.KINDS[event.name],
        "stop": links.sign("stop-notices", user=letter.user_id, team=event.team_id, kind=event.name),
        "site": settings.SITE_URL,
    }


def _of_version(letter: Letter) -> dict[str, object]:
    appliance, release = letter.event.appliance, letter.event.release
    return {
        "appliance": appliance,
        "release": release,
        "address": links.absolute(f"{appliance.get_absolute_url()}/{release.version}"),
        "stop": links.sign("stop-subscription", subscriber=letter.subscriber_id),
        "site": settings.SITE_URL,
    }


def _to_confirm(letter: Letter) -> dict[str, object]:
    return {
        "appliance": letter.subscriber.appliance,
        "address": links.sign("confirm-subscription", subscriber=letter.subscriber_id),
        "site": settings.SITE_URL,
    }


def _host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said
