"""From `git push` to a queued build with no hand touching: a real git server, its hook, our web, Redis and a worker."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection
from django.urls import reverse

from appliances.forges import FORGES
from appliances.models import Look, Release, Repository
from builds.models import Build
from builds.states import BuildState
from tests import factories
from tests.appliances.followed import NAME, server
from tests.waiting import wait_for

__all__ = ["server"]


@pytest.fixture
def errands(redis, redis_socket, data_dir):
    argv = [sys.executable, "-m", "tests.appliances.fake_errands", redis_socket, data_dir]
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    database = str(connection.settings_dict["NAME"])
    with subprocess.Popen([*argv, database], cwd=settings.BASE_DIR, env=env) as process:
        yield process
        process.kill()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("forge", FORGES)
def test_a_push_is_a_queued_build_by_itself(server, live_server, errands, forge):
    repository = factories.repository(url=server.url(NAME), forge=forge, tag_pattern="v*")
    wait_for(lambda: Build.objects.queued().count() == 1, seconds=60)  # of the branch as it was
    wait_for(lambda: Repository.objects.get().looking_until is None)
    server.hook(NAME, live_server.url + reverse("webhook", args=[repository.hook]), repository.hook_secret, forge)

    commit = server.push(NAME, {"site.pp": "# changed\n"}, "Change the site")
    wait_for(lambda: Build.objects.queued().filter(revision__git_commit=commit).exists(), seconds=60)
    assert Build.objects.filter(state=BuildState.CANCELLED).count() == 1  # the former waits no more

    server.tag(NAME, "v1.0.0", "The first")
    wait_for(lambda: Release.objects.filter(version="1.0.0").exists(), seconds=60)
    assert Look.objects.exclude(error="").count() == 0
