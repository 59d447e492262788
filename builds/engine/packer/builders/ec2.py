"""`amazon-ebs`: an AMI from an AMI."""

from __future__ import annotations

import re
from typing import Any

from ...formats.ami.format import Ami
from ...platforms.ec2.platform import Ec2
from ..fitting import fit
from ..notes import Place
from ..options import Options
from ..values import FromData
from .base import ACCESS, GIB, NAMES, WINDOWS, Target, amount, is_windows, look_for_arm, size

OWNER = re.compile(r"[0-9]{12}|self|amazon|aws-marketplace")
SIGN_IN = (
    "access_key",
    "secret_key",
    "token",
    "profile",
    "assume_role",
    "shared_credentials_file",
    "mfa_code",
    "vault_aws_engine",
    "aws_polling",
)
USUAL = {
    "virtualization-type": "hvm",
    "root-device-type": "ebs",
    "architecture": "x86_64",
    "state": "available",
    "image-type": "machine",
}
UNSET = "ami-00000000000000000"
PUBLISHERS = 'Debian\'s owner is "136693071363", Ubuntu\'s "099720109477".'
REASONS = {
    "tags": "Slipway tags what it makes with the appliance, the release and the build.",
    "tag": "Slipway tags what it makes with the appliance, the release and the build.",
    "*_tags": "Slipway tags what it makes with the appliance, the release and the build.",
    "*_tag": "Slipway tags what it makes with the appliance, the release and the build.",
    "security_group*": "Slipway makes a security group for each build, which lets the worker in and nobody else.",
    "user_data*": "The machine gets Slipway's own user data.",
    "ami_block_device_mappings": "An AMI has its root volume only.",
    "ami_product_codes": "AMIs get no product codes.",
    "snapshot_users": "Snapshots are shared together with their AMI.",
    "snapshot_groups": "Snapshots are shared together with their AMI.",
    "deprecate_at": "Deprecation is said in days after publication: `deprecate_after` of the format ami.",
    "region_kms_key_ids": "One alias of a key serves all regions: `kms_key` of the format ami.",
    "ebs_optimized": "It is what the type of instance makes it.",
    "imds_support": "Images are registered with EC2's defaults.",
    "windows_password_timeout": "Slipway makes machines that run Linux.",
}
NOT_NEEDED = (
    "force_*", "skip_*", "ena_support", "sriov_support", "vpc_*", "subnet_filter", "availability_zone",
    "shutdown_behavior", "tenancy", "boot_mode",
    "disable_*", "enable_*", "max_retries", "*_filter", "spot_*", "block_duration_minutes",
    "metadata_options", "insecure_skip_tls_verify",
    "custom_endpoint_ec2", "decode_authorization_messages", "fleet_tags", "ami_virtualization_type",
    "placement", "license_specifications",
    "snapshot_copy_*", "no_ephemeral",
)  # fmt: skip


def ec2(options: Options, kind: str) -> Target | None:
    if is_windows(options):
        options.notes.left_out(options.place, options.path, WINDOWS, what=kind)
        return None
    look_for_arm(options, "instance_type", "source_ami_filter")
    written: dict[str, Any] = {}
    for key, ours in (
        ("region", "region"),
        ("instance_type", "instance_type"),
        ("subnet_id", "subnet"),
        ("iam_instance_profile", "instance_profile"),
        ("ssh_username", "ssh_user"),
    ):
        if value := options.text(key):
            written[ours] = value
    if port := options.number("ssh_port"):
        written["ssh_port"] = port
    _sign_in(options)
    _address(options, written)
    _spot(options, written)
    disk, volume = _volume(options)
    if volume:
        written["volume"] = volume
    written["source"] = _source(options)
    ami = _ami(options)
    origins = {
        "subnet": "subnet_id",
        "instance_profile": "iam_instance_profile",
        "ssh_user": "ssh_username",
        "volume": "launch_block_device_mappings",
        "source": "source_ami",
    }
    written = fit(Ec2, written, options, origins)
    if "source" not in written:
        written["source"] = _unset(
            options, *options.at("source_ami"), "The AMI that it starts from is nothing that EC2 has."
        )
    if not options.peek("ssh_username") and not written.get("ssh_user"):
        options.notes.to_do(
            options.place,
            options.path,
            "It does not say who logs in; Slipway takes admin.",
            "Set `ssh_user`.",
            what="ssh_user",
        )
    login = options.peek("ssh_username")
    target = Target(
        "ec2", written, [{"ami": found} if (found := fit(Ami, ami, options, {"share": "ami_users"})) else "ami"]
    )
    target.size = size(options, disk=("launch_block_device_mappings", disk))
    target.login = login if isinstance(login, str) and login else "root"
    options.leave(REASONS)
    options.not_needed(*NOT_NEEDED, *ACCESS)
    options.finish()
    return target


def _sign_in(options: Options) -> None:
    told = [key for key in SIGN_IN if key in options]
    for key in told:
        options.take(key)
    place, path = options.at(told[0]) if told else (options.place, options.path)
    named = f" ({', '.join(told)})" if told else ""
    why = f"Signing in to AWS{named} is an account's matter, not a template's."
    options.notes.to_do(place, path, why, "Add the account in Team settings → Accounts.", what="account")


def _address(options: Options, written: dict[str, Any]) -> None:
    """How the worker reaches the machine."""
    private = options.constant("associate_public_ip_address") is False
    interface = options.constant("ssh_interface")
    if interface == "session_manager":
        options.notes.changed(*options.at("ssh_interface"), "The worker reaches the machine by its private address.")
    if interface in ("private_ip", "private_dns", "session_manager") or (private and interface is None):
        written["address"] = "private"


