"""From appliance.yaml to plans."""

from .extends import Lookup, NoParent, Parent
from .parse import parse
from .provenance import Line, lines
from .reference import reference
from .registry import REGISTRY, Registry
from .schema import schema
from .template import Template
from .values import Offer, Setting, Settled, settings, settle
from .variable import Variable

__all__ = [
    "REGISTRY",
    "Line",
    "Lookup",
    "NoParent",
    "Offer",
    "Parent",
    "Registry",
    "Setting",
    "Settled",
    "Template",
    "Variable",
    "lines",
    "parse",
    "reference",
    "schema",
    "settings",
    "settle",
]
