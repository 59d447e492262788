"""A template in Packer's JSON."""

from __future__ import annotations

from collections.abc import Iterator

from . import json_text
from .errors import Unreadable
from .model import Build, Component, Model, Node, Variable

SECTIONS = ("variables", "sensitive-variables", "builders", "provisioners", "post-processors")
ASIDE = {
    "description": "A release has notes, and an appliance a description: write it there.",
    "push": "It sent the template to HashiCorp's Atlas, which is no more.",
    "error-cleanup-provisioner": "Slipway throws the machine of a failed build away.",
}


def read(text: str, file: str) -> Model:
    """Raises Unreadable."""
    root = json_text.read(text, file)
    if root.kind != "map":
        raise Unreadable("Expected a mapping with `builders`.", file=file, line=root.place.line)
    model = Model()
    sections: dict[str, Node] = {}
    for key, node in root.args:
        if key in SECTIONS:
            if key in sections:
                model.aside.append((sections[key].place, key, "The key stands here twice; Packer reads the last one."))
            sections[key] = node
        elif key == "min_packer_version":
            model.not_needed.append((node.place, key, "No Packer runs here."))
        elif not key.startswith("_"):  # Packer's way to write a comment
            model.aside.append((node.place, key, ASIDE.get(key, "Packer itself does not know this key.")))
    sensitive = {each.args[0] for each in _items(sections, "sensitive-variables") if each.kind == "template"}
    for name, node in _pairs(sections.get("variables")):
        default = None if node.kind == "literal" and node.args[0] is None else node
        model.variables[name] = Variable(name, node.place, default, sensitive=name in sensitive)
    build = Build(root.place, "build")
    for key, into in (("builders", build.builders), ("provisioners", build.provisioners)):
        into += [
            component
            for n, node in enumerate(_items(sections, key))
            for component in _component(node, f"{key}.{n}", model)
        ]
    for n, node in enumerate(_items(sections, "post-processors")):
        path = f"post-processors.{n}"
        chain = node.args if node.kind == "list" else (node,)
        build.post_processors.append(
            [
                component
                for m, each in enumerate(chain)
                for component in _component(each, f"{path}.{m}" if node.kind == "list" else path, model)
            ]
        )
    model.builds.append(build)
    return model


def _items(sections: dict[str, Node], key: str) -> tuple[Node, ...]:
    node = sections.get(key)
    if node is None or (node.kind == "literal" and node.args[0] is None):
        return ()
    if node.kind != "list":
        raise Unreadable(f"`{key}` must be a list.", file=node.place.file, line=node.place.line)
    return node.args


def _pairs(node: Node | None) -> Iterator[tuple[str, Node]]:
    if node is None:
        return
    if node.kind != "map":
        raise Unreadable("`variables` must be a mapping.", file=node.place.file, line=node.place.line)
    yield from node.args


def _component(node: Node, path: str, model: Model) -> Iterator[Component]:
    """One, or none when it has no type. A bare name is a component without options."""
    if node.kind == "template":
        yield Component(node.place, path, node.args[0], node.args[0], ())
        return
    entries = dict(node.args) if node.kind == "map" else {}
    names = {
        key: entries[key].args[0] for key in ("type", "name") if key in entries and entries[key].kind == "template"
    }
    if "type" not in names:
        model.aside.append((node.place, path, "It has no `type`."))
        return
    place = entries["type"].place if len(entries) == 1 else node.place
    options = Node(place, "map", tuple((key, each) for key, each in node.args if key not in names))
    yield Component(node.place, path, names["type"], names.get("name", names["type"]), (options,))
