"""slipway layer: what is kept, and dropping it."""

from builds.models import Layer
from tests import factories
from tests.appliances.life import published


def test_they_are_listed_and_dropped(run, token, wiki):
    build = factories.build(factories.revision(factories.release(appliance=wiki)), state="succeeded")
    first, second = factories.layer(build), factories.layer(build)
    lines = run("layer", "list", "acme/wiki").out.splitlines()
    assert [line.split("\t")[:4] for line in lines] == [
        [str(row.pk), "acme/wiki", "after 1. shell: install.sh", "shipyard-1"] for row in (second, first)
    ]
    assert run("layer", "drop", first.pk).out == f"Layer {first.pk} is dropped.\n"
    assert list(Layer.objects.usable()) == [second]
    assert run("layer", "drop", "acme/wiki").status == 0
    assert not Layer.objects.usable().exists()


def test_a_rebuild_may_do_without(run, token, wiki):

    release = factories.release(appliance=wiki)
    published(release)
    assert run("rebuild", "acme/wiki@1.0.0", "--no-layers").status == 0
    assert [build.layers for build in release.revisions.first().builds.all()] == [False]
