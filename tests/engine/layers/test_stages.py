"""Keys: whatever can change a machine changes them, and nothing else does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builds.engine.bases.debian import Debian, DebianOptions
from builds.engine.context import Context
from builds.engine.image import Image, Size
from builds.engine.layers import Layer
from builds.engine.layers.stages import Stage, stages
from builds.engine.machine import Machine
from builds.engine.plan import Plan
from builds.engine.platforms.base import LayeredPlatform
from builds.engine.plugin import Options
from builds.engine.provisioners import File, Shell
from builds.engine.provisioners.base import Provisioner

from .conftest import Watched

BASE = Image("disk", details={"digest": "sha256:ab"})


class Platform(LayeredPlatform):
    """Tells its machines' shape; none is ever started."""

    name = "still"
    label = "Still"
    Options = Options
    devices = "one disk"

    def shape(self, base: Image, size: Size, network: str, context: Context) -> Mapping[str, str]:
        return {"devices": self.devices}

    @contextmanager
    def launch(self, *_: Any) -> Iterator[Machine]:
        raise NotImplementedError
        yield

    def save(self, *_: Any) -> Mapping[str, Any]:
        raise NotImplementedError

    @contextmanager
    def resume(self, layer: Layer, *_: Any) -> Iterator[Machine]:
        raise NotImplementedError
        yield


def shell(inline: str = "true", **options: Any) -> Shell:
    return Shell(Shell.Options(inline=inline, **options))


def site(**options: Any) -> File:
    return File(File.Options(source="site", target="/srv/site", **options))


def plan(*provisioners: Provisioner, **more: Any) -> Plan:
    fields = {"network": "none", "size": Size(1, 2**28, 2**30), **more}
    platform: Any = Platform(Options())
    return Plan("x", platform, Debian(DebianOptions(debian="12")), provisioners=provisioners, formats=(), checks=(),
                **fields)  # fmt: skip


@pytest.fixture
def context(context: Context, store: Watched) -> Context:
    (context.source / "site").mkdir(parents=True)
    (context.source / "site" / "page").write_text("hello")
    secrets = frozenset({"password"})
    return replace(context, layers=store, variables={"title": "Wiki", "password": "hunter2"}, secrets=secrets)


@pytest.fixture
def keys(context: Context) -> Callable[..., list[str]]:
    def keys(*provisioners: Provisioner, base: Image = BASE, **more: Any) -> list[str]:
        return [stage.key for stage in stages(plan(*provisioners, **more), base, context)]

    return keys


def test_the_same_inputs_have_the_same_keys_and_each_stage_its_own(keys: Callable[..., list[str]]) -> None:
    found = keys(shell(), site())
    assert found == keys(shell(), site())
    assert len(set(found)) == 3
    assert keys(shell())[:2] == found[:2]


@pytest.mark.parametrize(
    "change",
    [
        {"base": Image("disk", details={"digest": "sha256:cd"})},
        {"size": Size(2, 2**28, 2**30)},
        {"size": Size(1, 2**29, 2**30)},
        {"size": Size(1, 2**28, 2**31)},
        {"network": "outside"},
    ],
)
def test_another_machine_has_other_keys(keys: Callable[..., list[str]], change: dict[str, Any]) -> None:
    assert not set(keys(shell())) & set(keys(shell(), **change))


def test_other_devices_have_other_keys(keys: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys(shell())
    monkeypatch.setattr(Platform, "devices", "two disks")
    assert not set(before) & set(keys(shell()))


@pytest.mark.parametrize(
    "change",
    [
        lambda site: (site / "page").write_text("changed"),
        lambda site: (site / "page").chmod(0o600),
        lambda site: site.chmod(0o700),
        lambda site: (site / "more").write_text(""),
        lambda site: (site / "empty").mkdir(),
        lambda site: (site / "page").rename(site / "other"),
        lambda site: (site / "link").symlink_to("page"),
    ],
    ids=["content", "mode", "folder's mode", "new file", "empty folder", "name", "link"],
)
def test_a_changed_file_changes_the_key_from_there_on(
    keys: Callable[..., list[str]], context: Context, change: Callable[[Path], object]
) -> None:
    before = keys(shell(), site(), shell("after"))
    change(context.source / "site")
    after = keys(shell(), site(), shell("after"))
    assert before[:2] == after[:2]
    assert not set(before[2:]) & set(after[2:])


def test_when_a_file_was_written_does_not_matter(keys: Callable[..., list[str]], context: Context) -> None:
    before = keys(site())
    os.utime(context.source / "site" / "page", (0, 0))
    assert keys(site()) == before


def test_only_variables_that_are_read_matter(context: Context) -> None:
    def of(title: str, password: str, *provisioners: Provisioner) -> list[str]:
        variables = {"title": title, "password": password}
        return [each.key for each in stages(plan(*provisioners), BASE, replace(context, variables=variables))]

    text = File(File.Options(content="{{ title }}", target="/srv/title"))
    assert of("a", "x", text) == of("a", "y", text) != of("b", "x", text)
    assert of("a", "x", site()) == of("b", "y", site())
    assert len({tuple(of(title, password, shell())) for title in "ab" for password in "xy"}) == 4


def test_a_secrets_digest_tells_nothing_without_the_stores_key(context: Context, store: Watched) -> None:
    def digest(secret: bytes) -> str:
        store.secret = secret
        return stages(plan(shell()), BASE, context)[1].parts[1].inputs["variable password"]

    assert digest(b"one") == digest(b"one") != digest(b"other")


def test_what_comes_after_a_secret_is_private_and_after_packages_fetched(context: Context) -> None:
    def marks(*provisioners: Provisioner, network: str = "outside") -> list[tuple[bool, bool]]:
        found: list[Stage] = stages(plan(*provisioners, network=network), BASE, context)
        return [(stage.private, stage.fetched) for stage in found]

    login = File(File.Options(content="{{ password }}", target="/srv/login"))
    assert marks(site(), login, site()) == [(False, False), (False, False), (True, False), (True, False)]
    assert marks(shell("apt-get install x"), site()) == [(False, False), (True, True), (True, True)]
    assert marks(shell("apt-get install x"), network="none")[1] == (True, False)
    assert marks(shell("echo"))[1] == (True, False)


def test_nothing_is_kept_from_a_provisioner_on_that_shall_not_be(keys: Callable[..., list[str]]) -> None:
    assert len(keys(shell(), shell("date", cache=False), shell())) == 2
    assert keys(shell(), shell(cache=True)) == keys(shell(), shell())


def test_a_base_without_a_digest_has_no_layers(keys: Callable[..., list[str]]) -> None:
    assert keys(shell(), base=Image("disk")) == []
