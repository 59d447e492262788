"""slipway release create, list, show; rebuild"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .builds import PATIENT
from .command import command, group
from .errors import USAGE, Failure, Refused
from .names import Name, appliance, release, value
from .output import Output
from .server import Server
from .validate import text_of
from .watch import watch


def add(commands: Any, common: Any) -> None:
    found = group(commands, "release", "Versions of an appliance.")
    makes = command(found, common, "create", create, "Write a new release, and build it.", patience=PATIENT)
    makes.add_argument("appliance", type=appliance, help="team/app")
    makes.add_argument("version", help="such as 1.4.0")
    makes.add_argument("--template", metavar="FILE", help="appliance.yaml; by default that of the release before")
    makes.add_argument("--notes", metavar="FILE", help="Markdown: what is new; - reads standard input")
    makes.add_argument(
        "--value",
        type=value,
        action="append",
        dest="values",
        metavar="NAME=VALUE",
        help="of a variable of the template; repeatable, and all that the release then has",
    )
    source = makes.add_argument_group("where the files are that the template names").add_mutually_exclusive_group()
    source.add_argument("--inline", action="store_true", help="in the template itself")
    source.add_argument("--git-url", metavar="URL", help="in a git repository, at --git-ref")
    source.add_argument("--archive", type=Path, metavar="FILE", help="in this .tar, .tar.gz or .zip")
    makes.add_argument("--git-ref", metavar="REF", help="commit, tag or branch")
    makes.add_argument("--update", action="store_true", help="when the version is there already, change it")
    makes.add_argument("--build", action="store_true", help="build it")
    makes.add_argument("--watch", action="store_true", help="build it, and watch until the end")

    lists = command(found, common, "list", show_all, "All releases of an appliance.")
    lists.add_argument("appliance", type=appliance, help="team/app")
    shows = command(found, common, "show", show, "One release.")
    shows.add_argument("release", type=release, help="team/app@version")

    again = command(
        commands, common, "rebuild", rebuild, "Make the images again from the same inputs.", patience=PATIENT
    )
    again.add_argument("release", type=release, help="team/app@version")
    again.add_argument("--platform", help="only this one's images")
    again.add_argument("--no-layers", action="store_true", help="run every step again, with today's packages")
    again.add_argument("--watch", action="store_true", help="watch until the end")


def create(asked: Any, server: Server, output: Output) -> int | None:
    name = Name(asked.appliance.team, asked.appliance.slug, asked.version)
    made = write(asked, server, name)
    if asked.archive:
        made = server.upload(asked.archive, *name.release, "archive")
    if not (asked.build or asked.watch):
        output.answer(made, f"{name} is written; nothing is built yet.", made["url"])
        return None
    built = server.post(*name.release, "build")
    number = built["revision"]["number"]
    if not built["created"]:
        output.say(f"Nothing has changed since r{number}, so nothing is built.")
    return follow(asked, server, output, name, built["revision"], made["url"])


def write(asked: Any, server: Server, name: Name) -> dict[str, Any]:
    texts = {"template": asked.template, "notes": asked.notes}
    body: dict[str, Any] = {field: text_of(file) for field, file in texts.items() if file}
    if asked.values:
        body["values"] = dict(asked.values)
    if asked.inline:
        body["source_kind"] = "inline"
    if asked.git_url or asked.git_ref:
        fields = {"git_url": asked.git_url, "git_ref": asked.git_ref}
        body |= {"source_kind": "git", **{field: value for field, value in fields.items() if value}}
    if asked.archive and not asked.archive.is_file():
        raise Failure(f"{asked.archive} is no file.", status=USAGE)
    try:
        return server.post(*name.appliance, "releases", body={"version": name.version, **body})
    except Refused as refused:
        if not (asked.update and refused.kind == "refused"):
            raise
    return server.patch(*name.release, body=body)


def follow(
    asked: Any, server: Server, output: Output, name: Name, revision: dict[str, Any], url: str = ""
) -> int | None:
    builds = [each["number"] for each in revision["builds"]]
    if asked.watch:
        return watch(server, output, builds)
    numbers = ", ".join(map(str, builds))
    output.answer(revision, f"{name} r{revision['number']} is being built: {numbers}", *([url] if url else []))
    return None


def show_all(asked: Any, server: Server, output: Output) -> None:
    rows = list(server.every(*asked.appliance.appliance, "releases"))
    output.rows(rows, "version", "state", "created_at", "published_at")


def show(asked: Any, server: Server, output: Output) -> None:
    found = server.get(*asked.release.release)
    revisions = list(server.every(*asked.release.release, "revisions"))
    lines = [f"{asked.release} is {found['state']}.", found["url"]]
    for each in revisions:
        builds = ", ".join(f"{build['platform']} {build['state']} ({build['number']})" for build in each["builds"])
        lines.append(f"  r{each['number']} {each['state']}: {builds}")
    output.answer({**found, "revisions": revisions}, *lines)


def rebuild(asked: Any, server: Server, output: Output) -> int | None:
    body: dict[str, Any] = {"platform": asked.platform} if asked.platform else {}
    if asked.no_layers:
        body["layers"] = False
    revision = server.post(*asked.release.release, "rebuild", body=body)
    return follow(asked, server, output, asked.release, revision)
