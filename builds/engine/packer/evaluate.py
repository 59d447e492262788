"""From nodes to values: one method for each kind of node. What only a build can tell becomes Unknown."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from . import functions, go_template
from .errors import Unreadable
from .model import Model, Node
from .notes import Place
from .values import FromData, Given, Reference, Text, Unknown, joined, placed, plain

STEPS = 200_000
"""Nodes that one import may evaluate: loops in loops and locals in locals multiply."""
BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "&&": lambda left, right: left and right,
    "||": lambda left, right: left or right,
}
SCALARS = ("string", "number", "bool")


class Evaluator:
    """Evaluates what stands in one model. `facts`: what the build would say about itself (name, type, ID …)."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._scope: dict[str, Given] = {}
        self._open: list[str] = []
        self._steps = 0
        self.facts: dict[str, Any] = {}
        self.constants: set[str] = set()
        """The variables whose defaults were needed, because something was computed with them."""

    def options(self, nodes: tuple[Node, ...]) -> dict[str, Given]:
        """A component's options; what later mappings say lies over what earlier ones say."""
        return {key: given for node in nodes for key, given in self.value(node).value.items()}

    def value(self, node: Node) -> Given:
        self._steps += 1
        if self._steps > STEPS:
            raise Unreadable(
                "The template's expressions do not come to an end.",
                hint="Replace loops within loops, and locals that double each other, by what they come to.",
                file=node.place.file,
                line=node.place.line,
            )
        value = getattr(self, f"_{node.kind}")(node)
        return value if isinstance(value, Given) else placed(value, node.place)

    def settled(self, value: Any) -> Any:
        """Plain data in which variables are replaced by their defaults."""
        if isinstance(value, Given):
            value = plain(value)
        if isinstance(value, Text):
            parts = [self._default(part.name) if isinstance(part, Reference) else part for part in value.parts]
            return self.settled(joined(parts))
        if isinstance(value, list):
            return [self.settled(each) for each in value]
        if isinstance(value, dict):
            return {key: self.settled(each) for key, each in value.items()}
        return value

    def glimpse(self, value: Any) -> Any:
        """The same, for a decision alone: nothing of it will stand in the template."""
        before = set(self.constants)
        settled = self.settled(value)
        self.constants = before
        return settled

    def default(self, name: str) -> Any:
        """What a variable comes to without anybody's wish: plain data, or Unknown."""
        variable = self._model.variables[name]
        node = self._model.values.get(name, variable.default)
        if node is None:
            return Unknown(f"the variable {name} has no default")
        with self._entered(f"var.{name}") as fresh:
            return self.settled(self.value(node)) if fresh else Unknown(f"the variable {name} refers to itself")

    def _default(self, name: str) -> Any:
        if self._model.variables[name].sensitive:
            return Unknown(f"the variable {name} is sensitive")
        self.constants.add(name)
        return self.default(name)

    @contextmanager
    def _entered(self, name: str) -> Iterator[bool]:
        """Whether it was not being worked out already."""
        if name in self._open or len(self._open) > 50:
            yield False
            return
        self._open.append(name)
        try:
            yield True
        finally:
            self._open.pop()

    # Each kind of node

    def _literal(self, node: Node) -> Any:
        return node.args[0]

    def _other(self, node: Node) -> Any:
        return Unknown(f"{node.args[0]} is not evaluated by the import")

    def _template(self, node: Node) -> Any:
        return go_template.render(node.args[0], self._variable, self._fact)

    def _text(self, node: Node) -> Any:
        values = [self.value(part).value for part in node.args]
        if len(values) == 1:
            return values[0]
        return joined([value for value in values if value != ""] or [""])

    def _list(self, node: Node) -> Any:
        return Given(node.place, [self.value(each) for each in node.args])

    def _map(self, node: Node) -> Any:
        return Given(node.place, {key: self.value(each) for key, each in node.args})

    def _object(self, node: Node) -> Any:
        pairs = {}
        for key, each in node.args:
            name = self.settled(self.value(key))
            if not isinstance(name, str):
                return Unknown("one of its keys is not known")
            pairs[name] = self.value(each)
        return Given(node.place, pairs)

    def _body(self, node: Node) -> Any:
        """A block's content; blocks that stand there more than once become a list."""
        found: dict[str, Given] = {}
        for key, labels, each in node.args:
            given = self.value(each) if key != "dynamic" else Given(each.place, Unknown("it is made by `dynamic`"))
            if labels is None:
                found[key] = given
                continue
            made = [given]
            if key == "dynamic":
                key, made = labels[0] if labels else key, self._dynamic(each, labels)
            before = found.get(key)
            listed = before.value if before and isinstance(before.value, list) else [before] if before else []
            several = [*listed, *made]
            found[key] = several[0] if len(several) == 1 and key != "dynamic" else Given(each.place, several)
        return Given(node.place, found)

    def _dynamic(self, node: Node, labels: tuple[str, ...]) -> list[Given]:
        """The blocks that a `dynamic` block stands for; one that is Unknown when nobody can say."""
        entries = {key: each for key, _, each in node.args}
        items = self.settled(self.value(entries["for_each"])) if "for_each" in entries else None
        if not isinstance(items, list | dict) or "content" not in entries or not labels:
            return [Given(node.place, Unknown("the `for_each` of its `dynamic` block is not known"))]
        name = self.settled(self.value(entries["iterator"])) if "iterator" in entries else labels[0]
        made = []
        for key, item in items.items() if isinstance(items, dict) else enumerate(items):
            with self._named({str(name): placed({"key": key, "value": item}, node.place)}):
                made.append(self.value(entries["content"]))
        return made

    @contextmanager
    def _named(self, names: Mapping[str, Given]) -> Iterator[None]:
        outer = self._scope
        self._scope = {**outer, **names}
        try:
            yield
        finally:
            self._scope = outer

    def _name(self, node: Node) -> Any:
        found = self._scope.get(node.args[0])
        return found if found is not None else Unknown(f"`{node.args[0]}` is nothing that the import knows")

    def _attribute(self, node: Node) -> Any:
        chain = [node.args[1]]
        base = node.args[0]
        while base.kind == "attribute":
            chain.insert(0, base.args[1])
            base = base.args[0]
        if base.kind == "name" and base.args[0] not in self._scope:
            return self._global(base.args[0], chain, node.place)
        return _steps_into(self.value(base), chain)

    def _global(self, root: str, chain: list[str], place: Place) -> Any:
        match root:
            case "var":
                return _steps_into(placed(self._variable(chain[0], deep=len(chain) > 1), place), chain[1:])
            case "local":
                return _steps_into(self._local(chain[0], place), chain[1:])
            case "path":
                return "."
            case "build" | "source":
                return self._fact(chain[0])
            case "data" if len(chain) == 3:
                return FromData(f"it comes from the data source {chain[0]}.{chain[1]}", (chain[0], chain[1]))
        return Unknown(f"`{'.'.join([root, *chain])}` is not known before a build")

    def _variable(self, name: str, *, deep: bool = False) -> Any:
        variable = self._model.variables.get(name)
        if variable is None:
            return Unknown(f"there is no variable {name}")
        if variable.sensitive and not deep:
            return Text((Reference(name),))
        value = self.default(name)
        if isinstance(value, list | dict):
            self.constants.add(name)
            return value
        if isinstance(value, Unknown) and variable.type and variable.type not in (*SCALARS, "any"):
            return value
        return Text((Reference(name),))

    def _local(self, name: str, place: Place) -> Given:
        node = self._model.locals.get(name)
        if node is None:
            return Given(place, Unknown(f"there is no local {name}"))
        with self._entered(f"local.{name}") as fresh:
            if not fresh:
                return Given(place, Unknown(f"the local {name} refers to itself"))
            return Given(place, self.value(node).value)

    def _fact(self, name: str) -> Any:
        if name in self.facts:
            return self.facts[name]
        return Unknown(f"the build's own {name} is not known before it")

    def _index(self, node: Node) -> Any:
        of, index = self.value(node.args[0]), self.settled(self.value(node.args[1]))
        if isinstance(of.value, Text):
            of = placed(self.settled(of), node.place)
        if (
            isinstance(of.value, list)
            and isinstance(index, int)
            and not isinstance(index, bool)
            and 0 <= index < len(of.value)
        ):
            return of.value[index]
        if isinstance(of.value, dict) and str(index) in of.value:
            return of.value[str(index)]
        return of.value if isinstance(of.value, Unknown) else Unknown("an index leads to nothing")

    def _splat(self, node: Node) -> Any:
        of = self.value(node.args[0])
        if isinstance(of.value, Unknown):
            return of
        items = of.value if isinstance(of.value, list) else [of]
        return Given(node.place, [placed(_steps_into(item, list(node.args[1])), node.place) for item in items])

    def _call(self, node: Node) -> Any:
        name, arguments, expand = node.args
        if name in functions.NOT_NOW:
            return Unknown(f"it holds {functions.NOT_NOW[name]}")
        if name in ("try", "can"):
            return self._try(name, arguments)
        if name not in functions.FUNCTIONS:
            return Unknown(f"the function `{name}` is not evaluated by the import")
        values = [self.value(each) for each in arguments]
        plainly = [self.settled(each) for each in values]
        if expand and plainly and isinstance(plainly[-1], list):
            plainly[-1:] = plainly[-1]
        if reason := _reason(plainly):
            return Unknown(reason)
        try:
            return functions.call(name, plainly)
        except ValueError as error:
            return Unknown(str(error))

    def _try(self, name: str, arguments: tuple[Node, ...]) -> Any:
        for argument in arguments:
            given = self.value(argument)
            if not given.unknown:
                return given if name == "try" else True
        return False if name == "can" else Unknown("`try` comes to nothing")

    def _unary(self, node: Node) -> Any:
        value = self.settled(self.value(node.args[1]))
        if isinstance(value, Unknown):
            return value
        if node.args[0] == "!" and isinstance(value, bool):
            return not value
        if node.args[0] == "-" and isinstance(value, int | float):
            return -value
        return Unknown(f"`{node.args[0]}` does not work out here")

    def _binary(self, node: Node) -> Any:
        sign = node.args[0]
        left, right = (self.settled(self.value(each)) for each in node.args[1:])
        if reason := _reason([left, right]):
            return Unknown(reason)
        try:
            if sign in "+-*/%":
                left, right = _as_number(left), _as_number(right)
            result = BINARY[sign](left, right)
        except (ArithmeticError, TypeError, ValueError):
            return Unknown(f"`{sign}` does not work out here")
        if isinstance(result, float) and result.is_integer() and abs(result) < 1e15:
            return int(result)
        return result

    def _if(self, node: Node) -> Any:
        condition = self.settled(self.value(node.args[0]))
        if isinstance(condition, str) and condition in ("true", "false"):
            condition = condition == "true"
        if isinstance(condition, Unknown):
            return Unknown(f"it depends on a condition: {condition.reason}")
        return self.value(node.args[1] if condition else node.args[2])

    def _for(self, node: Node) -> Any:
        names, over, results, condition = node.args
        items = self.settled(self.value(over))
        if not isinstance(items, list | dict):
            return items if isinstance(items, Unknown) else Unknown("a `for` has nothing to go over")
        made: list[Given] = []
        pairs: dict[str, Given] = {}
        for key, item in items.items() if isinstance(items, dict) else enumerate(items):
            bound = dict(zip(names, [key, item] if len(names) == 2 else [item], strict=False))
            with self._named({name: placed(value, node.place) for name, value in bound.items()}):
                if condition is not None:
                    wanted = self.settled(self.value(condition))
                    if isinstance(wanted, Unknown):
                        return wanted
                    if wanted is not True:
                        continue
                if len(results) == 2:
                    pairs[str(self.settled(self.value(results[0])))] = self.value(results[1])
                else:
                    made.append(self.value(results[0]))
        return Given(node.place, pairs if len(results) == 2 else made)


def _steps_into(given: Given, names: list[str]) -> Any:
    for name in names:
        value = given.value
        if isinstance(value, Unknown):
            return value
        if isinstance(value, dict) and name in value:
            given = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            given = value[int(name)]
        else:
            return Unknown(f"`.{name}` leads to nothing")
    return given


def _reason(values: list[Any]) -> str:
    return placed(values, Place("", 0)).unknown


def _as_number(value: Any) -> Any:
    return value if isinstance(value, int | float) else functions.call("tonumber", [value])
