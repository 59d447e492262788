"""`manage.py import_packer`."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from builds.engine.template import parse

GOOD = '{"builders": [{"type": "qemu", "iso_url": "https://example.com/debian-12.iso", "strange": 1}]}'


def run(*arguments: object) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("import_packer", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_template_goes_out_and_the_account_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "packer.json"
    file.write_text(GOOD)
    out, err = run(file)
    parse(out)
    assert "packer.json:1: builders.0.strange: left out" in err


def test_a_folder_is_read_whole_and_the_template_written(tmp_path: Path) -> None:
    (tmp_path / "a.pkr.hcl").write_text('source "qemu" "x" {\n  iso_url = "https://example.com/debian-12.iso"\n}\n')
    (tmp_path / "b.pkr.hcl").write_text('build {\n  sources = ["qemu.x"]\n}\n')
    target = tmp_path / "appliance.yaml"
    out, _ = run(tmp_path, "-o", target)
    assert out == ""
    assert parse(target.read_text()).targets


@pytest.mark.parametrize("text", ["{", '{"builders": []}'])
def test_nothing_usable_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "packer.json"
    file.write_text(text)
    with pytest.raises(CommandError):
        run(file)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run(tmp_path / "none.json")
    with pytest.raises(CommandError, match=r"has no \*\.pkr\.hcl"):
        run(tmp_path)
