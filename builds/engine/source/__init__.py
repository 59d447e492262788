"""The files beside a template: from the template itself, an uploaded archive, or a git commit.

Each is laid out in a fresh folder in which nothing leads outside: no `..`, links out or device files.
"""

from .archives import archive
from .folder import inline, inside, listing, read_template
from .repository import git, resolve_commit

__all__ = ["archive", "git", "inline", "inside", "listing", "read_template", "resolve_commit"]
