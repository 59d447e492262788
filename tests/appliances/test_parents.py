"""Which templates a team's own may extend, and what a revision keeps of them."""

import pytest

from appliances import parents, releases
from appliances.models import Release
from builds.engine.errors import TemplateError
from builds.engine.template import NoParent, parse
from tests import factories
from tests.appliances.life import change, finish, published

pytestmark = pytest.mark.django_db

CHILD = 'extends: acme/base\nprovisioners: [{shell: {inline: "echo child"}}]\n'


@pytest.fixture
def base() -> Release:
    """What others may extend, once it is published."""
    return factories.release(appliance=factories.appliance(team=factories.team(slug="acme"), slug="base"))


@pytest.fixture
def child(base) -> Release:
    appliance = factories.appliance(team=factories.team(slug="other"), slug="web")
    return factories.release(appliance=appliance, template=CHILD)


def find(release, name):
    return parents.lookup(release.appliance.team)(name)


class TestTheNewest:
    def test_it_is_what_was_built_and_published_not_what_is_written_since(self, base, child):
        revision = published(base)
        change(base)
        found = find(child, "acme/base")
        assert (found.label, found.text) == ("acme/base@1.0.0 r1", revision.template)

    def test_of_several_releases_the_one_that_was_published_last(self, base, child):
        published(base)
        published(factories.release(appliance=base.appliance, version="1.1.0"))
        factories.release(appliance=base.appliance, version="2.0.0")
        assert find(child, "acme/base").label == "acme/base@1.1.0 r1"

    def test_a_team_is_told_that_its_own_has_none_yet(self, base):
        with pytest.raises(NoParent, match=r"(?s)no published release.*Publish one, or name a draft"):
            find(base, "acme/base")


class TestAVersion:
    def test_it_stays_when_a_newer_one_is_published(self, base, child):
        published(base)
        published(factories.release(appliance=base.appliance, version="1.1.0"))
        assert find(child, "acme/base@1.0.0").label == "acme/base@1.0.0 r1"

    def test_a_draft_of_the_own_team_is_what_is_written_in_it(self, base):
        found = find(base, "acme/base@1.0.0")
        assert (found.label, found.text) == ("acme/base@1.0.0 draft", base.template)

    def test_what_only_another_team_sees_is_answered_for_as_what_is_not_there(self, base, child):
        published(base)
        type(base.appliance).objects.update(visibility="team")
        for name in ("acme/base", "acme/base@1.0.0", "acme/base@9"):
            with pytest.raises(NoParent, match="there is no appliance acme/base on the catalog"):
                find(child, name)
        assert find(base, "acme/base").label == "acme/base@1.0.0 r1"

    def test_one_that_is_not_there_names_those_that_are(self, base, child):
        published(base)
        factories.release(appliance=base.appliance, version="2.0.0")
        with pytest.raises(NoParent, match=r"no release 1\.5; the newest are: 1\.0\.0$"):
            find(child, "acme/base@1.5")

    def test_a_withdrawn_one_is_refused_with_its_reason(self, base, child):
        published(base)
        releases.withdraw(base, reason="Its key leaked.", by=None)
        for release in (base, child):
            with pytest.raises(NoParent, match=r"withdrawn\nIts key leaked\."):
                find(release, "acme/base@1.0.0")


def test_what_another_team_keeps_to_itself_looks_like_what_does_not_exist(base, child):
    said = set()
    for name in ("acme/base", "acme/base@1.0.0", "acme/gone", "acme/gone@1.0.0"):
        with pytest.raises(NoParent) as caught:
            find(child, name)
        said.add(str(caught.value).replace("gone", "base"))
    published(factories.release(appliance=base.appliance, version="2.0.0"))
    with pytest.raises(NoParent) as draft:
        find(child, "acme/base@1.0.0")
    with pytest.raises(NoParent) as missing:
        find(child, "acme/base@1.5.0")
    assert len(said) == 1
    assert str(draft.value).replace("1.0.0", "1.5.0") == str(missing.value)


class TestTheRevision:
    def test_it_keeps_the_whole_and_says_what_it_extends(self, base, child):
        published(base)
        revision, _ = releases.revise(child, by=None)
        assert revision.extends == ["acme/base@1.0.0 r1"]
        assert revision.template.startswith("# This extends acme/base@1.0.0.")
        assert len(parse(revision.template).provisioners) == 2
        assert revision.platforms == ["qemu"]
        child.refresh_from_db()
        assert child.template == CHILD

    def test_a_change_of_the_parent_reaches_it_only_when_it_is_revised(self, base, child):
        published(base)
        first, _ = releases.revise(child, by=None)
        finish(first)
        change(base, "fail_fast: true")
        finish(releases.revise(base, by=None)[0])
        first.refresh_from_db()
        assert "fail_fast" not in first.template
        rebuilt = releases.rebuild(child, by=None)
        assert (rebuilt.template, rebuilt.extends) == (first.template, first.extends)
        finish(rebuilt)
        second, made = releases.revise(child, by=None)
        assert made
        assert "fail_fast" in second.template
        assert second.extends == ["acme/base@1.0.0 r2"]

    def test_a_rebuild_of_the_parent_makes_no_new_one(self, base, child):
        published(base)
        first, _ = releases.revise(child, by=None)
        finish(releases.rebuild(base, by=None))
        assert find(child, "acme/base").label == "acme/base@1.0.0 r2"
        assert releases.revise(child, by=None) == (first, False)

    def test_secrets_are_the_childs_teams(self, base, child):
        change(base, "variables: {password: {secret: true}}")
        base.appliance.team.set_secret("password", "theirs")
        published(base)
        with pytest.raises(TemplateError, match="the secret has no value yet"):
            releases.revise(child, by=None)
        child.appliance.team.set_secret("password", "ours")
        revision, _ = releases.revise(child, by=None)
        assert revision.release.appliance.team.secret_values(["password"]) == {"password": "ours"}

    def test_a_circle_is_refused_though_each_part_of_it_was_built(self, base, child):
        published(base)
        published(child)
        base.template = "extends: other/web\n"
        base.save()
        with pytest.raises(TemplateError, match="acme/base → other/web → acme/base"):
            releases.revise(base, by=None)

    def test_an_archive_is_not_inherited(self, base, child):
        Release.objects.filter(pk=base.pk).update(
            source_kind="archive",
            archive="sources/x.tar",
            template=base.template.replace('inline: "true"', "script: install.sh"),
        )
        base.refresh_from_db()
        published(base)
        with pytest.raises(TemplateError, match="only `files` are inherited") as caught:
            releases.revise(child, by=None)
        assert caught.value.problems[0].template == "acme/base@1.0.0 r1"
