"""Lines as Vagrant 2.3.4 has really printed them."""

from __future__ import annotations

import pytest

from builds.engine.platforms.vagrant.lines import Line, parse


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1732295000,,ui,output,==> box: Adding box", Line("ui", ("output", "==> box: Adding box"))),
        ("1732295000,default,metadata,provider,libvirt", Line("metadata", ("provider", "libvirt"))),
        ("1732295000,default,state,shutoff", Line("state", ("shutoff",))),
        ("1732295000,,ui,info,a%!(VAGRANT_COMMA) b\\nc\\rd", Line("ui", ("info", "a, b\nc\rd"))),
        ("1732295000,,plugin-version,0.11.2%!(VAGRANT_COMMA) system", Line("plugin-version", ("0.11.2, system",))),
        ("/usr/share/x.rb:1:in `spawn': No such file (Errno::ENOENT)", None),
        ("  HostName 192.168.121.7", None),
        ("", None),
    ],
)
def test_a_line_is_taken_apart(text: str, line: Line | None):
    assert parse(text) == (line or Line("plain", (text,)))


def test_a_download_tells_how_far_it_is():
    progress = ",,ui,detail,Progress: 41% (Rate: 482M/s%!(VAGRANT_COMMA) Estimated time remaining: --:--:--)"
    assert parse(f"1732295000{progress}").progress == 0.41
    assert parse("1732295000,default,ui,detail,    default: line 1").progress is None


def test_an_error_has_a_name_and_a_reason():
    line = parse("1732295000,,error-exit,Vagrant::Errors::BoxAlreadyExists,The box is there.\\n\\nVersion: 1.0")
    assert (line.error, line.text) == ("BoxAlreadyExists", "The box is there.\n\nVersion: 1.0")
