"""What publication means outside: an image is shared or taken back in its place, as the rows wish.

A wish is written down in the transaction that publishes or withdraws; a worker fulfils it after that. While one is at
it, a newer wish only changes the row: the worker sees that at its end and the delivery is queued again, so that no two
ever work on the same image.
"""

from __future__ import annotations

import logging
import traceback
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from . import plans, queue
from .accounts import Accounts
from .engine.console import Recorder, Redactor
from .engine.context import Context, Stop
from .engine.errors import BuildError, Cancelled, SlipwayError
from .engine.formats.base import PlacedFormat
from .ledger import Ledger
from .models import Artifact, Delivery
from .moves import Lost, move_delivery
from .patience import persist
from .publishing import image_of
from .runner import explain
from .states import DeliveryState, Wish
from .text import storable

if TYPE_CHECKING:
    from appliances.models import User

logger = logging.getLogger(__name__)

PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=20), timedelta(hours=1))
"""Before each of the further attempts."""
LIMIT = 480
"""Seconds for one attempt: less than what `queue.DELIVERY_TIMEOUT` gives the job."""


def wish(artifact: Artifact, wanted: Wish, channels: tuple[str, ...] = ()) -> None:
    """From now on this should be true of the image. In a transaction."""
    fresh = {"wanted": wanted, "channels": list(channels), "due_at": timezone.now()}
    delivery, created = Delivery.objects.select_for_update().get_or_create(artifact=artifact, defaults=fresh)
    if created:
        transaction.on_commit(partial(queue.enqueue_delivery, delivery))
    else:
        _again(delivery, **fresh)


def retry(delivery: Delivery, *, by: User | None) -> None:
    """Try now what has failed, or what waits for its next attempt. Does nothing when it is under way or done."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().get(pk=delivery.pk)
        if delivery.error and delivery.state in (DeliveryState.FAILED, DeliveryState.QUEUED):
            _again(delivery, due_at=timezone.now())
            image = delivery.artifact
            image.build.revision.record("delivery-retried", f"tried {image.reference} in {image.region} again", by=by)


def run(delivery_id: int, stop: Stop | None = None) -> None:
    """Fulfil a wish. Returns at once when that is not due: another worker has it, or it is done."""
    delivery = persist(partial(_take, delivery_id))
    if delivery is None:
        return
    redact = Redactor()
    error = hint = ""
    try:
        _deliver(delivery, redact, stop or Stop())
    except Cancelled:
        error = "The worker was shut down in the middle of it."
    except SlipwayError as problem:
        error, hint = problem.message, problem.hint
    except Exception as problem:
        logger.error("%s: an error of Slipway itself\n%s", delivery.job, redact(traceback.format_exc()))
        error, hint = explain(problem)
    try:
        persist(partial(_end, delivery, storable(redact(error)), storable(redact(hint))))
    except Lost:
        logger.warning("%s was given up by somebody else before its worker could end it", delivery.job)


def give_up(delivery: Delivery) -> bool:
    """Its worker has died: queue it again."""
    try:
        _end(delivery, "The worker stopped in the middle of it.", "It may have been killed.")
    except Lost:
        return False
    return True


def _again(delivery: Delivery, **fields: object) -> None:
    """A new wish, or the same once more. A worker that is at the former one queues it when it has ended."""
    if delivery.state == DeliveryState.RUNNING:
        Delivery.objects.filter(pk=delivery.pk).update(wish=delivery.wish + 1, **fields)
        return
    fresh = {"wish": delivery.wish + 1, "attempts": 0, "error": "", "hint": ""}
    move_delivery(delivery, delivery.state, DeliveryState.QUEUED, **fresh, **fields)
    transaction.on_commit(partial(queue.enqueue_delivery, delivery))


def _take(delivery_id: int) -> Delivery | None:
    now = timezone.now()
    with transaction.atomic():
        delivery = Delivery.objects.due(now).select_for_update().filter(pk=delivery_id).first()
        if delivery:
            attempts = delivery.attempts + 1
            move_delivery(delivery, DeliveryState.QUEUED, DeliveryState.RUNNING, started_at=now, attempts=attempts)
    return delivery


def _deliver(delivery: Delivery, redact: Redactor, stop: Stop) -> None:
    artifact = delivery.artifact
    build = artifact.build
    secrets = plans.secret_values(build)
    redact.add(list(secrets.values()))
    plan = plans.plan_of(build, secrets)
    format_ = next((each for each in plan.formats if each.name == artifact.format), None)
    if not isinstance(format_, PlacedFormat):
        raise BuildError(f"The template asks for no {artifact.format} that could be shared.")
    image = image_of(artifact, plan)
    with TemporaryDirectory(prefix="delivery-") as folder, Ledger(build, artifact) as ledger:
        context = Context(
            build=build.name,
            work=Path(folder),
            cache=settings.DATA_DIR / "cache",
            source=Path(folder),
            console=Recorder(),
            stop=stop,
            variables={**plan.variables, **secrets},
            secrets=plan.secrets,
            accounts=Accounts(build, redact),
            ledger=ledger,
            tags=plans.tags(build),
        ).within(LIMIT, f"Sharing {format_.label}" if delivery.wanted == Wish.PUBLISHED else "Taking it back")
        if delivery.wanted == Wish.PUBLISHED:
            format_.publish(image, tuple(delivery.channels), context)
        else:
            format_.withdraw(image, context)


def _end(taken: Delivery, error: str, hint: str) -> None:
    """Write down what came of the attempt. Raises Lost when somebody else has done so."""
    now = timezone.now()
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().get(pk=taken.pk)
        if (delivery.state, delivery.started_at) != (DeliveryState.RUNNING, taken.started_at):
            raise Lost(f"{delivery} was ended by somebody else")
        why = {"error": error, "hint": hint}
        if delivery.wish != taken.wish:
            fresh = {"attempts": 0, "error": "", "hint": ""}
            move_delivery(delivery, DeliveryState.RUNNING, DeliveryState.QUEUED, due_at=now, **fresh)
            transaction.on_commit(partial(queue.enqueue_delivery, delivery))
        elif not error:
            move_delivery(delivery, DeliveryState.RUNNING, DeliveryState.DONE, finished_at=now, **why)
        elif delivery.attempts <= len(PAUSES):
            due = now + PAUSES[delivery.attempts - 1]
            move_delivery(delivery, DeliveryState.RUNNING, DeliveryState.QUEUED, due_at=due, **why)
        else:
            move_delivery(delivery, DeliveryState.RUNNING, DeliveryState.FAILED, finished_at=now, **why)
