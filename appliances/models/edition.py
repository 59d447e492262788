"""How often the catalog has changed: see `editions.py`."""

from __future__ import annotations

from django.db import models


class Edition(models.Model):
    """There is one row: of the whole catalog. Appliances and teams remember the number of their own last change."""

    ONLY = 1

    number = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"edition {self.number}"
