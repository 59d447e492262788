"""A template in HCL2: all files of a folder together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from . import hcl_text
from .evaluate import Evaluator
from .model import Build, Component, Model, Node, Variable
from .notes import Place

VALUES = (".auto.pkrvars.hcl", ".pkrvars.hcl")
OF_BUILD = {"name", "description", "sources"}
PACKER_ITSELF = "It says which Packer and which of its plug-ins to use; no Packer runs here."
HCP = "HashiCorp's registry of images is not used: the catalog has its own."


def read(texts: Mapping[str, str]) -> Model:
    """Raises Unreadable."""
    model = Model()
    builders: dict[str, Component] = {}
    builds: list[tuple[str, Node]] = []
    for file, body in hcl_text.read(texts).items():
        if file.endswith(VALUES):
            for key, labels, node in body.args:
                if labels is None:
                    model.values[key] = node
            continue
        for key, labels, node in body.args:
            _top(model, builders, builds, key, labels, node)
    for path, node in builds:
        model.builds.append(_build(model, builders, path, node))
    used = {(each.type, each.place) for build in model.builds for each in build.builders}
    for name, each in builders.items():
        if (each.type, each.place) not in used:
            model.aside.append((each.place, f"source.{name}", "No build uses it."))
    return model


def _top(
    model: Model,
    builders: dict[str, Component],
    builds: list[tuple[str, Node]],
    key: str,
    labels: tuple[str, ...] | None,
    node: Node,
) -> None:
    place = node.place
    match key, labels:
        case "variable", (name, *_):
            model.variables[name] = _variable(model, name, node)
        case "variables", ():
            for name, _, value in node.args:
                model.variables[name] = Variable(name, value.place, value)
        case "locals", ():
            model.locals.update({name: value for name, inner, value in node.args if inner is None})
        case "local", (name, *_):
            entries = {entry: value for entry, _, value in node.args}
            model.locals[name] = entries.get("expression", Node(place, "literal", (None,)))
            if _is_true(entries.get("sensitive")):
                model.sensitive_locals.add(name)
        case "source", (kind, name, *_):
            builders[f"{kind}.{name}"] = Component(place, f"source.{kind}.{name}", kind, name, (node,))
        case "data", (kind, name, *_):
            model.data[kind, name] = node
        case "build", _:
            builds.append((f"build.{len(builds)}" if builds else "build", node))
        case "packer", _:
            model.not_needed.append((place, "packer", PACKER_ITSELF))
        case _:
            model.aside.append((place, ".".join([key, *(labels or ())]), "Slipway knows no such block."))


def _variable(model: Model, name: str, node: Node) -> Variable:
    entries = {entry: value for entry, labels, value in node.args if labels is None}
    for entry, labels, value in node.args:
        if labels is not None:
            why = "Slipway checks a variable's type, and that a choice is one of its options."
            model.aside.append((value.place, f"variable.{name}.{entry}", why))
    kind = entries.get("type")
    default = entries.get("default")
    if default is not None and default.kind == "literal" and default.args[0] is None:
        default = None
    described = entries.get("description")
    text = (
        "".join(str(part.args[0]) for part in described.args if part.kind == "template")
        if described and described.kind == "text"
        else ""
    )
    word = str(kind.args[0]) if kind and kind.kind in ("name", "call") else ""
    return Variable(name, node.place, default, word, text, _is_true(entries.get("sensitive")))


def _is_true(node: Node | None) -> bool:
    return node is not None and node.kind == "literal" and node.args[0] is True


def _build(model: Model, builders: dict[str, Component], path: str, node: Node) -> Build:
    build = Build(node.place, path)
    for key, labels, each in node.args:
        if labels is None:
            if key == "name":
                build.name = _constant(each)
            elif key == "sources":
                for name, place in _sources(model, each):
                    _use(build, builders, name, place)
            elif key not in OF_BUILD:
                model.aside.append((each.place, f"{path}.{key}", "Slipway knows no such key."))
            continue
        match key:
            case "source":
                _use(build, builders, labels[0] if labels else "", each.place, each)
            case "provisioner":
                build.provisioners.append(_component(each, f"{path}.provisioner.{len(build.provisioners)}", labels))
            case "post-processor":
                one = _component(each, f"{path}.post-processor.{len(build.post_processors)}", labels)
                build.post_processors.append([one])
            case "post-processors":
                at = f"{path}.post-processors.{len(build.post_processors)}"
                inner = [(more, one) for name, more, one in each.args if name == "post-processor" and more]
                build.post_processors.append(
                    [_component(one, f"{at}.{n}", more) for n, (more, one) in enumerate(inner)]
                )
            case "dynamic":
                why = "Blocks that are made by `dynamic` are not taken over here."
                model.aside.append((each.place, f"{path}.dynamic.{'.'.join(labels)}", why))
            case "error-cleanup-provisioner":
                why = "Slipway throws the machine of a failed build away."
                model.aside.append((each.place, f"{path}.{key}", why))
            case _:
                why = HCP if key.startswith("hcp") else "Slipway knows no such block."
                model.aside.append((each.place, f"{path}.{key}", why))
    return build


def _sources(model: Model, node: Node) -> list[tuple[str, Place]]:
    """The names, each with its place; those that nobody can know come under what makes them so."""
    given = Evaluator(model).value(node)
    if not isinstance(given.value, list):
        return [(given.unknown or "it is no list", node.place)]
    return [(str(each.unknown or each.value), each.place) for each in given.value]


def _use(build: Build, builders: dict[str, Component], name: str, place: Place, over: Node | None = None) -> None:
    """Take a builder into the build, with what the build's own block says over it."""
    found = builders.get(name.removeprefix("sources.").removeprefix("source."))
    if found is None:
        build.missing.append((place, name))
        return
    if over is not None:
        own = {key: value for key, labels, value in over.args if labels is None}
        called = _constant(own["name"]) if "name" in own else found.name
        rest = Node(over.place, "body", tuple(entry for entry in over.args if entry[0] != "name"))
        found = replace(found, name=called or found.name, options=(*found.options, rest))
    build.builders.append(found)


def _component(node: Node, path: str, labels: tuple[str, ...]) -> Component:
    kind = labels[0] if labels else ""
    return Component(node.place, path, kind, kind, (node,))


def _constant(node: Node) -> str:
    """A text that nothing is filled into; empty otherwise."""
    if node.kind == "text" and all(part.kind == "template" for part in node.args):
        return "".join(str(part.args[0]) for part in node.args)
    return ""
