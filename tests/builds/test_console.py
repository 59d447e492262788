import random
import threading

import pytest
from django.db import OperationalError, connection

from builds import console as module
from builds.console import CHUNK, Log, RecordingConsole
from builds.engine.console import Redactor
from builds.models import LogChunk, Step
from builds.states import StepState

pytestmark = pytest.mark.django_db(transaction=True)


def log_text(build, **where):
    return "".join(build.log.filter(**where).values_list("text", flat=True))


def test_lines_of_many_threads_arrive_whole_in_order_and_without_gaps(queued):
    titles = [f"step {number}" for number in range(6)]
    with Log(queued, titles) as log:
        console = RecordingConsole(log, Redactor())

        def talk(title):
            with console.step(title) as step:
                for number in range(400):
                    line = f"{title} line {number} {'x' * random.randrange(100)}\n"
                    step.write(line[:7])
                    step.write(line[7:])

        threads = [threading.Thread(target=talk, args=[title]) for title in titles]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sequences = list(queued.log.values_list("sequence", flat=True))
    assert sequences == list(range(1, len(sequences) + 1))
    assert all(len(text) <= CHUNK for text in queued.log.values_list("text", flat=True))
    for step in queued.steps.all():
        lines = log_text(queued, step=step).splitlines()
        assert [line.split(" x")[0].strip() for line in lines] == [f"{step.title} line {n}" for n in range(400)]
    assert {step.state for step in queued.steps.all()} == {StepState.SUCCEEDED}


def test_lines_show_while_the_step_still_runs(queued, monkeypatch):
    with Log(queued, ["a"]) as log, RecordingConsole(log, Redactor()).step("a") as step:
        step.write("hello\n")
        step.progress(0.5)
        for _ in range(200):
            if queued.log.exists():
                break
            threading.Event().wait(0.02)
        assert log_text(queued) == "hello\n"
        assert (queued.steps.get().state, queued.steps.get().fraction) == (StepState.RUNNING, 0.5)


def test_bytes_that_no_database_takes_are_replaced(queued):
    with Log(queued, ["a\x00"]) as log:
        console = RecordingConsole(log, Redactor())
        with console.step("a\x00") as step:
            step.write("nul \x00 half \udce4 end\n")
        console.fact("name\x00", "\ud800")
    assert log_text(queued) == "nul \ufffd half ? end\n"
    queued.refresh_from_db()
    assert queued.facts == {"name\ufffd": "?"}


def test_a_step_that_fails_is_marked_and_keeps_its_last_words(queued):

    def fail(log):
        with RecordingConsole(log, Redactor()).step("a") as step:
            step.write("no newline")
            raise ZeroDivisionError

    with Log(queued, ["a", "b"]) as log, pytest.raises(ZeroDivisionError):
        fail(log)
    assert [step.state for step in queued.steps.all()] == [StepState.FAILED, StepState.PENDING]
    assert log_text(queued) == "no newline\n"


def test_steps_of_the_same_title_are_taken_one_after_the_other(queued):
    with Log(queued, ["again", "again"]) as log:
        console = RecordingConsole(log, Redactor())
        with console.step("again"), console.step("again"):
            pass
        with pytest.raises(LookupError), console.step("again"):
            pass
    assert [step.state for step in queued.steps.all()] == [StepState.SUCCEEDED] * 2


def test_nothing_is_lost_while_the_database_is_away(queued, monkeypatch):
    create, failures = LogChunk.objects.bulk_create, iter(range(2))

    def bulk_create(rows):
        if next(failures, None) is not None:
            raise OperationalError("server closed the connection")
        return create(rows)

    monkeypatch.setattr(LogChunk.objects, "bulk_create", bulk_create)
    monkeypatch.setattr(module, "INTERVAL", 0.05)
    with Log(queued, ["a"]) as log:
        console = RecordingConsole(log, Redactor())
        console.fact("cpu", "one")
        with console.step("a") as step:
            for number in range(20):
                step.write(f"{number}\n")
                threading.Event().wait(0.02)
    assert next(failures, None) is None
    assert log_text(queued) == "".join(f"{number}\n" for number in range(20))
    assert Step.objects.get().state == StepState.SUCCEEDED
    queued.refresh_from_db()
    assert queued.facts == {"cpu": "one"}


def test_a_log_without_end_is_cut_off(queued, monkeypatch):
    monkeypatch.setattr(module, "LIMIT", 1000)
    with Log(queued, []) as log:
        console = RecordingConsole(log, Redactor())
        for _ in range(100):
            console.write("x" * 99 + "\n")
    assert len(log_text(queued)) < 1200
    assert log_text(queued).endswith("the rest is left out\n")


def test_the_threads_of_the_engine_hold_no_connection(queued):
    used = []

    def talk():
        with console.step("a") as step:
            step.write("hello\n")
        used.append(connection.connection)

    with Log(queued, ["a"]) as log:
        console = RecordingConsole(log, Redactor())
        thread = threading.Thread(target=talk)
        thread.start()
        thread.join()
    assert used == [None]
