import threading

import pytest

from builds.engine.console import Redactor
from builds.engine.errors import BuildError, TimedOut
from builds.outside import attempt, explain


def test_an_answer_comes_back_and_so_does_an_error():
    assert attempt(lambda: 42, 5, "The cloud") == 42

    def refuse():
        raise BuildError("No.")

    with pytest.raises(BuildError, match=r"No\."):
        attempt(refuse, 5, "The cloud")


def test_what_never_answers_is_given_up_with_a_hint():
    forever = threading.Event()
    with pytest.raises(TimedOut) as caught:
        attempt(forever.wait, 0.05, "The cloud")
    forever.set()
    assert caught.value.message == "The cloud did not answer within 0 s."
    assert "reach" in caught.value.hint


def test_a_timeout_that_the_call_itself_raises_is_not_taken_for_ours():
    def late():
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        attempt(late, 5, "The cloud")


def test_explanations_carry_no_secrets_and_the_log_gets_what_nobody_foresaw(caplog):
    redact = Redactor(["hunter2"])
    assert explain(BuildError("hunter2 is wrong.", hint="Not hunter2?"), redact, "testing") == (
        "•••••• is wrong.\nNot ••••••?"
    )
    assert not caplog.records
    try:
        raise KeyError("hunter2")
    except KeyError as error:
        text = explain(error, redact, "testing acme: prod")
    assert "KeyError" in text
    assert "testing acme: prod" in caplog.text
    assert "hunter2" not in text + caplog.text
