"""What a team says once for all its templates: values of their variables, for everybody of the team to read."""

from __future__ import annotations

from django.db import models

from .people import Team


class Value(models.Model):
    """The value of a variable in all templates of a team that declare it and whose release has none of its own."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="values")
    name = models.CharField(max_length=64)
    text = models.TextField(blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="one_value_per_team_and_name")]

    def __str__(self) -> str:
        return f"{self.team}: {self.name}"
