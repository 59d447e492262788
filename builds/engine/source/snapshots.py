"""What a repository holds at a few commits, looked at without laying it out: for deciding whether to build.

Only what is small comes over the wire where the server can leave the rest out; and nothing that the repository says,
not even a tree that names itself a thousand times, is read further than a source may be large.
"""

from __future__ import annotations

import posixpath
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from .. import command
from ..errors import SourceError
from .access import Access
from .folder import LINK, TEMPLATE_LIMIT
from .repository import ANYBODY, fetch, new
from .safe_git import Git, TooMuchForUs
from .unpack import FILES

SECONDS = 120  # for each of the few commands that fetch
LOCAL_SECONDS = 30  # for each of the others
MEMORY = 2**30  # bytes
SIZE = 512 * 2**20  # bytes of one pack
LISTING_LIMIT = 8 * 2**20  # characters of a list of files
LINKS = 1000
PREFIX = "snapshot-"
UNREADABLE = "The repository cannot be read"
SMALL = f"--filter=blob:limit={TEMPLATE_LIMIT}"
ELSEWHERE = (
    "Its files would be missing in the machine: put them into the repository itself, or let a provisioner fetch them."
)


@dataclass(frozen=True)
class Commit:
    id: str
    author: str
    subject: str
    """The first line of its message."""


class Snapshot:
    """Some commits of a repository, as long as the `with` block of `snapshot()` runs."""

    def __init__(self, repository: Path, git: Git) -> None:
        self._repository = repository
        self._git = git

    def has(self, commit: str) -> bool:
        try:
            self._ask("cat-file", "-e", f"{commit}^{{commit}}")
        except SourceError:
            return False
        return True

    def commit(self, name: str) -> Commit:
        """Of a commit, or of what a fetched tag points to."""
        said = self._ask("log", "-1", "--no-show-signature", "--format=%H%x00%an%x00%s", f"{name}^{{commit}}")
        id_, author, subject = said.rstrip("\n").split("\0", 2)
        return Commit(id_, author, subject)

    def message(self, tag: str) -> str:
        """What an annotated tag says, without its signature; empty for other tags."""
        said = self._ask("for-each-ref", "--format=%(objecttype)%00%(contents:subject)%00%(contents:body)", tag)
        kind, subject, body = [*said.split("\0", 2), "", ""][:3]
        return f"{subject}\n\n{body}".strip() if kind == "tag" else ""

    def text(self, commit: str, path: str) -> str | None:
        """A file's, None when there is none. SourceError when it is not text or over 1 MiB."""
        entry = self._entries(commit, path)
        if not entry:
            return None
        mode, id_, _ = entry[0]
        if not mode.startswith("100"):
            raise SourceError(f"{path} is not a file.", hint="Write the path of a file, from the repository's top.")
        try:
            text = self._ask("cat-file", "blob", id_, limit=TEMPLATE_LIMIT)
        except (command.TooMuch, SourceError):  # or the server has left it out
            raise SourceError(f"{path} is larger than 1 MiB.", hint="Move long texts into files beside it.") from None
        if "\ufffd" in text or "\0" in text:
            raise SourceError(f"{path} is not UTF-8.", hint="Save it as UTF-8.")
        return text

    def changed(self, old: str, new: str, patterns: Sequence[str] = ()) -> bool:
        """Is anything else in `new` than in `old`, below what the patterns name? A pattern may begin with "!"."""
        wanted = [pathspec(pattern) for pattern in patterns]
        return self._git.differs(
            ["-C", self._repository, "diff-tree", "-r", "--quiet", old, new, "--", *wanted], UNREADABLE
        )

    def listing(self, commit: str) -> frozenset[str]:
        """Every file in it. SourceError for what a build could not lay out, or would lay out without its content."""
        try:
            entries = self._entries(commit)
        except command.TooMuch:
            entries = [("", "", "")] * (FILES + 1)
        if len(entries) > FILES:
            raise SourceError(f"The repository has more than {FILES:,} files.", hint="Leave out what no build needs.")
        if modules := [path for mode, _, path in entries if mode == "160000"]:
            raise SourceError(f"The repository has submodules: {', '.join(modules[:5])}.", hint=ELSEWHERE)
        attributes = [path for _, _, path in entries if posixpath.basename(path) == ".gitattributes"]
        for path in attributes[:LINKS]:
            if re.search(r"^[^#\n]*\sfilter=lfs\b", self.text(commit, path) or "", re.M):
                raise SourceError(f"The repository keeps files in Git LFS, says {path}.", hint=ELSEWHERE)
        self._refuse_links_out([(id_, path) for mode, id_, path in entries if mode == "120000"])
        return frozenset(path for _, _, path in entries)

    def _refuse_links_out(self, links: list[tuple[str, str]]) -> None:
        """As far as can be told without laying it out: a build looks once more."""
        if len(links) > LINKS:
            raise SourceError(f"The repository has more than {LINKS:,} links.", hint=LINK)
        for id_, path in links:
            target = self._ask("cat-file", "blob", id_)
            end = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            if target.startswith("/") or end.split("/")[0] == "..":
                raise SourceError(f"The link {path} -> {target[:200]} leads out of the source.", hint=LINK)

    def _entries(self, commit: str, *paths: str, limit: int = LISTING_LIMIT) -> list[tuple[str, str, str]]:
        """(mode, id, path) of each."""
        wanted = [f":(literal,top){path}" for path in paths]
        said = self._ask("ls-tree", "-r", "-z", "--full-tree", f"{commit}^{{commit}}", *wanted, limit=limit)
        entries = (entry.split("\t", 1) for entry in said.split("\0") if entry)
        return [(about.split()[0], about.split()[2], path) for about, path in entries]

    def _ask(self, *arguments: str, limit: int = LISTING_LIMIT) -> str:
        return self._git.run(["-C", self._repository, *arguments], UNREADABLE, limit=limit)


