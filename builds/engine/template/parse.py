"""From text to Template: everything that is wrong with it is found in one go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import SourceError, TemplateError
from ..platforms.base import NativePlatform, Platform
from ..plugin import Plugin
from ..source.folder import parts
from .document import Document, read
from .entries import Entry, base_entry, entries, entry, holds_secrets
from .extends import Lookup, flatten
from .flaws import Flaw, did_you_mean, expected, validate
from .registry import REGISTRY, Registry, formats_of
from .sections import Sections
from .template import Target, Template, files_of, problems
from .variable import Variable
from .write import write


def parse(text: str, registry: Registry = REGISTRY, *, lookup: Lookup | None = None, name: str = "") -> Template:
    """Raises TemplateError with every problem, each with its path, its line and what was expected.

    `lookup` finds the template that this one extends; `name` is the appliance that it is for, "demo/web".
    """
    document = read(text)
    lineage: tuple[str, ...] = ()
    if "extends" in document.data:
        document, lineage = flatten(document, lookup, name)
        text = _flattened(document, lineage)
    data = document.data
    sections, flaws = validate(Sections, data)

    # A wrong section must not hide what is wrong elsewhere, so plug-ins are looked for in the plain data.
    base, wrong = base_entry(data["base"], registry.bases) if "base" in data else (None, [])
    provisioners, more = entries("provisioner", data.get("provisioners"), ("provisioners",), registry.provisioners)
    checks, still_more = entries("check", data.get("checks"), ("checks",), registry.checks)
    targets, rest = _targets(data.get("platforms"), registry)
    flaws += [*wrong, *more, *still_more, *rest]

    declared = _declared(data.get("variables"))
    flaws += _flaws_together(targets, data.get("network", "outside"), _defaults(declared))
    named: list[Entry[Any]] = [*provisioners, *checks, *([base] if base else [])]
    for target in targets:
        named += [target.platform, *target.formats]
    for each in named:
        flaws += _flaws_of(each, declared, registry)
    if "base" not in data:
        flaws += _without_base(targets)
    if flaws or sections is None:
        raise TemplateError(problems(flaws, document))
    return Template(text, document, sections, base, tuple(provisioners), tuple(targets), tuple(checks), lineage)


def _flattened(document: Document, lineage: tuple[str, ...]) -> str:
    # Which revisions they are would make every rebuild of one of them a change of this text.
    names = ", which extends ".join(label.partition(" ")[0] for label in lineage)
    text = write(document.data, f"This extends {names}. What follows is all of them together.")
    read(text)  # together they may be too large
    return text


def _targets(data: Any, registry: Registry) -> tuple[list[Target], list[Flaw]]:
    targets: list[Target] = []
    flaws: list[Flaw] = []
    for name, options in data.items() if isinstance(data, dict) else ():
        path = ("platforms", name)
        platform, wrong = entry("platform", {name: options}, ("platforms",), registry.platforms)
        flaws += wrong
        if platform is None:
            continue
        if not platform.kind.makes:
            targets.append(Target(platform, ()))
            continue
        own = formats_of(platform.kind, registry)
        default = [next(iter(own))] if issubclass(platform.kind, NativePlatform) else None
        if "formats" not in platform.written and not default:
            flaws.append(Flaw(path, f"needs `formats`, a list of: {', '.join(own)}"))
        listed = platform.written.get("formats", default or ["-"])
        if not isinstance(listed, list) or not listed:
            flaws.append(Flaw((*path, "formats"), expected(f"a list of formats ({', '.join(own)})", listed)))
        formats, wrong = entries(
            "format", listed if default or "formats" in platform.written else [], (*path, "formats"), own
        )
        flaws += wrong
        kinds = [each.kind for each in formats]
        flaws += [
            Flaw(each.path, f"the format {each.kind.name!r} is listed twice")
            for n, each in enumerate(formats)
            if each.kind in kinds[:n]
        ]
        there = {each.kind: target.platform.kind.name for target in targets for each in target.formats}
        flaws += [
            Flaw(each.path, f"{each.kind.name!r} comes from {there[each.kind]} already: ask for it once")
            for each in formats
            if each.kind in there
        ]
        options = {key: value for key, value in platform.written.items() if key != "formats"}
        targets.append(Target(Entry[Platform](platform.path, platform.kind, options), tuple(formats)))
    return targets, flaws


def _without_base(targets: list[Target]) -> Iterator[Flaw]:
    kinds = [target.platform.kind for target in targets if target.platform.kind.makes]
    needing = [kind.name for kind in kinds if not issubclass(kind, NativePlatform)]
    if needing:
        yield Flaw(("base",), f"is missing: {' and '.join(needing)} needs one, such as debian:12")


def _flaws_together(targets: list[Target], network: str, texts: Mapping[str, str]) -> Iterator[Flaw]:
    """What is wrong with asking a platform for a format, when each is right by itself."""
    for target in targets:
        platform, _ = target.platform.make(texts)
        if isinstance(platform, NativePlatform):
            names = [each.kind.name for each in target.formats]
            yield from (Flaw(target.platform.path, said) for said in platform.flaws(names, network))
        for entry_ in target.formats:
            made, _ = entry_.make(texts)
            if platform and made:
                yield from (Flaw(entry_.path, said) for said in made.flaws(platform))


def _declared(data: Any) -> dict[str, Variable | None]:
    """The variables by name; None for those that are wrong themselves."""
    if not isinstance(data, dict):
        return {}
    return {name: validate(Variable, each)[0] for name, each in data.items()}


def _defaults(declared: Mapping[str, Variable | None]) -> dict[str, str]:
    return {name: variable.text for name, variable in declared.items() if variable and not variable.secret}


def _flaws_of(entry_: Entry[Any], declared: Mapping[str, Variable | None], registry: Registry) -> Iterator[Flaw]:
    """What is wrong with one plug-in's options, tried with the variables' defaults."""
    open_ends = set()
    for path, name, late in entry_.placeholders():
        variable = declared.get(name)
        if name not in declared:
            hint = f"{did_you_mean(name, declared)}; declared: {', '.join(declared) or 'none'}"
            yield Flaw(path, f"there is no variable {name!r}{hint}. For the text itself write \\{{{{ {name} }}}}")
        elif variable and variable.secret and not late:
            yield Flaw(
                path,
                f"the secret {name!r} would be kept and shown here; it may stand only in {_places(registry)}",
            )
        if not late and (variable is None or variable.secret):
            open_ends.add(path)
    made, flaws = entry_.make(_defaults(declared))
    yield from (flaw for flaw in flaws if flaw.path not in open_ends)
    yield from _paths_that_lead_out(made, entry_)


def _paths_that_lead_out(made: Plugin | None, entry_: Entry[Any]) -> Iterator[Flaw]:
    for file in files_of(made):
        try:
            parts(file)
        except SourceError as error:
            yield Flaw(entry_.where(file), f"{error.message} {error.hint}")


def _places(registry: Registry) -> str:
    """Where secrets may be named, for the author."""
    kinds: list[tuple[str, type[Any]]] = [
        *((name, kind) for name, kind in registry.platforms.items()),
        *((name, kind) for name, kind in registry.provisioners.items()),
        *((name, kind) for name, kind in registry.checks.items()),
    ]
    places = [f"`{option}` of {name}" for name, kind in kinds for option in sorted(holds_secrets(kind.Options))]
    return ", ".join(places) + "; scripts also read it as an environment variable"
