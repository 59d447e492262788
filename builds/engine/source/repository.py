"""A source that is one commit of a git repository.

git only fetches, into a bare repository that nobody's hooks, filters or configuration touch. The files come out as a
tar archive, so that they pass the same rules and limits as an upload.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from ..context import Context
from ..errors import SourceError
from .access import Access
from .address import Address
from .archives import archive
from .safe_git import Git, TooMuchForUs

COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
REF = re.compile(r"(?!-)[\w./+@-]{1,200}")
LOOK_SECONDS = 60  # to ask a server what it has
ANYBODY = Access()


def resolve_commit(url: str, ref: str, access: Access = ANYBODY, *, local: bool = False) -> str:
    """The full commit id that a branch or tag (a tag wins) points to now; a full commit id stays as it is."""
    _allow(url, local)
    if COMMIT.fullmatch(ref):
        return ref
    check_ref(ref)
    wanted = [f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}", ref]
    found = refs(url, wanted, access, local=local)
    for name in wanted:
        if name in found:
            return found[name]
    raise SourceError(f"The repository {url} has no branch or tag {ref!r}.", hint="Push it, or write another one.")


def refs(url: str, wanted: list[str], access: Access = ANYBODY, *, local: bool = False) -> dict[str, str]:
    """What the repository's names stand for now, of those that match the patterns: {"refs/heads/main": commit}."""
    git = Git(local=local, seconds=LOOK_SECONDS)
    answer = git.ask(["ls-remote", "--", url, *wanted], url, access, f"The repository {url} cannot be read")
    return {name: commit for commit, name in (line.split("\t", 1) for line in answer.splitlines())}


def git(
    url: str, commit: str, target: Path, context: Context | None, access: Access = ANYBODY, *, local: bool = False
) -> None:
    """Lay out that commit in the new folder `target`, without submodules, LFS files and .git."""
    _allow(url, local)
    if not COMMIT.fullmatch(commit):
        raise SourceError(f"{commit!r} is not a full commit id.", hint="Resolve the branch or tag first.")
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="git-", dir=target.parent))
    program = Git(context, local=local)
    try:
        repository, tar = scratch / "repository", scratch / "files.tar"
        new(repository, program)
        # What the author marked as not for archives may still be what a provisioner needs.
        (repository / "info" / "attributes").write_text("* -export-ignore -export-subst\n")
        fetch(url, commit, repository, program, access)
        program.run(
            ["-C", repository, "archive", "--format=tar", f"--output={tar}", commit],
            f"The commit {commit} cannot be read",
        )
        archive(tar, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def new(repository: Path, git: Git) -> None:
    """An empty bare repository."""
    git.run(["init", "--quiet", "--bare", "--template=", repository], "git does not start")
    (repository / "info").mkdir(exist_ok=True)


def fetch(url: str, commit: str, repository: Path, git: Git, access: Access, *options: str) -> None:
    """Bring that commit into the repository."""
    what = f"The repository {url} cannot be fetched"
    command: list[str | Path] = ["-C", repository, "fetch", "--quiet", "--no-recurse-submodules", *options]
    try:
        git.ask([*command, "--no-tags", "--depth=1", "--", url, commit], url, access, what)
    except TooMuchForUs:
        raise
    except SourceError:
        # Older servers give out only what a branch or tag points to, and plain web servers no shallow copies.
        everything = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
        git.ask([*command, "--", url, *everything], url, access, what)
        git.run(
            ["-C", repository, "cat-file", "-e", f"{commit}^{{commit}}"], f"The repository {url} has no commit {commit}"
        )


def check_ref(ref: str) -> None:
    """Raises SourceError for what can be no branch or tag, above all what git would take for an option."""
    if not REF.fullmatch(ref):
        raise SourceError(f"{ref!r} is not the name of a branch or tag.", hint="Write it as `git branch` shows it.")


def _allow(url: str, local: bool) -> None:
    if not (local and url.startswith("file:///")):
        Address.of(url)
