"""slipway publish --note, reject, promote; what the audit log says of it afterwards."""

import pytest

from appliances.models import Channel
from tests import factories


@pytest.fixture
def ready(wiki):
    """Two versions that wait for somebody to decide."""
    wiki.publish_automatically = False
    wiki.save()
    return [factories.revision(factories.release(appliance=wiki, version=each), state="ready") for each in "12"]


def test_a_maintainer_decides_and_says_why(run, token, ready):
    assert run("reject", "acme/wiki@1").status == 2  # without a reason
    assert run("reject", "acme/wiki@1", "--note", "Too large.").out == "acme/wiki@1 r1 is rejected.\n"
    assert run("publish", "acme/wiki@2", "--note", "Looks good.").status == 0
    late = run("reject", "acme/wiki@2", "--note", "No.")
    assert (late.status, "can be rolled back" in late.err) == (1, True)
    log = run("audit", "--appliance", "acme/wiki", "--json").json
    assert [(each["what"], each["note"]) for each in log] == [("published", "Looks good."), ("rejected", "Too large.")]
    assert {(each["by"], each["via"]) for each in log} == {("maria", "token ci")}


def test_a_channel_points_to_what_is_promoted(run, token, ready):
    refused = run("promote", "acme/wiki@1", "stable")
    assert (refused.status, "Publish it first." in refused.err) == (1, True)
    for version in "12":
        run("publish", f"acme/wiki@{version}")
    assert run("promote", "acme/wiki@1", "stable", "--note", "2 is slow.").out == "stable points to acme/wiki@1.\n"
    assert Channel.objects.get(name="stable").release.version == "1"


def test_the_log_is_filtered(run, token, ready):
    run("publish", "acme/wiki@1")
    assert run("audit", "--what", "published").out.count("\n") == 1
    assert run("audit", "--who", "nobody").out == "There is none.\n"
    assert run("audit", "--limit", 0).out == "There is none.\n"
    assert run("audit", "--since", "yesterday").status == 1


def test_withdrawing_may_name_what_to_use_instead(run, token, ready):
    for version in "12":
        run("publish", f"acme/wiki@{version}")
    done = run("withdraw", "acme/wiki@2", "--reason", "It leaks.", "--instead", "1", "--json").json
    assert (done["withdrawn_reason"], done["instead"]) == ("It leaks.", "1")
