"""One version of an appliance as the public sees it: its files, what was tested, what is inside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.urls import reverse

from appliances.channels import pointed
from appliances.gems import is_prerelease
from appliances.models import Appliance, Release, Revision
from appliances.signing.keys import owner
from appliances.states import ReleaseState, RevisionState, Visibility
from appliances.words import LATEST
from builds import outline
from builds.engine.image import Size
from builds.models import Artifact, CheckResult
from builds.parity import Parity, compare

from .families import FAMILIES, FORMATS, label, place
from .places import Place, place_of
from .recipes import Download, Subject, Way, ways
from .vagrant import boxes
from .verifying import Signed, System, systems

# What a template means that says nothing of its size.
USUAL = Size(cpus=2, memory=2**30, disk=4 * 2**30)


@dataclass(frozen=True)
class Boot:
    """How long one artifact took to answer, with its share of the slowest in percent."""

    label: str
    short: str
    seconds: float
    percent: float


@dataclass(frozen=True)
class Changes:
    """What is different in the packages since an older version."""

    since: str
    added: list[tuple[str, str]]
    removed: list[tuple[str, str]]
    changed: list[tuple[str, str, str]]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass
class Shelf:
    release: Release
    revision: Revision
    site: str
    """Where this site is, without a slash at the end: "https://images.example.org"."""
    channel: str = ""
    """One that points to it, for tools that follow."""

    @classmethod
    def of(cls, release: Release, site: str, channel: str = "") -> Shelf | None:
        """None when nothing of the release can be had."""
        revision = Revision.objects.published().filter(release=release).first()
        return cls(release, revision, site, channel) if revision else None

    @cached_property
    def artifacts(self) -> list[Artifact]:
        found = Artifact.objects.of_succeeded_builds().filter(build__revision=self.revision)
        # Of an image in several regions, first the one that was launched and tested.
        return sorted(found, key=lambda each: (place(each.format), not each.evidence, each.region))

    @cached_property
    def downloads(self) -> list[Download]:
        """What is a file, here or elsewhere."""
        folder = f"{self.site}{folder_of(self.revision, self.release)}"
        return [
            Download(each, f"{folder}/{each.name}" if each.file else each.details["url"])
            for each in self.artifacts
            if each.file or each.details.get("url")
        ]

    @cached_property
    def places(self) -> dict[str, list[Place]]:
        """By format: what is not a file, in each of its regions."""
        found: dict[str, list[Place]] = {}
        for each in self.artifacts:
            if not each.file and each.reference:
                found.setdefault(each.format, []).append(place_of(each))
        return found

    @cached_property
    def parity(self) -> Parity | None:
        for each in self.artifacts:
            each.label = label(each.format)
        return compare(self.artifacts, self.results)

    @cached_property
    def machine(self) -> Size:
        return outline.size(self.revision.template) or USUAL

    @cached_property
    def ways(self) -> list[Way]:
        appliance = self.release.appliance
        return ways(
            Subject(
                slug=appliance.slug,
                box=str(appliance),
                version=self.release.version,
                page_url=f"{self.site}{appliance.get_absolute_url()}",
                cpus=self.machine.cpus,
                memory=self.machine.memory // 2**20,
                ports=self.ports,
                boxes=boxes.current(self.release) if self._has_boxes else {},
                downloads=self.downloads,
                places=self.places,
                channel=self.channel,
                box_versions=self.box_versions,
                library=f"{self.site}{self.library}",
                asks=appliance.visibility != Visibility.PUBLIC,
                private=appliance.visibility == Visibility.TEAM,
            )
        )

    @property
    def _has_boxes(self) -> bool:
        return any(FAMILIES["vagrant"].reads(each.format) for each in self.artifacts)

    @property
    def library(self) -> str:
        """The team's, or the one for whoever may have what is not everybody's."""
        appliance = self.release.appliance
        name = "library" if appliance.visibility == Visibility.PUBLIC else "private-library"
        return reverse(f"catalog:{name}", args=[appliance.team.slug])

    @cached_property
    def systems(self) -> list[System]:
        """How its downloads are verified; empty when there are none."""
        ours = [each for each in self.downloads if each.artifact.file]
        if not ours:
            return []
        folder = f"{self.site}{folder_of(self.revision, self.release)}"
        file = ours[0].artifact.name
        private = self.release.appliance.visibility == Visibility.TEAM
        return systems(Signed(folder=folder, site=self.site, owner=owner(), file=file, private=private))

    @cached_property
    def box_versions(self) -> list[str]:
        """All that Vagrant finds; of pre-releases only whoever asks for one knows."""
        if not self._has_boxes:
            return []
        versions = boxes.of(self.release.appliance)
        return list(versions if is_prerelease(self.release.version) else versions.without_prereleases())

    @cached_property
    def results(self) -> list[CheckResult]:
        return list(CheckResult.objects.filter(build__in={each.build_id for each in self.artifacts}))

    @cached_property
    def checks(self) -> list[tuple[str, list[CheckResult]]]:
        """For each check what it saw, per artifact: [(title, results)]."""
        table: dict[str, list[CheckResult]] = {}
        for result in self.results:
            result.label = label(result.format)
            table.setdefault(result.title, []).append(result)
        return list(table.items())

    @property
    def passed(self) -> int:
        return sum(result.passed for _, results in self.checks for result in results)

    @cached_property
    def boots(self) -> list[Boot]:
        times = [
            (
                label(each.format),
                FORMATS.get(each.format, ("", each.format))[1],
                float(each.evidence["boot_seconds"]),
            )
            for each in self.artifacts
            if each.evidence.get("boot_seconds")
        ]
        slowest = max((seconds for *_, seconds in times), default=1)
        return [Boot(name, short, seconds, round(100 * seconds / slowest, 1)) for name, short, seconds in times]

    @cached_property
    def ports(self) -> tuple[int, ...]:
        """TCP ports that were open on every machine that was launched from it, as far as it was seen."""
        seen = [set(port_numbers(each.evidence["ports"])) for each in self.artifacts if each.evidence.get("ports")]
        return tuple(sorted(set.intersection(*seen))) if seen else ()

    @cached_property
    def consoles(self) -> list[tuple[str, str]]:
        return [
            (label(each.format), each.evidence["console"]) for each in self.artifacts if each.evidence.get("console")
        ]

    @cached_property
    def packages(self) -> dict[str, str]:
        return packages_in(self.artifacts)

    @cached_property
    def changes(self) -> Changes | None:
        """Since the version that was published before this one."""
        former = (
            Revision.objects.published()
            .filter(
                release__appliance=self.release.appliance_id,
                release__published_at__lt=self.release.published_at,
            )
            .select_related("release")
            .order_by("-release__published_at")
            .first()
        )
        if former is None or not self.packages:
            return None
        before = packages_in(Artifact.objects.of_succeeded_builds().filter(build__revision=former))
        return difference(former.release.version, before, self.packages) if before else None


def once_published(revision: Revision) -> bool:
    """One that was ready but never published becomes superseded, too: it stays the team's own."""
    return revision.state in (RevisionState.PUBLISHED, RevisionState.SUPERSEDED) and revision.published_at is not None


