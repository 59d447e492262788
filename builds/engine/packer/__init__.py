"""Import of Packer templates, in JSON or HCL2: `convert()` gives a template and an account of what was left out."""

from .convert import Imported, convert
from .errors import Unreadable
from .notes import Kind, Note

__all__ = ["Imported", "Kind", "Note", "Unreadable", "convert"]
