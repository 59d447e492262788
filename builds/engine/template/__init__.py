"""From appliance.yaml to plans."""

from .extends import Lookup, NoParent, Parent
from .parse import parse
from .reference import reference
from .registry import REGISTRY, Registry
from .schema import schema
from .template import Template
from .values import DEFAULT, Offer, Settled, settle

__all__ = [
    "DEFAULT",
    "REGISTRY",
    "Lookup",
    "NoParent",
    "Offer",
    "Parent",
    "Registry",
    "Settled",
    "Template",
    "parse",
    "reference",
    "schema",
    "settle",
]