def _spot(options: Options, written: dict[str, Any]) -> None:
    price = options.constant("spot_price")
    if price in (None, "", "0"):
        return
    if re.fullmatch(r"[0-9]{0,4}\.?[0-9]{1,6}", str(price)):
        written["spot"] = float(price)
    else:
        written["spot"] = True


def _volume(options: Options) -> tuple[int | None, dict[str, Any]]:
    """The root volume: the first that is said, or what is said of encrypting the AMI."""
    disk: int | None = None
    volume: dict[str, Any] = {}
    for n, block in enumerate(options.blocks("launch_block_device_mappings")):
        if n:
            options.notes.left_out(block.place, block.path, "A machine has one volume, its root.")
            block.not_needed("*", why="They describe that volume.")
            continue
        disk = amount(block, "volume_size", GIB)
        kind = block.constant("volume_type")
        if kind in ("gp2", "gp3"):
            volume["type"] = kind
        elif kind:
            options.notes.changed(*block.at("volume_type"), f"{kind} became gp3: volumes are gp3 or gp2.")
        if block.flag("encrypted"):
            volume["encrypted"] = True
        if key := block.text("kms_key_id"):
            volume["kms_key"] = key
        block.not_needed("device_name", "delete_on_termination", "snapshot_id", why="It is the source's root volume.")
        block.leave(
            {
                "iops": "Volumes have what their kind has without asking.",
                "throughput": "Volumes have what their kind has without asking.",
            }
        )
        block.finish()
    if options.flag("encrypt_boot"):
        volume["encrypted"] = True
    if key := options.text("kms_key_id"):
        volume["kms_key"] = key
    return disk, volume


def _source(options: Options) -> dict[str, Any]:
    found = next((key for key in ("source_ami", "source_ami_filter") if options.peek(key)), "")
    given = options.take("source_ami")
    blocks = options.blocks("source_ami_filter")
    if given is not None and isinstance(given.value, FromData):
        node = options.conversion.model.data.get(given.value.source)
        if node is not None and given.value.source[0] == "amazon-ami":
            data = options.conversion.evaluator.value(node)
            path = f"data.{'.'.join(given.value.source)}"
            return _filter(Options(data.value, data.place, path, options.conversion))
        if node is not None and given.value.source[0] == "amazon-parameterstore":
            data = options.conversion.evaluator.value(node)
            inner = Options(data.value, data.place, f"data.{'.'.join(given.value.source)}", options.conversion)
            if name := inner.text("name"):
                inner.not_needed("region", *SIGN_IN)
                return {"parameter": name}
    if found == "source_ami" or (given is not None and not blocks):
        value = options.conversion.variables.written(given) if given else ""
        known = options.conversion.evaluator.settled(given) if given else ""
        if isinstance(value, str) and isinstance(known, str) and re.fullmatch(r"ami-[0-9a-f]+", known):
            return {"id": value}
        return _unset(options, *options.at("source_ami"), "The AMI that it starts from is not known.")
    if blocks:
        return _filter(blocks[0])
    return _unset(options, options.place, options.path, "It does not say which AMI it starts from.")


def _filter(block: Options) -> dict[str, Any]:
    filters = {}
    for inner in block.blocks("filters"):
        for key in ("name", "image-id"):
            if value := inner.text(key):
                filters[key] = value
        for key, usual in USUAL.items():
            value = inner.constant(key)
            if value not in (None, usual):
                why = f"{value!r} is not asked for: Slipway takes machines of x86_64 with a volume of EBS."
                block.notes.left_out(*inner.at(key), why)
        inner.finish("The newest AMI of this owner and name is taken, whatever else it is.")
    owners = block.texts("owners")
    block.not_needed("most_recent", "include_deprecated", "region", *SIGN_IN, why="The newest is always taken.")
    block.finish()
    fitting = [owner for owner in owners if OWNER.fullmatch(owner) or "{{" in owner]
    if len(owners) > 1:
        block.notes.changed(*block.at("owners"), f"Only the owner {(fitting or owners)[0]} is looked at.")
    if "image-id" in filters:
        return {"id": filters["image-id"]}
    if "name" not in filters or not fitting:
        missing = "the owner" if "name" in filters else "the name"
        return _unset(block, block.place, block.path, f"The filter lacks {missing} of the AMI.")
    return {"filter": {"owner": fitting[0], "name": filters["name"]}}


def _unset(options: Options, place: Place, path: str, why: str) -> dict[str, Any]:
    options.notes.to_do(
        place,
        path,
        f"{why} {UNSET} does not exist.",
        f"Put an AMI, or a filter for one, into `source`. {PUBLISHERS}",
        what="source",
    )
    return {"id": UNSET}


def _ami(options: Options) -> dict[str, Any]:
    """What the format says about the AMI itself."""
    ami: dict[str, Any] = {}
    if described := options.text("ami_description"):
        ami["description"] = described
    home = options.peek("region")
    if regions := [region for region in options.texts("ami_regions") if region and region != home]:
        ami["regions"] = regions
    if "all" in options.texts("ami_groups"):
        ami["share"] = "all"
    else:
        with_whom = [*options.texts("ami_users"), *options.texts("ami_org_arns"), *options.texts("ami_ou_arns")]
        if with_whom := [each for each in with_whom if each]:
            ami["share"] = with_whom
    if "ami_name" in options:
        options.take("ami_name")
        options.notes.changed(*options.at("ami_name"), NAMES, "Set `name` of the format ami for one of your own.")
    return ami
