"""What is asserted about a machine launched from a finished image, by the name that a template uses."""

from .base import Check
from .command import Command
from .http import Http
from .packages import Packages
from .port import Port
from .service import Service

CHECKS: dict[str, type[Check]] = {
    "command": Command,
    "http": Http,
    "packages": Packages,
    "port": Port,
    "service": Service,
}
