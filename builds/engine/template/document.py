"""appliance.yaml as plain data in which every value knows its line.

Scalars follow YAML 1.2: `yes`, `on` and dates are text, 0644 is a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from ..errors import Problem, TemplateError
from .nodes import Builder, Node

LENGTH = 2**20  # bytes

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    data: dict[str, Any]
    root: Node

    def place(self, path: Path) -> tuple[int, str]:
        """The line where the value at the path begins, or what would hold it, and the template it is a line of."""
        line, node = self.root.line, self.root
        for part in path:
            if part not in node.children:
                break
            line, node = node.children[part]
        return line, node.origin


def read(text: str, origin: str = "") -> Document:
    """Raises TemplateError when the text is no YAML that can be used. `origin`: its label, see Node."""
    builder = Builder(origin)
    try:
        size = len(text.encode())
        if size > LENGTH:
            builder.refuse(
                None,
                f"The template has {size:,} bytes; at most {LENGTH:,} are read. Move long texts into files.",
            )
            raise TemplateError(builder.problems)
        for event in _events(text):
            builder.take(event)
    except UnicodeEncodeError:
        raise TemplateError([Problem("", "The template is not valid Unicode.")]) from None
    except yaml.YAMLError as error:
        raise TemplateError([*builder.problems, _syntax(error, text)]) from None
    if builder.root is None or builder.root.kind is not dict:
        builder.refuse(None, "Expected a mapping of keys such as `base:` and `platforms:`.")
    if builder.problems or builder.root is None:
        raise TemplateError(builder.problems)
    return Document(builder.root.data(), builder.root)


def _events(text: str) -> Iterator[yaml.Event]:
    # libyaml's parser where there is one: the one in Python needs seconds for a large template.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _syntax(error: yaml.YAMLError, text: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    if "\t" in (text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""):
        said += " (indent with spaces: this line has a tab)"
    elif "mapping values are not allowed" in said:
        said += " (put text that contains `: ` in quotes)"
    return Problem("", f"This is not valid YAML: {said}.", mark.line + 1 if mark else None)
