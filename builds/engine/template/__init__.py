"""From appliance.yaml to plans."""

from .parse import parse
from .reference import reference
from .registry import REGISTRY, Registry
from .schema import schema
from .template import Template

__all__ = ["REGISTRY", "Registry", "Template", "parse", "reference", "schema"]