def is_offered(revision: Revision) -> bool:
    """By its address, to whoever may read its appliance."""
    return once_published(revision) and revision.release.state != ReleaseState.WITHDRAWN


def is_public(revision: Revision) -> bool:
    """So that everybody may have it, and keep it."""
    return is_offered(revision) and revision.release.appliance.visibility == Visibility.PUBLIC


def folder_of(revision: Revision, release: Release) -> str:
    """The address under which a revision's files are, for good."""
    return f"{release.appliance.get_absolute_url()}/{release.version}/r{revision.number}"


def port_numbers(ports: Iterable[Any]) -> list[int]:
    """The TCP ports among what evidence holds: "80/tcp", "68/udp"."""
    named = (str(port).partition("/") for port in ports)
    return [int(number) for number, _, protocol in named if protocol in ("", "tcp") and number.isdigit()]


def packages_in(artifacts: Iterable[Artifact]) -> dict[str, str]:
    """The first that tells speaks for all: what differs from one image to another is in its parity."""
    return next((each.evidence["packages"] for each in artifacts if each.evidence.get("packages")), {})


def difference(since: str, before: dict[str, str], now: dict[str, str]) -> Changes:
    return Changes(
        since=since,
        added=[(name, now[name]) for name in sorted(now.keys() - before.keys())],
        removed=[(name, before[name]) for name in sorted(before.keys() - now.keys())],
        changed=[
            (name, before[name], now[name]) for name in sorted(now.keys() & before.keys()) if before[name] != now[name]
        ],
    )


def shown_of(appliance: Appliance) -> Release | None:
    """What its page shows: what everybody should take, or else the last that was withdrawn."""
    return pointed(appliance, LATEST) or appliance.releases.visible().order_by("-published_at", "-pk").first()
