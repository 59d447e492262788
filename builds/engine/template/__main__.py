"""Renew the generated part of the documentation: `python -m builds.engine.template docs/template.md`."""

import sys
from pathlib import Path

from .reference import update

for page in map(Path, sys.argv[1:]):
    page.write_text(update(page.read_text()))
