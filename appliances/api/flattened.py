"""What a release's template comes to: with what it extends and with its values, before anything is built."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from appliances.models import SourceKind
from appliances.reading import place
from builds import outline
from builds.engine.template import Line, Setting

from .problems import Flaw, of_template
from .releases import ONE
from .shapes import Output

router = Router(tags=["Templates"])


class SettingShape(Output):
    """A variable with the value that a build would give it now."""

    name: str
    text: str = Field(description="Empty for a secret.")
    origin: str = Field(description="Where it is from: release, team, environment or default.")
    secret: bool
    description: str

    @classmethod
    def of(cls, found: Setting) -> SettingShape:
        about = found.about
        names = {"secret": about.secret, "description": about.description}
        return cls(name=found.name, text=found.text, origin=found.origin, **names)


class LineShape(Output):
    text: str = Field(description="With values in the places of their variables.")
    origin: str = Field(description="The template that it is inherited from; empty: the release's own.")

    @classmethod
    def of(cls, line: Line) -> LineShape:
        return cls(text="".join(piece.text for piece in line.pieces), origin=line.origin)


class Flattened(Output):
    extends: list[str] = Field(description="What lies under it, nearest first.")
    variables: list[SettingShape]
    lines: list[LineShape]
    problems: list[Flaw]


@router.get(f"{ONE}/flattened", response=Flattened)
def show_flattened(request: HttpRequest, team: str, appliance: str, version: str) -> Flattened:
    """A template with problems has an answer, too: as much of it as can be read."""
    release = request.auth.release(team, appliance, version)
    around = place(release.appliance, release.values)
    read = outline.read(release.template, around, inline=release.source_kind == SourceKind.INLINE)
    return Flattened(
        extends=list(read.template.lineage) if read.template else [],
        variables=[SettingShape.of(each) for each in read.settings],
        lines=[LineShape.of(each) for each in read.lines],
        problems=of_template(read.problems),
    )
