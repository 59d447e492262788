"""Import of Packer templates."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from builds.engine.packer import Kind, Note, Unreadable, convert

from .problems import Flaw, Refusal
from .shapes import Input, Output

router = Router(tags=["Templates"])
LENGTH = 2**20


class PackerFiles(Input):
    files: dict[str, str] = Field(
        min_length=1,
        description="By name: one .json, or all .pkr.hcl and .auto.pkrvars.hcl of a folder.",
        examples=[{"web.json": '{"builders": [{"type": "qemu"}]}'}],
    )
    only: list[str] = Field(default_factory=list, description="Only these builders, named as for Packer's `-only`.")


class NoteShape(Output):
    """Something that was not taken over as it stood."""

    kind: Kind
    file: str
    line: int
    path: str
    what: str
    why: str
    todo: str = Field(description="What to do about it.")

    @classmethod
    def of(cls, note: Note) -> NoteShape:
        return cls(**{name: getattr(note, name) for name in cls.model_fields})


class Imported(Output):
    template: str | None = Field(description="The text of `appliance.yaml`; null: nothing of use came out.")
    notes: list[NoteShape]


@router.post("import-packer", response=Imported)
def import_packer(request: HttpRequest, body: PackerFiles) -> Imported:
    """What a Packer template in JSON or HCL2 becomes, and an account of what it does not. Nothing is saved."""
    if sum(map(len, body.files.values())) > LENGTH:
        raise Refusal("too-large", f"The files are too long: at most {LENGTH:,} characters are read.")
    try:
        made = convert(body.files, body.only)
    except Unreadable as error:
        flaw = Flaw(
            path=f"files.{error.file}" if error.file else "files", message=error.message, line=error.line or None
        )
        raise Refusal("invalid", error.message, hint=error.hint, problems=[flaw]) from None
    return Imported(template=made.template, notes=[NoteShape.of(note) for note in made.notes])
