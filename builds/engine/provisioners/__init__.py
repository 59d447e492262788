"""What changes a machine, by the name that a template uses."""

from .base import Provisioner
from .file import File
from .shell import Shell

PROVISIONERS: dict[str, type[Provisioner]] = {
    "file": File,
    "shell": Shell,
}
