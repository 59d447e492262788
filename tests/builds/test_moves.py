import pytest

from builds.models import Build
from builds.moves import Lost, move
from builds.states import ACTIVE, FINAL, MOVES, BuildState
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_move_changes_the_row_and_the_object():
    build = factories.build()
    move(build, BuildState.QUEUED, BuildState.RUNNING, worker="here")
    assert (build.state, build.worker) == (BuildState.RUNNING, "here")
    build.refresh_from_db()
    assert (build.state, build.worker) == (BuildState.RUNNING, "here")


def test_only_one_of_two_makes_a_move():
    build = factories.build()
    stale = Build.objects.get(pk=build.pk)
    move(build, BuildState.QUEUED, BuildState.RUNNING, worker="first")
    with pytest.raises(Lost):
        move(stale, BuildState.QUEUED, BuildState.RUNNING, worker="second")
    build.refresh_from_db()
    assert build.worker == "first"
    assert stale.state == BuildState.QUEUED


def test_saving_a_stale_object_does_not_undo_a_move():
    build = factories.build()
    stale = Build.objects.get(pk=build.pk)
    move(build, BuildState.QUEUED, BuildState.RUNNING, worker="first")
    stale.facts = {"cpu": "one"}
    stale.save()
    build.refresh_from_db()
    assert (build.state, build.worker, build.facts) == (BuildState.RUNNING, "first", {"cpu": "one"})


@pytest.mark.parametrize(
    ("origin", "to"), [(BuildState.QUEUED, BuildState.SUCCEEDED), *((s, BuildState.RUNNING) for s in FINAL)]
)
def test_moves_that_the_table_does_not_have_are_refused(origin, to):
    build = factories.build(state=origin)
    with pytest.raises(ValueError, match="cannot move"):
        move(build, origin, to)
    build.refresh_from_db()
    assert build.state == origin


def test_every_state_has_its_moves_and_only_final_ones_have_none():
    assert set(MOVES) == set(BuildState)
    assert {state for state in BuildState if not MOVES[state]} == set(FINAL)
    assert set(ACTIVE) | set(FINAL) == set(BuildState)


def test_the_database_refuses_a_second_active_build_and_unknown_states():
    from django.db import IntegrityError, transaction

    build = factories.build()
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.build(build.revision)
    with pytest.raises(IntegrityError), transaction.atomic():
        Build.objects.filter(pk=build.pk).update(state="lost")
    Build.objects.filter(pk=build.pk).update(state=BuildState.FAILED)
    factories.build(build.revision)
