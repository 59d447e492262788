"""Commands that a visitor can copy: what each family's own tools want to be told about a file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from appliances import gems
from appliances.gems import is_prerelease
from appliances.models.upload import UNKNOWN
from builds.models import Artifact

from . import places
from .families import BOX, FAMILIES, Family, label
from .places import Place
from .vagrant.document import USUAL
from .vagrant.versions import constraint, rebuilt

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
    constraints: Sequence[Constraint] = ()


@dataclass(frozen=True)
class Constraint:
    """What may stand for a version, and which version that is today."""

    text: str
    meaning: str
    today: str


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
    channel: str = ""
    """One that points to this version."""
    box_versions: Sequence[str] = ()
    """Those of all boxes that Vagrant finds now."""
    library: str = ""
    """The address of the content library that it is in."""
    asks: bool = False
    """The library asks who subscribes."""
    private: bool = False
    """Only with a token."""

    @property
    def curl(self) -> str:
        return 'curl -H "Authorization: Bearer $SLIPWAY_TOKEN"' if self.private else "curl"

    @property
    def open_channel(self) -> str:
        """For tools that bring no token."""
        return "" if self.private else self.channel

    @property
    def followed(self) -> str:
        """The address of the channel: what it leads to changes, and it does not."""
        return f"{self.page_url}/{self.channel}" if self.channel else ""

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
            recipes = [*fetch(family, subject, downloads), *RECIPES[family.key](subject)]
            helped = constraints(subject) if family.key == "vagrant" else ()
            found.append(Way(family, downloads, places, recipes, helped))
    return found


def fetch(family: Family, subject: Subject, downloads: Sequence[Download]) -> list[Recipe]:
    """Vagrant downloads by itself; for the others, on a server without a browser."""
    if family.key == "vagrant" or not downloads:
        return []
    note = "Broken off? Run it again: it goes on where it stopped."
    found = [Recipe("Download in a terminal", f"{subject.curl} -fLO -C - {downloads[0].url}", note)]
    if subject.channel:
        command = f"{subject.curl} -fLOJ {subject.followed}/{downloads[0].artifact.format}"
        found.append(Recipe("In a script", command, f"Takes what {subject.channel} is at that time."))
    return found


def constraints(subject: Subject) -> list[Constraint]:
    """From everything to this version alone."""
    asked = {"": "the highest that there is"}
    parts = subject.version.split(".")
    if all(part.isdigit() for part in parts):
        for count in range(2, len(parts) + 1):
            least = ".".join(parts[:count])
            asked[f"~> {least}"] = f"{least} or higher, below {gems.Version(least).bumped.text}"
    if not is_prerelease(subject.version):
        asked[constraint(subject.version)] = f"{subject.version} and its rebuilds"
    asked[f"= {subject.version}"] = f"the first images of {subject.version}, for good"
    return [Constraint(text, meaning, gems.best(subject.box_versions, text)) for text, meaning in asked.items()]


def aws(subject: Subject) -> list[Recipe]:
    images = subject.places["ami"]
    follow = (
        [
            Recipe(
                f"Terraform, with what {subject.channel} is at that time",
                places.terraform_following(subject.slug, f"{subject.followed}/ami", subject.memory),
                "Another version gives another AMI: Terraform then shows that it would replace the instance.",
            )
        ]
        if subject.open_channel
        else []
    )
    return [
        Recipe("Launch it with the AWS CLI", places.cli(images[0], subject.memory), "KEY and GROUP are your own."),
        Recipe("Terraform", places.terraform(subject.slug, images, subject.memory)),
        *follow,
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
        if subject.open_channel:
            recipes.append(
                Recipe(
                    f"Build on {subject.channel} with Packer",
                    f'source "qemu" "{places.identifier(subject.slug)}" {{\n'
                    "  disk_image   = true\n"
                    f'  iso_url      = "{subject.followed}/qcow2"\n'
                    f'  iso_checksum = "file:{subject.followed}/qcow2.sha256"\n'
                    "}",
                    f"Both addresses stay; they lead to {subject.version} today.",
                )
            )
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
        *subscribe(subject),
    ]


def subscribe(subject: Subject) -> list[Recipe]:
    if not subject.library:
        return []
    host = urlsplit(subject.library).netloc
    server = host if ":" in host else f"{host}:443"
    who = "Authentication: user vcsp, password one of your tokens that may read. " if subject.asks else ""
    trust = (
        "It asks whether to trust the certificate; compare its thumbprint with "
        f"openssl s_client -connect {server} </dev/null | openssl x509 -noout -fingerprint. "
        if subject.library.startswith("https:")
        else ""
    )
    return [
        Recipe(
            "Subscribe a vCenter",
            subject.library,
            f"Content Libraries, Create, Subscribed content library, with this address. {who}{trust}"
            "All versions of this team are in it, and new ones arrive by themselves.",
        )
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