def pathspec(pattern: str) -> str:
    """A line of a person as git understands it: a folder means all in it, `*` stops at a slash, `**` does not."""
    magic, path = ("exclude,glob", pattern[1:]) if pattern.startswith("!") else ("glob", pattern)
    return f":({magic}){path.lstrip('/')}"


@contextmanager
def snapshot(
    url: str,
    commits: Sequence[str],
    tags: Sequence[str] = (),
    access: Access = ANYBODY,
    *,
    former: str = "",
    folder: Path | None = None,
) -> Iterator[Snapshot]:
    """Fetch these commits and tags ("refs/tags/…"), and `former` if the server still has it.

    It is kept in a folder `snapshot-…` in `folder`, which only a killed process leaves there. Raises SourceError when
    one cannot be had.
    """
    git = Git(seconds=SECONDS, size=SIZE, memory=MEMORY)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder) as own:
        repository = Path(own) / "repository"
        new(repository, git)
        bring = partial(_bring, url, repository, git, access)
        wanted = [*commits, *(f"+{tag}:{tag}" for tag in tags)]
        try:
            bring([*wanted, former] if former else wanted)
        except TooMuchForUs:
            raise
        except SourceError:  # after a force push the former may be gone; and some servers give out no commits by name
            for commit in commits:
                fetch(url, commit, repository, git, access, SMALL)
            if tags:
                bring(wanted[len(commits) :])
        yield Snapshot(repository, replace(git, seconds=LOCAL_SECONDS))


def _bring(url: str, repository: Path, git: Git, access: Access, wanted: Sequence[str]) -> None:
    options = ["--quiet", "--no-recurse-submodules", "--no-tags", "--depth=1", SMALL]
    arguments: list[str | Path] = ["-C", repository, "fetch", *options, "--", url, *wanted]
    git.ask(arguments, url, access, f"The repository {url} cannot be fetched")
