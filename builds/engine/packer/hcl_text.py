"""HCL2 as nodes: parsed by python-hcl2 in a process of its own, then put into the importer's words."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..command import run
from ..errors import TimedOut, WorkerError
from .errors import Unreadable
from .model import Node
from .notes import Place

SECONDS = 20
CLOSING = {"LPAR", "RPAR", "LSQB", "RSQB", "LBRACE", "RBRACE", "COMMA", "DBLQUOTE", "EQ", "COLON", "QMARK"}
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)

Tree = list[Any]


def read(texts: Mapping[str, str]) -> dict[str, Node]:
    """Each file as a node `body`. Raises Unreadable for the first file that is no HCL2."""
    for file, text in texts.items():
        if "\0" in text:
            raise Unreadable(
                "The text holds a NUL character.", file=file, line=text[: text.index("\0")].count("\n") + 1
            )
    # By its path, and without this package on the way: that starts several times sooner.
    program = [sys.executable, "-P", str(Path(__file__).with_name("hcl_tree.py")), str(SECONDS)]
    asked = json.dumps({file: text.removeprefix("\ufeff") for file, text in texts.items()}).encode()
    try:
        answers = json.loads(run(program, input=asked, timeout=SECONDS * 3))
    except (TimedOut, WorkerError):
        raise Unreadable(
            f"The HCL2 was not read within {SECONDS} s of computing and 1 GiB of memory.",
            hint="Is a heredoc or a comment left open, or is the file no template? Import its parts one by one.",
            file=next(iter(texts)),
        ) from None
    nodes = {}
    for file, answer in answers.items():
        if "error" in answer:
            raise Unreadable(
                f"This is not valid HCL2: {answer['error']}.",
                hint="`packer fmt` or `packer validate` says more." if texts[file].strip() else "The file is empty.",
                file=file,
                line=answer["line"],
            )
        nodes[file] = _Words(file).body(answer["tree"][2])
    return nodes


class _Words:
    """Turns the grammar's rules into nodes."""

    def __init__(self, file: str) -> None:
        self._file = file

    def _node(self, tree: Tree, kind: str, *args: Any) -> Node:
        return Node(Place(self._file, tree[0]), kind, args)

    def body(self, tree: Tree) -> Node:
        """Entries (key, labels, node) in order; a block's node is a body."""
        entries: list[tuple[str, tuple[str, ...] | None, Node]] = []
        for each in _children(tree):
            if each[1] == "attribute":
                entries.append((_token(each[2]), None, self.expression(each[-1])))
            elif each[1] == "block":
                labels = [_label(part) for part in _children(each)[1:] if part[1] != "body"]
                inner = next((part for part in each[2:] if part[1] == "body"), [each[0], "body"])
                inner_node = Node(Place(self._file, each[0]), "body", self.body(inner).args)
                entries.append((_token(each[2]), tuple(labels), inner_node))
        return self._node(tree, "body", *entries)

    def expression(self, tree: Tree) -> Node:
        rule = tree[1]
        parts = _children(tree)
        if rule in ("expr_term", "object_elem_key") and len(parts) == 1:
            return self.expression(parts[0])
        method = getattr(self, f"_{rule}", None)
        return method(tree, parts) if method else self._node(tree, "other", rule.replace("_", " "))

    def _identifier(self, tree: Tree, parts: list[Tree]) -> Node:
        return self._node(tree, "name", _token(tree))

    _keyword = _identifier

    def _literal_value(self, tree: Tree, parts: list[Tree]) -> Node:
        return self._node(tree, "literal", {"true": True, "false": False}.get(_token(tree)))

    def _int_lit(self, tree: Tree, parts: list[Tree]) -> Node:
        text = _token(tree)
        return self._node(tree, "literal", int(text)) if len(text) < 19 else self._node(tree, "other", "huge number")

    def _float_lit(self, tree: Tree, parts: list[Tree]) -> Node:
        return self._node(tree, "literal", float(_token(tree)[:40]))

    def _string(self, tree: Tree, parts: list[Tree]) -> Node:
        return self._node(tree, "text", *(self._piece(part[2]) for part in parts))

    def _piece(self, piece: Tree) -> Node:
        if piece[1] == "STRING_CHARS":
            return self._node(piece, "template", unescaped(piece[2]))
        if piece[1] in ("ESCAPED_INTERPOLATION", "ESCAPED_DIRECTIVE"):
            return self._node(piece, "template", unescaped(piece[2][1:]))
        if piece[1] == "interpolation":
            return self.expression(_children(piece)[-1])
        return self._node(piece, "other", "`%{ … }` in a text")

    def _heredoc_template(self, tree: Tree, parts: list[Tree]) -> Node:
        pieces = []
        for piece in tree[2][2:]:
            if piece[1] == "RAW":
                raw = piece[2].replace("$${", "${").replace("%%{", "%{")
                pieces.append(self._node(piece, "template", raw))
            elif piece[1] == "interpolation":
                pieces.append(self.expression(piece[2]))
            else:
                pieces.append(self._node(piece, "other", "`%{ … }` in a text"))
        return self._node(tree, "text", *pieces)

    _heredoc_template_trim = _heredoc_template

    def _tuple(self, tree: Tree, parts: list[Tree]) -> Node:
        return self._node(tree, "list", *map(self.expression, parts))

    def _object(self, tree: Tree, parts: list[Tree]) -> Node:
        pairs = []
        for element in parts:
            key, value = _children(element)
            node = self.expression(key)
            # A bare word as a key is the word itself.
            word = self._node(key, "template", node.args[0]) if node.kind == "name" and not _in_brackets(key) else node
            pairs.append((word, self.expression(value)))
        return self._node(tree, "object", *pairs)

    def _get_attr_expr_term(self, tree: Tree, parts: list[Tree]) -> Node:
        return self._node(tree, "attribute", self.expression(parts[0]), _token(parts[1][-1]))

    def _index_expr_term(self, tree: Tree, parts: list[Tree]) -> Node:
        index = parts[1]
        if index[1] == "short_index":
            return self._node(
                tree, "index", self.expression(parts[0]), self._node(index, "literal", int(index[-1][2][:9]))
            )
        return self._node(tree, "index", self.expression(parts[0]), self.expression(_children(index)[0]))

    def _attr_splat_expr_term(self, tree: Tree, parts: list[Tree]) -> Node:
        steps = [_token(each[-1]) for each in _children(parts[1]) if each[1] == "get_attr"]
        if len(steps) != len(_children(parts[1])):
            return self._node(tree, "other", "index after `[*]`")
        return self._node(tree, "splat", self.expression(parts[0]), tuple(steps))

    _full_splat_expr_term = _attr_splat_expr_term

    def _function_call(self, tree: Tree, parts: list[Tree]) -> Node:
        given = next((part for part in parts if part[1] == "arguments"), None)
        arguments = [part for part in _children(given) if part[1] != "ELLIPSIS"] if given else []
        expand = bool(given) and any(part[1] == "ELLIPSIS" for part in (given or [])[2:])
        return self._node(tree, "call", _token(parts[0]), tuple(map(self.expression, arguments)), expand)

    def _unary_op(self, tree: Tree, parts: list[Tree]) -> Node:
        return self._node(tree, "unary", tree[2][2], self.expression(tree[-1]))

    def _binary_op(self, tree: Tree, parts: list[Tree]) -> Node:
        operator, right = _children(parts[1])
        return self._node(tree, "binary", _token(operator), self.expression(parts[0]), self.expression(right))

    def _conditional(self, tree: Tree, parts: list[Tree]) -> Node:
        return self._node(tree, "if", *map(self.expression, parts))

    def _for_tuple_expr(self, tree: Tree, parts: list[Tree]) -> Node:
        rules = [part for part in tree[2:] if not _is_token(part)]
        intro, results, condition = rules[0], [part for part in rules[1:] if part[1] != "for_cond"], None
        for part in rules:
            if part[1] == "for_cond":
                condition = self.expression(part[-1])
        inner = [part for part in intro[2:] if not _is_token(part)]
        names = tuple(_token(part) for part in inner[:-1])
        grouped = any(part[1] == "ELLIPSIS" for part in tree[2:])
        if grouped:
            return self._node(tree, "other", "grouping with `...`")
        return self._node(
            tree, "for", names, self.expression(inner[-1]), tuple(map(self.expression, results)), condition
        )

    _for_object_expr = _for_tuple_expr


def _is_token(tree: Tree) -> bool:
    return bool(tree[1].isupper())


def _children(tree: Tree) -> list[Tree]:
    return [each for each in tree[2:] if each[1] not in CLOSING and each[1] not in ("INTERP_START", "DOT")]


def _in_brackets(tree: Tree) -> bool:
    return any(each[1] == "LPAR" for each in _walk(tree, 3))


def _walk(tree: Tree, depth: int) -> Iterator[Tree]:
    yield tree
    if depth and not _is_token(tree):
        for each in tree[2:]:
            yield from _walk(each, depth - 1)


def _token(tree: Tree) -> str:
    """The text of the first token."""
    while not _is_token(tree):
        tree = tree[2]
    return str(tree[2])


def _label(tree: Tree) -> str:
    """A block's label: a text without anything to fill in, or a bare word."""
    if tree[1] == "string":
        return "".join(unescaped(part[2][2]) for part in _children(tree) if part[2][1] == "STRING_CHARS")
    return _token(tree)


def unescaped(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        if code := found[1] or found[2]:
            number = int(code, 16)
            return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 and number else "\ufffd"
        return ESCAPES.get(found[3], found[0])

    return ESCAPE.sub(one, text)
