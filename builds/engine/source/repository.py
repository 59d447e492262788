"""A source that is one commit of a git repository.

git only fetches, into a bare repository that no hook, filter or configuration of ours or theirs touches. The
files come out as a tar archive, so that they pass the same rules and limits as an upload.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from .. import command
from ..context import Context
from ..errors import BuildError, SourceError
from .archives import archive
from .unpack import TOTAL

SCHEMES = ("https", "http", "ssh")
URL = re.compile(r"(https?|ssh|file)://[^\s]+|[\w.-]+@[\w.-]+:[^\s]+")
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
REF = re.compile(r"(?!-)[\w./+@-]{1,200}")
ACCESS = (
    "See that the address is right and that the worker may read it: for ssh its user needs a deploy key and "
    "the server's line in ~/.ssh/known_hosts, for https a line in ~/.netrc."
)


def resolve_commit(url: str, ref: str, *, local: bool = False) -> str:
    """The full commit id that a branch or tag (a tag wins) points to now; a full commit id stays as it is."""
    _allow(url, local)
    if COMMIT.fullmatch(ref):
        return ref
    if not REF.fullmatch(ref):
        raise SourceError(f"{ref!r} is not the name of a branch or tag.", hint="Write it as `git branch` shows it.")
    wanted = [f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}", ref]
    answer = _git(["ls-remote", "--", url, *wanted], None, local, f"The repository {url} cannot be read")
    found = {name: commit for commit, name in (line.split("\t", 1) for line in answer.splitlines())}
    for name in wanted:
        if name in found:
            return found[name]
    raise SourceError(f"The repository {url} has no branch or tag {ref!r}.", hint="Push it, or write another one.")


def git(url: str, commit: str, target: Path, context: Context | None, *, local: bool = False) -> None:
    """Lay out that commit in the new folder `target`, without submodules, LFS files and .git."""
    _allow(url, local)
    if not COMMIT.fullmatch(commit):
        raise SourceError(f"{commit!r} is not a full commit id.", hint="Resolve the branch or tag first.")
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="git-", dir=target.parent))
    try:
        repository, tar = scratch / "repository", scratch / "files.tar"
        _git(["init", "--quiet", "--bare", "--template=", repository], context, local, "git does not start")
        # What the author marked as not for archives may still be what a provisioner needs.
        (repository / "info").mkdir(exist_ok=True)
        (repository / "info" / "attributes").write_text("* -export-ignore -export-subst\n")
        _fetch(url, commit, repository, context, local)
        _git(
            ["-C", repository, "archive", "--format=tar", f"--output={tar}", commit],
            context,
            local,
            f"The commit {commit} cannot be read",
        )
        archive(tar, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _fetch(url: str, commit: str, repository: Path, context: Context | None, local: bool) -> None:
    fetch: list[str | Path] = ["-C", repository, "fetch", "--quiet", "--no-recurse-submodules"]
    try:
        _git([*fetch, "--no-tags", "--depth=1", "--", url, commit], context, local, "")
    except SourceError:
        # Older servers give out only what a branch or tag points to, and plain web servers no shallow copies.
        everything = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
        _git([*fetch, "--", url, *everything], context, local, f"The repository {url} cannot be fetched")
        _git(
            ["-C", repository, "cat-file", "-e", f"{commit}^{{commit}}"],
            context,
            local,
            f"The repository {url} has no commit {commit}",
        )


def _git(arguments: list[str | Path], context: Context | None, local: bool, what: str) -> str:
    allowed = (*SCHEMES, "file") if local else SCHEMES
    try:
        return command.run(
            # No single file, so no pack and no archive either, may outgrow what a source may hold.
            ["prlimit", f"--fsize={TOTAL + TOTAL // 8}", "git", *CONFIGURATION, *arguments],
            context,
            env={**ENVIRONMENT, "GIT_ALLOW_PROTOCOL": ":".join(allowed)},
            timeout=1800 if context else 60,
            error=BuildError,
        )
    except BuildError as error:
        said = re.sub(r"^(fatal|error): ", "", error.message.rsplit(":\n", 1)[-1].strip(), flags=re.M)
        raise SourceError(f"{what}: {said}", hint=ACCESS) from error


def _allow(url: str, local: bool) -> None:
    if not URL.fullmatch(url) or (url.startswith("file:") and not local):
        raise SourceError(
            f"{url!r} is not an address that Slipway fetches from.",
            hint="Use https://…, http://…, ssh://… or git@host:path.",
        )
    if re.match(r"https?://[^/@]*:[^/@]*@", url):
        raise SourceError(
            "The repository's address holds a password, which everybody who sees the release could read.",
            hint="Leave it out, and put it into ~/.netrc of the worker's user.",
        )


CONFIGURATION = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "http.followRedirects=initial",
)
ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=20",
    "LC_ALL": "C.UTF-8",
}
