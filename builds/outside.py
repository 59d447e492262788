"""Calls to what is outside: it may never answer, and what it says must not carry our secrets to a page."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from threading import Thread
from typing import TypeVar

from .engine.console import Redactor
from .engine.errors import SlipwayError, TimedOut

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")


def attempt(work: Callable[[], Answer], seconds: float, what: str) -> Answer:
    """Call it in a thread of its own and wait for its answer, but no longer. `work` must not use the database.

    Raises what it raises, or TimedOut; then the thread goes on until its own time limits end it.
    """
    answer: Future[Answer] = Future()

    def call() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=call, name=what, daemon=True).start()  # unlike a pool's, it holds up no process that wants to end
    try:
        return answer.result(seconds)
    except NoAnswer:
        if answer.done():
            raise  # it is what `work` raised
        raise TimedOut(
            f"{what} did not answer within {seconds:.0f} s.",
            hint="Is its address right, and can this machine reach it?",
        ) from None


def explain(error: Exception, redact: Redactor, doing: str) -> str:
    """What people read about it. What nobody foresaw goes to the log, too: "An error of Slipway itself, {doing}"."""
    if isinstance(error, SlipwayError):
        return redact(str(error))
    logger.error("An error of Slipway itself, %s\n%s", doing, redact(traceback.format_exc()))
    return redact(f"Slipway itself failed: {type(error).__name__}: {error}\nThe log has the details.")
