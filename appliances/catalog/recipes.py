"""Commands that a visitor can copy: what each family's own tools want to be told about a file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from appliances.models.upload import UNKNOWN
from builds.models import Artifact

from . import places
from .families import BOX, FAMILIES, Family, label
from .places import Place
from .vagrant.document import USUAL
from .vagrant.versions import constraint, is_prerelease, rebuilt

UNPACK = {".gz": "gzip -dc", ".xz": "xz -dc", ".zst": "zstd -dc"}

SEED = """\
printf '#cloud-config\\nssh_authorized_keys:\\n  - %s\\n' "$(cat ~/.ssh/id_ed25519.pub)" > user-data
cloud-localds seed.iso user-data"""


@dataclass(frozen=True)
class Recipe:
    title: str
    command: str
    note: str = ""


@dataclass(frozen=True)
class Download:
    """A file that a family's tools take."""

    artifact: Artifact
    url: str

    @property
    def label(self) -> str:
        """People have amd64 unless it is said."""
        other = self.artifact.architecture not in (USUAL, UNKNOWN)
        return label(self.artifact.format) + (f", {self.artifact.architecture}" if other else "")

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def short(self) -> str:
        """Enough of the checksum to compare by eye; the button copies all of it."""
        return f"{self.artifact.sha256[:16]}…"


@dataclass(frozen=True)
class Way:
    """How the users of one family get the appliance running."""

    family: Family
    downloads: Sequence[Download]
    places: Sequence[Place]
    recipes: Sequence[Recipe]


@dataclass(frozen=True)
class Subject:
    """What the recipes speak about: one version of an appliance, its machine's size and its open ports."""

    slug: str
    box: str
    version: str
    page_url: str
    cpus: int
    memory: int
    """MiB."""
    ports: tuple[int, ...]
    boxes: dict[str, str]
    """Under which version Vagrant finds each provider's box."""
    downloads: list[Download]
    places: dict[str, list[Place]]

    @property
    def forwards(self) -> list[tuple[int, int]]:
        """(port in the machine, port on the visitor's computer) of everything but SSH."""
        return [(port, port if port > 1023 else port + 8000) for port in self.ports if port != 22]

    def file(self, *formats: str) -> str:
        """The name of the first of the formats that exists; empty when none does."""
        names = {each.artifact.format: each.artifact.name for each in self.downloads if each.artifact.file}
        return next((names[format_] for format_ in formats if format_ in names), "")


def ways(subject: Subject) -> list[Way]:
    found = []
    for family in FAMILIES.values():
        downloads = [each for each in subject.downloads if family.reads(each.artifact.format)]
        places = [place for name in family.formats for place in subject.places.get(name, ())]
        if downloads or places:
            recipes = [*fetch(family, downloads), *RECIPES[family.key](subject)]
            found.append(Way(family, downloads, places, recipes))
    return found


def fetch(family: Family, downloads: Sequence[Download]) -> list[Recipe]:
    """Vagrant downloads by itself; for the others, on a server without a browser."""
    if family.key == "vagrant" or not downloads:
        return []
    note = "Broken off? Run it again: it goes on where it stopped."
    return [Recipe("Download in a terminal", f"curl -fLO -C - {downloads[0].url}", note)]


def aws(subject: Subject) -> list[Recipe]:
    images = subject.places["ami"]
    return [
        Recipe("Launch it with the AWS CLI", places.cli(images[0], subject.memory), "KEY and GROUP are your own."),
        Recipe("Terraform", places.terraform(subject.slug, images, subject.memory)),
        Recipe("CloudFormation", places.cloudformation(subject.slug, images, subject.memory)),
    ]


