"""A real queue and a real worker: from a verb to a letter in a mail server and a call of a hook."""

import contextlib
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from appliances import releases
from appliances.models import HookDelivery, Letter
from builds.states import DeliveryState
from tests import factories
from tests.appliances.life import finish
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(redis, redis_socket, data_dir, post_office):
    module = "tests.appliances.notices.errand_worker"
    argv = [sys.executable, "-m", module, redis_socket, data_dir, str(connection.settings_dict["NAME"])]
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "EMAIL_URL": f"smtp://127.0.0.1:{post_office.port}",
    }
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen(argv, cwd=settings.BASE_DIR, env=env))
        stack.callback(process.kill)
        yield process


def test_a_revision_that_waits_is_told_with_no_hand_touching(worker, team, maintainer, post_office, receiver):
    factories.hook(team, url=receiver.url, kinds=["waiting"])
    appliance = factories.appliance(team=team, publish_automatically=False)
    revision, _ = releases.revise(factories.release(appliance=appliance), by=maintainer)
    finish(revision)
    wait_for(lambda: post_office.letters and receiver.calls, 60)
    assert "waits for approval" in post_office.letters[0]["Subject"]
    wait_for(lambda: {*Letter.objects.values_list("state", flat=True)} == {DeliveryState.DONE})
    wait_for(lambda: HookDelivery.objects.get().state == DeliveryState.DONE)
