"""Boxes that were made elsewhere, on their way into a release."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from .release import Release

provider_validator = RegexValidator(
    r"^[a-z][a-z0-9_-]{0,23}\Z", "Use what Vagrant calls its provider: virtualbox, libvirt, vmware_desktop."
)
ARCHITECTURES = ("amd64", "i386", "arm", "arm64", "ppc64le", "ppc64", "mips64le", "mips64", "mipsle", "mips", "s390x")
FROZEN = (
    *("provider", "architecture", "default", "url", "checksum_type", "checksum"),
    *("file", "size", "sha256", "details"),
)
CHECKSUMS = {"md5": 32, "sha1": 40, "sha256": 64, "sha384": 96, "sha512": 128}
"""Those that Vagrant compares, and how many digits they have."""
UNKNOWN = "unknown"
"""The architecture of a box that does not tell: older than Vagrant 2.4."""


class Upload(models.Model):
    """One provider's box of a release, as a person or their tools declared it. See `uploads.py`.

    Without `file` and `url` nothing has arrived yet. A file was opened and found right before it is named here.
    """

    release = models.ForeignKey(Release, models.CASCADE, related_name="uploads")
    provider = models.CharField(max_length=24, validators=[provider_validator])
    architecture = models.CharField(max_length=16, default=UNKNOWN)
    default = models.BooleanField(default=True, help_text="Who asks for no architecture gets this one.")
    url = models.URLField(max_length=1000, blank=True, help_text="Where it is when it is not kept here.")
    checksum_type = models.CharField(
        max_length=8, blank=True, help_text="As declared: md5, sha1, sha256, sha384, sha512."
    )
    checksum = models.CharField(max_length=128, blank=True, help_text="As declared, in hex.")
    file = models.CharField(max_length=300, blank=True, help_text="Storage key.")
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict, blank=True, help_text="What its metadata.json and info.json say.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    received_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["provider", "architecture"]
        constraints = [
            models.UniqueConstraint(
                fields=["release", "provider", "architecture"], name="one_upload_per_provider_and_architecture"
            )
        ]

    def __str__(self) -> str:
        return f"{self.release} {self.provider}/{self.architecture}"

    def clean(self) -> None:
        """What was declared, all of it that makes no sense."""
        wrong = {}
        if self.architecture not in (*ARCHITECTURES, UNKNOWN):
            wrong["architecture"] = f"Use Vagrant's word: {', '.join(ARCHITECTURES)}, or {UNKNOWN}."
        if self.checksum_type and self.checksum_type not in CHECKSUMS:
            wrong["checksum_type"] = f"Vagrant knows {', '.join(CHECKSUMS)}."
        elif self.checksum and not self.checksum_type:
            wrong["checksum_type"] = "Say which one it is: sha256, for example."
        elif self.checksum_type and not re.fullmatch(rf"[0-9a-f]{{{CHECKSUMS[self.checksum_type]}}}", self.checksum):
            wrong["checksum"] = f"A {self.checksum_type} has {CHECKSUMS[self.checksum_type]} digits, 0 to 9 and a to f."
        if self.url and not self.url.lower().startswith(("https://", "http://")):
            wrong["url"] = "Vagrant downloads from addresses that begin with https:// or http://."
        if wrong:
            raise ValidationError(wrong)

    @property
    def has_arrived(self) -> bool:
        return bool(self.file or self.url)

    @property
    def key(self) -> tuple[str, str]:
        """Which of its release's boxes it is."""
        return self.provider, self.architecture

    def frozen(self) -> dict[str, Any]:
        """What a revision that takes it in remembers of it."""
        return {name: getattr(self, name) for name in FROZEN}
