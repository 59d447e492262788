"""What has arrived in a repository since the last look, taken in: the branch's head and new tags become revisions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from django.core.exceptions import ValidationError

from builds.engine import source
from builds.engine.errors import SourceError, TemplateError
from builds.engine.source import Access, Address, Snapshot
from builds.runner import work_folder
from builds.text import storable

from . import releases
from .changelog import FILES, section
from .commits import Commit
from .models import Release, Repository, SourceKind, version_validator
from .states import Cause, ReleaseState

TAGS = "refs/tags/"
TAGS_AT_ONCE = 10
NOTES_LIMIT = 50_000  # characters


class Arrivals:
    """One look's work. `head` and `tags` are what the next look compares with."""

    def __init__(self, repository: Repository, access: Access) -> None:
        self._repository = repository
        self._access = access
        self._where = Address.of(repository.url)
        self.head = ""
        self.tags: dict[str, str] = {}

    def take_in(self) -> list[str]:
        """What came of it, a sentence for each. Raises SourceError when the repository cannot be read."""
        repository = self._repository
        branch = f"refs/heads/{repository.branch}"
        found = source.refs(repository.url, [branch, f"{TAGS}*"], self._access)
        if branch not in found:
            raise SourceError(
                f"The repository {repository.url} has no branch {repository.branch!r}.",
                hint="Push it, or follow another branch.",
            )
        self.head = found[branch]
        self.tags = {name: id_ for name, id_ in found.items() if name.startswith(TAGS) and not name.endswith("^{}")}
        tags, said = self._new_tags()
        heads = [self.head] if self.head != repository.seen_commit else []
        if heads or tags:
            where = {"former": self._former if heads else "", "folder": work_folder("")}
            where["folder"].mkdir(parents=True, exist_ok=True)
            with source.snapshot(repository.url, heads, tags, self._access, **where) as snapshot:
                said += [self._take_head(snapshot)] if heads else []
                said += [self._take_tag(snapshot, tag) for tag in tags]
        return said or ["Nothing is new."]

    def _new_tags(self) -> tuple[list[str], list[str]]:
        """Those that make releases; and what is to be said of others."""
        seen, pattern = self._repository.seen_tags, self._repository.tag_pattern
        if seen is None or not pattern:  # what was there before makes no releases
            return [], []
        matching = [name for name in self.tags if fnmatchcase(name.removeprefix(TAGS), pattern)]
        new = [name for name in matching if seen.get(name) != self.tags[name]]
        if len(new) > TAGS_AT_ONCE:
            return [], [f"{len(new)} tags came at once: none of them made a release. Push one again if it should."]
        return new, []

    def _take_head(self, snapshot: Snapshot) -> str:
        repository, old, new = self._repository, self._former, self.head
        if old and snapshot.has(old) and not self._concerns_us(snapshot, old, new):
            return f"{new[:10]} changes nothing that is watched."
        because = f"push of {new[:7]} to {repository.branch}"
        return self._revise(snapshot, repository.edge_version, new, because)

    @property
    def _former(self) -> str:
        """What the branch's head is compared with; empty when every change counts."""
        return self._repository.seen_commit if self._repository.patterns else ""

    def _concerns_us(self, snapshot: Snapshot, old: str, new: str) -> bool:
        template = re.sub(r"([*?\[\\])", r"\\\1", self._repository.template_path)
        return snapshot.changed(old, new, [template]) or snapshot.changed(old, new, self._repository.patterns)

    def _take_tag(self, snapshot: Snapshot, tag: str) -> str:
        name = tag.removeprefix(TAGS)
        version = re.sub(r"^v(?=\d)", "", name)
        try:
            version_validator(version)
            Release._meta.get_field("version").run_validators(version)
        except ValidationError as error:
            return f"The tag {name} names no version. {' '.join(error.messages)}"
        commit = snapshot.commit(tag).id
        notes = (snapshot.message(tag) or next(self._changelogs(snapshot, commit, version), ""))[:NOTES_LIMIT]
        return self._revise(snapshot, version, commit, f"tag {name} at {commit[:7]}", notes=notes)

    def _changelogs(self, snapshot: Snapshot, commit: str, version: str) -> Iterator[str]:
        for file in FILES:
            try:
                text = snapshot.text(commit, file)
            except SourceError:  # too large, or no text: then it tells nothing
                continue
            if text and (found := section(text, version)):
                yield found

    def _revise(self, snapshot: Snapshot, version: str, id_: str, because: str, *, notes: str = "") -> str:
        """The release of that version, made of that commit."""
        error: TemplateError | SourceError | None = None
        template, listing = "", None
        try:
            template = self._template(snapshot, id_)
            listing = snapshot.listing(id_)
        except SourceError as problem:
            error = problem
        release, _ = self._repository.appliance.releases.get_or_create(version=version, defaults={"template": template})
        if release.state == ReleaseState.WITHDRAWN:
            return f"{release} is withdrawn, so the {because} made nothing. Restore it, then push again."
        release.template, release.notes = template, storable(notes) or release.notes
        release.source_kind, release.git_url, release.git_ref = SourceKind.GIT, self._repository.url, id_
        release.save()
        why = {"cause": Cause.PUSH, "because": because, "commit": self._commit(snapshot, release, id_)}
        if error is None:
            try:
                revision, made = releases.revise(release, by=None, listing=listing, **why)
            except (TemplateError, SourceError) as problem:
                error = problem
        if error is not None:
            revision, made = releases.refuse(release, storable(str(error)), **why)
            return f"{revision} cannot be built ({because}): {error}"
        return f"{revision} {'is being built' if made else 'was made of the same'}: {because}."

    def _template(self, snapshot: Snapshot, commit: str) -> str:
        path = self._repository.template_path
        text = snapshot.text(commit, path)
        if text is None:
            raise SourceError(f"There is no {path} at {commit[:10]}.", hint="Push one, or write where it is.")
        return text

    def _commit(self, snapshot: Snapshot, release: Release, id_: str) -> Commit:
        """What its revision tells of it."""
        newest = release.revisions.first()
        old = newest.git_commit if newest and newest.git_url == release.git_url else ""
        about, forge = snapshot.commit(id_), self._repository.kind
        diff = forge.diff_url(self._where, old, id_) if old and old != id_ else ""
        return Commit(id_, about.author, about.subject, forge.commit_url(self._where, id_), diff)
