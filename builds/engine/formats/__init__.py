from .base import Format

FORMATS: dict[str, type[Format]] = {}
