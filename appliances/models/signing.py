"""The installation's own keys, and the signatures that were made with them. See `appliances/signing/`."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from .. import secrets


class KeyKind(models.TextChoices):
    OPENPGP = "openpgp", "OpenPGP"
    SSH = "ssh", "SSH"


class SigningKeyQuerySet(models.QuerySet):
    def unretired(self) -> SigningKeyQuerySet:
        """Oldest first: the first one signs, a later one waits until that is retired."""
        return self.filter(Q(retired_at=None) | Q(retired_at__gt=timezone.now())).order_by("number")

    def retired(self) -> SigningKeyQuerySet:
        return self.filter(retired_at__lte=timezone.now())


class SigningKey(models.Model):
    """One key of the installation. Its public part is published for good, since old signatures stay in the world."""

    kind = models.CharField(max_length=8, choices=KeyKind)
    number = models.PositiveIntegerField(help_text="1 is the first of its kind; each rotation makes the next.")
    public = models.TextField(help_text="As its programs read it.")
    fingerprint = models.CharField(max_length=64, help_text="As its programs show it.")
    ciphertext = models.BinaryField(help_text="The encrypted private part; empty once it is retired.")
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True, help_text="From then on it signs nothing.")

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "-number"]
        constraints = [models.UniqueConstraint(fields=["kind", "number"], name="one_signing_key_per_number")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} key {self.fingerprint}"

    @property
    def is_retired(self) -> bool:
        return self.retired_at is not None and self.retired_at <= timezone.now()

    def private(self) -> str:
        """Decrypted, for a signature and nothing else. Raises WorkerError when the installation's keys do not fit."""
        return secrets.decrypt(self.ciphertext)


class Signature(models.Model):
    """A signature, kept so that all processes serve the same bytes, and make none at every request."""

    key = models.ForeignKey(SigningKey, models.CASCADE, related_name="signatures")
    form = models.CharField(max_length=40, help_text="What kind of signature: detached, clear, or SSH's namespace.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of what is signed, in hex.")
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "form", "digest"], name="one_signature_per_content")]

    def __str__(self) -> str:
        return f"{self.form} {self.digest[:12]} by {self.key}"

    @classmethod
    def sweep(cls, before: datetime) -> int:
        """Forget what was signed so long ago: who asks again gets a new one."""
        return cls.objects.filter(created_at__lt=before).delete()[0]
