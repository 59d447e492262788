"""The program that parses HCL2: JSON of files on its input, JSON of trees or of an error on its output.

It is a process of its own because some short texts cost the parser hours or gigabytes: its own limits end it.
Trees are `[line, rule, child, …]`, tokens `[line, type, text]` with the type in capitals.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from typing import Any

from hcl2.api import parses_to_tree
from lark import Token
from lark.exceptions import LarkError, UnexpectedInput

DEPTH = 150
MEMORY = 1 << 30
SKIPPED = {"new_line_or_comment"}
HEREDOC = re.compile(r"<<(-?)[^\r\n]*\r?\n(.*?)[ \t]*[A-Za-z][\w.-]*\r?\n\Z", re.DOTALL)


class Refused(Exception):  # noqa: N818
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def main() -> None:
    cpu = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.setrecursionlimit(20_000)
    answers: dict[str, dict[str, Any]] = {}
    for name, text in json.load(sys.stdin).items():
        try:
            answers[name] = {"tree": tree(text)}
        except Refused as error:
            answers[name] = {"line": error.line, "error": str(error)}
    json.dump(answers, sys.stdout)


def tree(text: str, first_line: int = 1) -> list[Any]:
    try:
        parsed = parses_to_tree(text)
    except UnexpectedInput as error:
        raise Refused(first_line - 1 + _line(error, text), _said(error)) from None
    except (LarkError, RecursionError, AssertionError, ValueError) as error:
        raise Refused(first_line, f"the parser cannot read it ({type(error).__name__})") from None
    return _listed(parsed, first_line - 1, 0)


def _listed(node: Any, shift: int, depth: int) -> list[Any]:
    if depth > DEPTH:
        raise Refused(shift + 1, f"it is nested more than {DEPTH} levels deep")
    if isinstance(node, Token):
        line = (node.line or 1) + shift
        if node.type.startswith("HEREDOC"):
            return [line, "heredoc", *_heredoc(node, line, depth)]
        return [line, node.type, str(node)]
    children = [each for each in node.children if isinstance(each, Token) or each.data not in SKIPPED]
    line = getattr(node.meta, "line", 1) + shift
    return [line, str(node.data), *(_listed(each, shift, depth + 1) for each in children)]


def _heredoc(token: Token, line: int, depth: int) -> list[Any]:
    """Its text in pieces: the grammar leaves what stands in a heredoc unread."""
    found = HEREDOC.fullmatch(token)
    if not found:
        return []
    body = found[2]
    if found[1]:
        rows = body.splitlines(keepends=True)
        margin = min((len(row) - len(row.lstrip(" \t")) for row in rows if row.strip()), default=0)
        body = "".join(row[margin:] if row.strip() else row.lstrip(" \t") for row in rows)
    pieces: list[Any] = []
    start = at = 0
    while (at := body.find("{", at)) >= 0:
        sign = body[at - 1 : at] if at else ""
        if sign not in ("$", "%") or body[at - 2 : at - 1] == sign:
            at += 1
            continue
        end = _closing(body, at)
        here = line + 1 + body.count("\n", 0, at)
        if end < 0:
            raise Refused(here, "a `${` in a heredoc does not end")
        pieces.append([here, "STRING_CHARS", body[start : at - 1].replace("\r\n", "\n")])
        if sign == "%":
            pieces.append([here, "directive"])
        else:
            # Indented code in parentheses may go over several lines.
            inner = tree(f"x = ({body[at + 1 : end]})", here)
            if depth + 20 > DEPTH:
                raise Refused(here, f"it is nested more than {DEPTH} levels deep")
            pieces.append([here, "interpolation", inner[2][2][-1]])
        start = at = end + 1
    pieces.append([line, "STRING_CHARS", body[start:].replace("\r\n", "\n")])
    return [[piece[0], "RAW", piece[2]] if piece[1] == "STRING_CHARS" else piece for piece in pieces]


def _closing(text: str, at: int) -> int:
    """Where the brace ends that begins here, or -1. Braces in quotes do not count."""
    depth, quoted = 0, False
    for n in range(at, len(text)):
        char = text[n]
        if char == '"' and text[n - 1] != "\\":
            quoted = not quoted
        elif not quoted and char in "{}":
            depth += 1 if char == "{" else -1
            if depth == 0:
                return n
    return -1


def _line(error: UnexpectedInput, text: str) -> int:
    line = getattr(error, "line", None)
    return line if isinstance(line, int) and line > 0 else text.count("\n") + 1


def _said(error: UnexpectedInput) -> str:
    token = getattr(error, "token", None)
    if token is not None and token.type == "$END":
        return "it ends too early: a `{`, a `[` or a quote is not closed"
    found = str(token if token is not None else getattr(error, "char", "")).strip().split("\n")[0][:40]
    return f"nobody expected `{found}` here" if found else "the line ends too early"


if __name__ == "__main__":
    main()
