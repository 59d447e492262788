"""Validating a template before anything is saved: all its problems, or what it would do."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from appliances import reading
from appliances.models import SourceKind
from builds import outline
from builds.outline import NOWHERE

from .problems import Flaw, of_template
from .shapes import Input, Output

router = Router(tags=["Templates"])


class Text(Input):
    template: str = Field(description="The text of `appliance.yaml`.", max_length=1_000_000)
    team: str | None = Field(None, description="Say also what this team lacks: secrets, accounts.", examples=["acme"])
    source_kind: SourceKind = Field(SourceKind.GIT, description="`inline`: all files are in the template itself.")


class OutlineShape(Output):
    platform: str = Field(examples=["qemu"])
    steps: list[str] = Field(description="What its build will do, one after another.")


class Verdict(Output):
    valid: bool
    problems: list[Flaw]
    platforms: list[OutlineShape]
    missing_secrets: list[str] = Field(description="Secret variables without a value; known only with `team`.")
    lacking_accounts: list[str] = Field(description="What is missing of accounts; known only with `team`.")


@router.post("validate", response=Verdict)
def validate_template(request: HttpRequest, body: Text) -> Verdict:
    """Nothing is saved, nothing is built. A template with problems is a good answer, too: `valid` is false."""
    team = request.auth.team(body.team) if body.team else None
    around = reading.team_place(team) if team else NOWHERE
    read = outline.read(body.template, around, inline=body.source_kind == SourceKind.INLINE)
    return Verdict(
        valid=not read.problems,
        problems=of_template(read.problems),
        platforms=[OutlineShape(platform=each.platform, steps=list(each.steps)) for each in read.outlines],
        missing_secrets=list(read.missing) if team else [],
        lacking_accounts=list(read.lacking) if team else [],
    )
