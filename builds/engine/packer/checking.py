"""The last look: the new template is read as the author's own will be, and what it does not allow is taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Problem, TemplateError
from ..template.parse import parse
from ..template.registry import Registry
from . import write
from .notes import Notes, Place
from .steps import Step

ROUNDS = 100
UNKNOWN = {"url": "https://example.com/linux.qcow2", "sha256": "0" * 64}


@dataclass
class Draft:
    """The sections of the new template; `steps` become its provisioners."""

    sections: dict[str, Any]
    steps: list[Step]
    origin: str
    place: Place

    def data(self) -> dict[str, Any]:
        provisioners = {"provisioners": [step.entry for step in self.steps]} if self.steps else {}
        platforms = self.sections["platforms"]
        return {
            **{key: value for key, value in self.sections.items() if key != "platforms"},
            **provisioners,
            "platforms": platforms,
        }


def checked(draft: Draft, notes: Notes, registry: Registry) -> str | None:
    """The text, which parses. None, and a note, when it cannot be made to."""
    for _ in range(ROUNDS):
        text = write.template(draft.data(), notes.listed(), draft.origin)
        try:
            parse(text, registry)
        except TemplateError as error:
            if not _mend(draft, error.problems, notes):
                return None
        else:
            return text
    return None


def _mend(draft: Draft, problems: Sequence[Problem], notes: Notes) -> bool:
    """Take out the last of what is wrong: what stands before it keeps its number."""
    for problem in reversed(problems):
        match problem.path.split("."):
            case ["provisioners", number, *_] if number.isdigit() and int(number) < len(draft.steps):
                step = draft.steps.pop(int(number))
                notes.left_out(
                    step.origin.place,
                    step.origin.path,
                    f"The template refuses it: {problem.message}.",
                    what=step.origin.type,
                )
                return True
            case ["base", *_] if draft.sections["base"] != UNKNOWN:
                draft.sections["base"] = UNKNOWN
                why = f"The template refuses it: {problem.message}."
                notes.to_do(draft.place, "base", why, "Put the address of an image and its SHA-256 into `base`.")
                return True
            case ["platforms", platform, "formats", number, *_] if number.isdigit():
                formats = draft.sections["platforms"][platform]["formats"]
                if int(number) < len(formats) and isinstance(formats[int(number)], dict):
                    formats[int(number)] = next(iter(formats[int(number)]))
                    notes.left_out(draft.place, problem.path, f"The template refuses it: {problem.message}.")
                    return True
            case ["platforms", platform, option, *_] if option in draft.sections["platforms"].get(platform, {}):
                del draft.sections["platforms"][platform][option]
                notes.left_out(draft.place, problem.path, f"The template refuses it: {problem.message}.")
                return True
    for problem in problems:
        notes.to_do(draft.place, problem.path, f"What came out is no template: {problem.message}.", "Write it by hand.")
    return False