def qemu(subject: Subject) -> list[Recipe]:
    recipes = []
    if disk := subject.file("qcow2"):
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{host}-:{guest}" for guest, host in [*subject.forwards, (22, 2222)])
        opens = "".join(f"http://127.0.0.1:{host} · " for guest, host in subject.forwards if guest == 80)
        recipes += [
            Recipe("Your key, on a seed", SEED, "cloud-localds comes with the package cloud-image-utils."),
            Recipe(
                "Start it with QEMU",
                f"qemu-system-x86_64 -accel kvm -accel tcg -nographic \\\n"
                f"  -smp {subject.cpus} -m {subject.memory} \\\n"
                f"  -drive file={disk},format=qcow2,if=virtio \\\n"
                f"  -drive file=seed.iso,format=raw,if=virtio,readonly=on \\\n"
                f"  -nic user,model=virtio-net-pci{forwards}",
                f"Then: {opens}ssh -p 2222 root@127.0.0.1",
            ),
            Recipe(
                "Or with libvirt",
                f"virt-install --name {subject.slug} --import \\\n"
                f"  --vcpus {subject.cpus} --memory {subject.memory} \\\n"
                # Not --cloud-init: its volume is a SATA CD, which Debian's cloud kernel has no driver for.
                f"  --disk {disk} --osinfo linux2022 --network default \\\n"
                "  --disk seed.iso,device=disk,bus=virtio,format=raw,readonly=on --noautoconsole",
            ),
        ]
    if disk := subject.file("raw"):
        suffix = disk[disk.rfind(".") :]
        write = "sudo dd of=/dev/sdX bs=4M conv=fsync status=progress"
        command = f"{UNPACK[suffix]} {disk} | {write}" if suffix in UNPACK else f"{write} if={disk}"
        recipes.append(Recipe("Write the raw disk to a real one", command, "Erases /dev/sdX: look twice."))
    return recipes


def vmware(subject: Subject) -> list[Recipe]:
    clones = [
        Recipe("Clone the template with govc", places.clone(subject.slug, place), "In that vCenter, for its users.")
        for place in subject.places.get("vsphere-template", ())[:1]
    ]
    if not (file := subject.file("ova")):
        return clones
    return [
        *clones,
        Recipe(
            "Import with govc",
            f"govc import.ova -name={subject.slug} {file}\ngovc vm.power -on {subject.slug}",
            "GOVC_URL and the rest of govc’s environment say where.",
        ),
        Recipe(
            "Or with ovftool",
            f"ovftool --acceptAllEulas --name={subject.slug} \\\n"
            f"  --datastore=DATASTORE --network='VM Network' \\\n"
            f"  {file} 'vi://USER@VCENTER/DATACENTER/host/CLUSTER'",
        ),
    ]


def virtualbox(subject: Subject) -> list[Recipe]:
    forwards = "".join(
        f'VBoxManage modifyvm {subject.slug} --natpf1 "port{guest},tcp,127.0.0.1,{host},,{guest}"\n'
        for guest, host in subject.forwards
    )
    return [
        Recipe(
            "Import and start",
            f"VBoxManage import {subject.file('ova')} --vsys 0 --vmname {subject.slug}\n"
            f"{forwards}VBoxManage startvm {subject.slug} --type headless",
        )
    ]


def vagrant(subject: Subject) -> list[Recipe]:
    early = is_prerelease(subject.version)
    address = f"{subject.page_url}?prereleases=1" if early else subject.page_url
    providers = (each.artifact.format.removeprefix(BOX) for each in subject.downloads)
    pins = {name: subject.boxes[name] for name in providers if name in subject.boxes}
    if not pins:
        return []
    forwards = "".join(
        f'  config.vm.network "forwarded_port", guest: {guest}, host: {host}\n' for guest, host in subject.forwards
    )
    first = next(iter(pins))
    pin = pins[first] if early else constraint(subject.version)
    vagrantfile = (
        'Vagrant.configure("2") do |config|\n'
        f'  config.vm.box = "{subject.box}"\n'
        f'  config.vm.box_url = "{address}"\n'
        f'  config.vm.box_version = "{pin}"\n'
        f"{forwards}end"
    )
    adds = "\n".join(
        f"vagrant box add {shlex.quote(address)} --box-version {version} --provider {name}"
        for name, version in pins.items()
    )
    if early:
        note = "Vagrant finds pre-releases at this address only, so that nobody else gets them by an update."
    else:
        note = (
            f"Vagrant sees a rebuild of {subject.version} as a version of its own, such as "
            f"{rebuilt(subject.version, 2)}: this takes {subject.version} and its rebuilds."
        )
    return [
        Recipe("Add the box", adds, "One line is enough: the one for your provider." if len(pins) > 1 else ""),
        Recipe("Vagrantfile", vagrantfile, f"{note} Then: vagrant up --provider={first}"),
    ]


RECIPES: dict[str, Callable[[Subject], list[Recipe]]] = {
    "aws": aws,
    "vmware": vmware,
    "virtualbox": virtualbox,
    "vagrant": vagrant,
    "qemu": qemu,
}
