"""What changes a machine, by the name that a template uses."""

from .ansible import Ansible
from .base import Provisioner
from .chef import Chef
from .file import File
from .puppet import Puppet
from .shell import Shell

PROVISIONERS: dict[str, type[Provisioner]] = {
    "ansible": Ansible,
    "chef": Chef,
    "file": File,
    "puppet": Puppet,
    "shell": Shell,
}
