"""What RQ calls on the queue "default"."""

from __future__ import annotations

from appliances.models import HookDelivery, Letter
from builds.jobs import die_with_worker

from . import errands, hooks, letters, telling


def announce() -> None:
    die_with_worker()
    telling.announce()


def send_letters() -> None:
    die_with_worker()
    if not errands.work(Letter, letters.send):
        errands.wake("send_letters")


def call_hooks() -> None:
    die_with_worker()
    if not errands.work(HookDelivery, hooks.send):
        errands.wake("call_hooks")
