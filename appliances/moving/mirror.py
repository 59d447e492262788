"""What a mirror holds: the files that the catalog's documents name, those documents, and a page for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from django.db.models import Q, QuerySet

from appliances import editions
from appliances.catalog import indexes
from appliances.catalog.offers import Shop
from appliances.catalog.shelf import folder_of
from appliances.models import Appliance, Team
from appliances.states import ReleaseState, RevisionState, Visibility
from builds.models import Artifact

from . import front
from .progress import Screen
from .tree import Image, Tree

ONCE_PUBLISHED = (RevisionState.PUBLISHED, RevisionState.SUPERSEDED)


@dataclass(frozen=True)
class Choice:
    """Which appliances. What is the teams' own comes along for those in `private` alone."""

    teams: tuple[Team, ...] = ()
    appliances: tuple[Appliance, ...] = ()
    """Both empty: all."""
    unlisted: bool = True
    private: tuple[Team, ...] = ()

    def listed(self) -> QuerySet[Appliance]:
        """What the indexes and the page tell of."""
        return self._rows(Q(visibility=Visibility.PUBLIC) | Q(visibility=Visibility.TEAM, team__in=self.private))

    def by_address(self) -> QuerySet[Appliance]:
        """What is only there for whoever knows its address."""
        return self._rows(Q(visibility=Visibility.UNLISTED) if self.unlisted else Q(pk__in=()))

    def all(self) -> QuerySet[Appliance]:
        return Appliance.objects.filter(Q(pk__in=self.listed().values("pk")) | Q(pk__in=self.by_address().values("pk")))

    def _rows(self, condition: Q) -> QuerySet[Appliance]:
        rows = Appliance.objects.published().filter(condition)
        if self.teams or self.appliances:
            rows = rows.filter(Q(team__in=self.teams) | Q(pk__in=[each.pk for each in self.appliances]))
        return rows


@dataclass
class Contents:
    files: dict[str, Image] = field(default_factory=dict)
    """By path from the mirror's top."""
    documents: dict[str, bytes] = field(default_factory=dict)
    """In the order in which they are written: what names others comes after them."""
    elsewhere: list[Artifact] = field(default_factory=list)
    """What the documents name and no mirror can hold: images in clouds, boxes that others keep."""

    @property
    def paths(self) -> set[str]:
        return self.files.keys() | self.documents.keys()


@dataclass
class Done:
    """How many files."""

    placed: int = 0
    written: int = 0
    removed: int = 0


def contents(choice: Choice, site: str) -> Contents:
    """All of one moment: when the catalog changes meanwhile, it is read again."""
    while True:
        edition = editions.current()
        found = _read(choice, site)
        if editions.current() == edition:
            return found


def export(found: Contents, tree: Tree, screen: Screen) -> Done:
    """Files first, then the documents that name them, then away with what no document names any more."""
    done = Done()
    tree.expect(found.paths)
    for path, image in found.files.items():
        done.placed += tree.place(path, image, screen)
    for path, body in found.documents.items():
        done.written += tree.write(path, body)
    done.removed = tree.keep_only(found.paths)
    return done


def _read(choice: Choice, site: str) -> Contents:
    found = Contents()
    shop = Shop(site, choice.listed())
    hidden = choice.by_address()
    for artifact in once_published(choice.all()):
        revision = artifact.build.revision
        if artifact.file:
            found.files[f"{folder_of(revision, revision.release)}/{artifact.name}".lstrip("/")] = Image.whole(artifact)
        else:
            found.elsewhere.append(artifact)
    for piece in indexes.pieces(Shop(site, choice.all())):
        found.files[piece.path] = Image(piece.artifact, piece.start, piece.size)
    for each in hidden.select_related("team"):
        found.documents |= dict(_own(each, site))
    for document in indexes.documents(shop):
        found.documents[document.path] = document.body
    found.documents |= dict(front.pages(shop, found.documents.keys()))
    return found


def _own(appliance: Appliance, site: str) -> Iterator[tuple[str, bytes]]:
    """Of all documents of a shop that has nothing else those that are about this appliance alone."""
    shop = Shop(site, Appliance.objects.filter(pk=appliance.pk))
    for document in indexes.documents(shop):
        if f"/{appliance}/" in f"/{PurePosixPath(document.path)}/":
            yield document.path, document.body


def once_published(appliances: QuerySet[Appliance]) -> QuerySet[Artifact]:
    """Also what a later revision has superseded: Vagrant's documents name it under the version that it had."""
    place = "build__revision"
    return (
        Artifact.objects.of_succeeded_builds()
        .filter(
            intermediate=False,
            **{
                f"{place}__state__in": ONCE_PUBLISHED,
                f"{place}__published_at__isnull": False,
                f"{place}__release__state": ReleaseState.PUBLISHED,
                f"{place}__release__appliance__in": appliances,
            },
        )
        .select_related("build__revision__release__appliance__team")
        .defer("evidence", "build__revision__template", "build__revision__release__template")
    )
