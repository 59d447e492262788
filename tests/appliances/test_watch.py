import io
import threading
import time

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from appliances.models import Revision
from builds import runner
from builds.states import BuildState
from tests import factories
from tests.builds.conftest import engine  # noqa: F401 -- a fixture
from tests.builds.engine import two_images


def watch(*arguments):
    output = io.StringIO()
    call_command("watch", *map(str, arguments), stdout=output)
    return output.getvalue()


@pytest.mark.django_db
def test_what_has_ended_is_told_with_its_error_and_hint():
    build = factories.build(state=BuildState.FAILED, error="It broke.", hint="Mend it.")
    build.revision.settle()
    build.steps.create(position=1, title="Work", state="failed", fraction=0.5)
    for name in (build.pk, f"r{build.revision_id}", f"{build.revision.release.appliance}@1.0.0"):
        said = watch(name)
        assert "qemu: Work" in said
        assert "It broke.\nMend it." in said
    assert "is failed" in said


@pytest.mark.django_db
def test_its_exit_status_can_be_that_of_the_build():
    build = factories.build(state=BuildState.FAILED)
    watch(build.pk)
    with pytest.raises(CommandError):
        watch(build.pk, "--exit")


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["12345", "r12345", "acme/wiki@1.0", "nonsense"])
def test_what_does_not_exist_is_said(name):
    with pytest.raises(CommandError, match="There is no"):
        watch(name)


@pytest.mark.django_db(transaction=True)
def test_it_follows_a_revision_until_it_is_published(engine):  # noqa: F811
    engine(two_images)
    build = factories.build()

    def work():
        time.sleep(0.3)
        runner.run(build.pk)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    said = watch(f"r{build.revision_id}")
    worker.join()
    assert "succeeded" in said
    assert "is published." in said
    assert Revision.objects.get().state == "published"
