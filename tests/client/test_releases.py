"""What a pipeline does: validate, create, build, publish, withdraw."""

import pytest

from appliances.models import Release, Revision
from tests import factories
from tests.appliances.life import finish

BAD = "base: debian:12\nsizes: 3\nplatforms:\n  qemu: {formats: [floppy]}\n"


@pytest.fixture
def template(home):
    path = home / "appliance.yaml"
    path.write_text(factories.TEMPLATE)
    return path


def test_a_template_with_problems_is_told_all_of_them(run, token, template):
    good = run("validate", template)
    assert (good.status, "it builds on qemu" in good.out) == (0, True)
    template.write_text(BAD)
    bad = run("validate", template)
    assert bad.status == 1
    assert f"{template}: line 2: sizes:" in bad.out
    assert f"{template}: line 4:" in bad.out
    assert run("validate", template, "--json").json["valid"] is False
    assert run("validate", template.parent / "nothing.yaml").status == 2


def test_from_nothing_to_the_catalog(run, token, template, wiki):
    said = run("appliance", "create", "acme/tool", "--name", "Tool", "--summary", "A tool.", "--approve")
    assert said.status == 0, said.err
    assert {each["slug"] for each in run("appliance", "list", "--json").json} == {"tool", "wiki"}
    notes = template.with_name("notes.md")
    notes.write_text("New.\n")
    said = run("release", "create", "acme/tool", "1.0.0", "--template", template, "--notes", notes, "--build")
    assert said.status == 0, said.err
    release = Release.objects.get(version="1.0.0")
    assert (release.notes, release.template) == ("New.", factories.TEMPLATE)
    finish(Revision.objects.get())
    assert run("publish", "acme/tool@1.0.0").status == 0
    shown = run("release", "show", "acme/tool@1.0.0", "--json").json
    assert shown["state"] == "published"
    assert [each["number"] for each in shown["revisions"]] == [1]
    assert run("rebuild", "acme/tool@1.0.0", "--platform", "qemu").status == 0
    assert run("withdraw", "acme/tool@1.0.0", "--reason", "A hole.").status == 0
    assert run("restore", "acme/tool@1.0.0").status == 0
    assert run("release", "list", "acme/tool").out.startswith("1.0.0\tpublished\t")


def test_a_version_that_is_there_is_changed_when_asked(run, token, template, wiki):
    assert run("release", "create", "acme/wiki", "1.0.0", "--template", template).status == 0
    again = run("release", "create", "acme/wiki", "1.0.0", "--template", template)
    assert again.status == 1
    assert "exists already" in again.err
    template.write_text(factories.TEMPLATE + "# changed\n")
    assert run("release", "create", "acme/wiki", "1.0.0", "--template", template, "--update").status == 0
    assert Release.objects.get().template.endswith("# changed\n")


def test_the_sources_come_with_it(run, token, template, home):
    archive = home / "files.tar"
    archive.write_bytes(b"files" * 100_000)
    made = ("release", "create", "acme/wiki", "1.0.0", "--template", template)
    assert run(*made, "--archive", archive).status == 0
    release = Release.objects.get()
    assert (release.source_kind, len(release.archive)) == ("archive", len("archives/") + 64)
    git = ("--git-url", "https://git.example.org/wiki", "--git-ref", "v1.0.0")
    assert run(*made, "--update", *git).status == 0
    release.refresh_from_db()
    assert (release.source_kind, release.git_ref) == ("git", "v1.0.0")


def test_values_come_with_it(run, token, template):
    made = ("release", "create", "acme/wiki", "1.0.0", "--template", template)
    assert run(*made, "--value", "title=Our wiki", "--value", "where=a=b").status == 0
    assert Release.objects.get().values == {"title": "Our wiki", "where": "a=b"}
    assert run(*made, "--update").status == 0
    assert Release.objects.get().values == {"title": "Our wiki", "where": "a=b"}
    assert run(*made, "--value", "title").status == 2


def test_a_problem_of_a_parent_names_it(run, token, template, wiki):
    factories.release(appliance=wiki, template=BAD)
    template.write_text("extends: acme/wiki@1.0.0\n")
    said = run("validate", template, "--team", "acme")
    assert f"{template}: acme/wiki@1.0.0 draft, line 2: sizes:" in said.out


def test_problems_stand_under_the_error(run, token, template, wiki):
    template.write_text(BAD)
    said = run("release", "create", "acme/wiki", "1.0.0", "--template", template, "--build")
    assert said.status == 1
    assert "The template has 2 problems." in said.err
    assert "line 4: " in said.err


@pytest.mark.parametrize("wrong", ["wiki", "acme/wiki", "acme/wiki@", "acme/wiki/x@1", "/wiki@1"])
def test_a_name_that_is_none(run, wrong):
    assert run("publish", wrong).status == 2
