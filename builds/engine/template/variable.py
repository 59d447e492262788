"""What a template says of one of its variables, and which values that allows."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator
from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from ..plugin import Options
from ..quantities import parse_size

LENGTH = 10_000  # characters; a value becomes an environment variable and a part of command lines
MEASURED = ("integer", "number", "size")
SHAPES = {
    "integer": (re.compile(r"-?[0-9]{1,18}"), "a whole number"),
    "number": (re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?"), "a number"),
    "boolean": (re.compile("true|false"), "true or false"),
}
Measure = Annotated[Any, WithJsonSchema({"type": ["number", "string"]})]


class Variable(Options):
    """A value that the template uses as `{{ name }}` and that scripts get as an environment variable."""

    type: Literal["string", "integer", "number", "boolean", "choice", "size"] = "string"
    """What its value is. A size is written like `512M`."""
    default: Annotated[Any, WithJsonSchema({"type": ["string", "number", "boolean"]})] = None
    """Its value where nobody gives it another. Required, unless it is secret."""
    options: tuple[str, ...] = ()
    """The values that a choice allows."""
    pattern: str = Field("", max_length=1000)
    """A regular expression that the whole of a string must match."""
    min: Measure = None
    """The least value of an integer, a number or a size."""
    max: Measure = None
    """The greatest value of an integer, a number or a size."""
    description: str = ""
    """What it is for."""
    secret: bool = False
    """Its value is kept per team, encrypted; it never stands in a template, a log or a page."""

    @model_validator(mode="after")
    def complete(self) -> Self:
        if self.secret:
            if self.default is not None:
                raise ValueError("a secret variable has no default: its value is entered in Team settings → Secrets")
            if self.type != "string" or self.pattern:
                raise ValueError("a secret variable is always a plain string: remove `type` and `pattern`")
            return self
        if (self.type == "choice") != bool(self.options):
            raise ValueError("a choice needs `options`, a list of the values to choose from; other types have none")
        if self.pattern and self.type != "string":
            raise ValueError("only a string has a `pattern`")
        if self.pattern:
            _matcher(self.pattern)
        self._range()
        self._default()
        return self

    def _range(self) -> None:
        for name, bound in (("min", self.min), ("max", self.max)):
            if bound is None:
                continue
            if self.type not in MEASURED:
                raise ValueError(f"`{name}` is for {', '.join(MEASURED[:-1])} and {MEASURED[-1]}")
            self._said(name, bound)
        if None not in (self.min, self.max) and self._measure(_text(self.min)) > self._measure(_text(self.max)):
            raise ValueError("`min` is greater than `max`")

    def _default(self) -> None:
        if self.default is None:
            raise ValueError("needs a `default`, or `secret: true` if its value must not stand in the template")
        self._said("default", self.default)
        try:
            self.accept(self.text)
        except ValueError as error:
            raise ValueError(f"`default`: {error}") from None

    def _said(self, name: str, value: Any) -> None:
        """The template's own values are data of their type; only those from outside are texts."""
        kinds = {"integer": (int,), "number": (int, float), "boolean": (bool,)}.get(self.type, (str,))
        fits = type(value) in kinds
        if fits and self.type == "size":
            fits = _is_size(value)
        if not fits:
            quotes = " (in quotes)" if kinds == (str,) and self.type != "size" else ""
            raise ValueError(f"`{name}` must be of its type: {self.type}{quotes}")

    @property
    def said(self) -> str:
        """What it accepts, in words: "integer, 1 to 65535"."""
        if self.type == "choice":
            return f"one of {', '.join(self.options)}"
        low, high = ("" if each is None else _text(each) for each in (self.min, self.max))
        span = f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}" if high else ""
        return ", ".join(filter(None, (self.type, span, self.pattern and f"matches {self.pattern}")))

    @property
    def text(self) -> str:
        """The default as a placeholder or an environment variable shows it."""
        return _text(self.default)

    def accept(self, text: str) -> str:
        """A value from outside instead of the default. Raises ValueError."""
        if self.type in SHAPES:
            shape, what = SHAPES[self.type]
            if not shape.fullmatch(text):
                raise ValueError(f"expected {what}, not {_shortened(text)}")
        if self.type == "choice" and text not in self.options:
            raise ValueError(f"expected one of {', '.join(self.options)}, not {_shortened(text)}")
        if len(text) > LENGTH or "\0" in text:
            raise ValueError(f"expected at most {LENGTH:,} characters and no NUL among them")
        if self.type in MEASURED:
            measure = self._measure(text)
            if self.min is not None and measure < self._measure(_text(self.min)):
                raise ValueError(f"expected at least {_text(self.min)}, not {text}")
            if self.max is not None and measure > self._measure(_text(self.max)):
                raise ValueError(f"expected at most {_text(self.max)}, not {text}")
        if self.pattern and not _matches(self.pattern, text):
            raise ValueError(f"expected text that matches {self.pattern}, not {_shortened(text)}")
        return text

    def _measure(self, text: str) -> Decimal:
        return Decimal(parse_size(text) if self.type == "size" else text)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return format(Decimal(str(value)), "f")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_size(value: str) -> bool:
    try:
        return bool(parse_size(value))
    except ValueError:
        return False


def _matcher(pattern: str) -> SchemaValidator:
    """By an engine without backtracking: no pattern of an author keeps the server busy. Raises ValueError."""
    try:
        return SchemaValidator(core_schema.str_schema(pattern=f"^(?:{pattern})$"))
    except SchemaError:
        raise ValueError(f"`pattern` is no regular expression that is understood here: {pattern}") from None


def _matches(pattern: str, text: str) -> bool:
    try:
        _matcher(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
