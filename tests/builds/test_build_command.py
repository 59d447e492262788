"""`manage.py build`, up to the engine's door."""

import io
import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from builds.engine.errors import BuildError
from builds.engine.image import Image
from builds.engine.outcome import Outcome
from builds.management.commands import build as command

TEMPLATE = """\
base: debian:12
variables:
  title: {type: string, default: Wiki}
  password: {secret: true}
files:
  inline.sh: |
    #!/bin/sh
provisioners:
  - shell: {script: inline.sh}
  - shell: {script: beside.sh}
  - file: {source: site, target: /var/www}
platforms:
  qemu: {formats: [qcow2, raw]}
"""


@pytest.fixture
def template(tmp_path, monkeypatch):
    folder = tmp_path / "My wiki"
    (folder / "site").mkdir(parents=True)
    (folder / "site" / "index.html").write_text("hello")
    (folder / "beside.sh").write_text("#!/bin/sh\n")
    (folder / "unneeded.iso").write_text("large")
    (folder / "appliance.yaml").write_text(TEMPLATE)
    monkeypatch.setenv("password", "hunter2hunter2")
    return folder / "appliance.yaml"


class Engine:
    """Notes what it was asked for, and makes an image per format."""

    def __init__(self, error=None):
        self.error = error

    def build(self, plan, context, folder, *, tested):
        self.plan, self.context, self.tested = plan, context, tested
        self.files = sorted(path.relative_to(context.source).as_posix() for path in context.source.rglob("*"))
        with context.step("Work") as step:
            step.console.write("the password is hunter2hunter2\n")
            step.console.progress(0.5)
            if self.error:
                raise self.error
        for format_ in plan.formats:
            (folder / format_.name).write_bytes(b"image")
        return Outcome({format_.name: Image(format_.name, folder / format_.name) for format_ in plan.formats})


@pytest.fixture
def engine(monkeypatch):
    engine = Engine()
    monkeypatch.setattr(command, "pipeline", engine)
    return engine


def build(template, *options):
    """Runs without database access: pytest-django refuses every query in these tests."""
    output = io.StringIO()
    call_command("build", str(template), "--output", str(template.parent / "out"), *options, stdout=output)
    return output.getvalue()


def test_the_images_land_in_the_output_folder_and_nothing_else(template, engine):
    said = build(template)
    out = template.parent / "out"
    assert sorted(path.name for path in out.iterdir()) == ["My-wiki.qcow2", "My-wiki.raw.gz"]
    assert engine.tested
    assert engine.files == ["beside.sh", "inline.sh", "site", "site/index.html"]
    assert engine.context.variables == {"title": "Wiki", "password": "hunter2hunter2"}
    assert "hunter2" not in said
    assert "▶ Work" in said


def test_options_choose_formats_values_and_names(template, engine):
    build(template, "--format", "raw", "--var", "title=Ours", "--name", "ours", "--untested")
    assert [format_.name for format_ in engine.plan.formats] == ["raw"]
    assert engine.plan.variables["title"] == "Ours"
    assert engine.plan.name == "ours"
    assert not engine.tested


def test_layers_are_kept_in_the_data_folder_unless_told_otherwise(template, engine, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    build(template)
    store = engine.context.layers
    assert (store.folder, store.budget) == (tmp_path / "data" / "cache" / "layers", 20 * 2**30)
    assert len(store.secret) == 32
    build(template, "--no-layers")
    assert not engine.context.layers.on
    settings.LAYERS = 0
    build(template)
    assert not engine.context.layers.on


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "ova"], "asks qemu for no format ova"),
        (["--platform", "ec2"], "no platform ec2; it has: qemu"),
        (["--var", "tilte=x"], "one of the template's variables: password, title"),
        (["--source", "/nowhere"], "(?s)no file or folder 'beside.sh'.*no file or folder 'site'"),
    ],
)
def test_wrong_options_say_what_there_is(options, message, template, engine):
    with pytest.raises(CommandError, match=message):
        build(template, *options)
    assert list((template.parent / "out").glob(".*")) == []


def test_a_template_with_problems_shows_all_of_them(template, engine):
    template.write_text(
        TEMPLATE.replace("script: beside.sh", "scirpt: beside.sh").replace("type: string", "type: text")
    )
    with pytest.raises(CommandError) as caught:
        build(template)
    assert "scirpt" in str(caught.value)
    assert "variables.title" in str(caught.value)


def test_a_template_that_extends_another_needs_a_site(template, engine):
    template.write_text("extends: demo/base\n" + TEMPLATE)
    with pytest.raises(CommandError, match="line 1: extends: demo/base is kept by a site"):
        build(template)


def test_a_secret_that_is_nowhere_is_asked_for_by_name(template, engine, monkeypatch):
    monkeypatch.delenv("password")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(CommandError, match="environment variable password"):
        build(template)


def test_a_build_that_fails_leaves_no_image_and_no_folder(template, monkeypatch):
    monkeypatch.setattr(command, "pipeline", Engine(BuildError("it broke", hint="Mend it.")))
    with pytest.raises(CommandError, match=r"it broke\nMend it\."):
        build(template)
    assert list((template.parent / "out").iterdir()) == []


def test_ctrl_c_ends_it_in_order(template, data_dir):
    """A real process: the signal reaches the engine, which cleans up."""
    script = (
        "import sys, django; django.setup()\n"
        "from unittest import mock\n"
        "from django.core.management import execute_from_command_line\n"
        "from builds.management.commands import build\n"
        "from tests.builds import engine\n"
        "fake = mock.Mock(build=lambda plan, context, folder, tested: engine.until_stopped(context, folder))\n"
        "with mock.patch.object(build, 'pipeline', fake):\n"
        "    execute_from_command_line(sys.argv)\n"
    )
    argv = [sys.executable, "-c", script, "build", str(template), "--output", str(template.parent / "out")]
    with subprocess.Popen(
        argv, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=15)
    assert process.returncode == 130
    assert "nothing is left running" in errors
    assert list((template.parent / "out").iterdir()) == []
