"""How people name things on the command line: team/app, team/app@version, a build's number, name=value."""

from __future__ import annotations

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class Name:
    team: str
    slug: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.team}/{self.slug}{'@' if self.version else ''}{self.version}"

    @property
    def appliance(self) -> tuple[str, ...]:
        """Its address in the API, in parts."""
        return ("appliances", self.team, self.slug)

    @property
    def release(self) -> tuple[str, ...]:
        return (*self.appliance, "releases", self.version)


def appliance(text: str) -> Name:
    """team/app"""
    name = any_version(text)
    if name.version:
        raise argparse.ArgumentTypeError(f"“{text}”: no version belongs here")
    return name


def release(text: str) -> Name:
    """team/app@version"""
    name = any_version(text)
    if not name.version:
        raise argparse.ArgumentTypeError(f"“{text}” lacks the version: {text}@1.4.0")
    return name


def any_version(text: str) -> Name:
    """team/app, or team/app@version"""
    place, at, version = text.partition("@")
    team, _, slug = place.partition("/")
    if not (team and slug) or "/" in slug or (at and not version):
        raise argparse.ArgumentTypeError(f"“{text}” is no team/app or team/app@version")
    return Name(team, slug, version)


def build_or_release(text: str) -> int | Name:
    """42, or team/app@version"""
    return int(text) if text.isdecimal() else release(text)


def value(text: str) -> tuple[str, str]:
    """title=Our wiki"""
    name, equals, said = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"“{text}” is no name=value")
    return name, said
