"""The one writer of states: a table allows a move, compare-and-set makes it, so that no two can make it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models

from . import states


class Lost(Exception):  # noqa: N818 -- it is an answer: somebody else was first
    """The row is no longer in the state that the move starts from. Nothing was changed."""


class Moved(models.Model):
    """A row whose state only moves change: `save()` leaves it alone, so that a stale page cannot undo a move."""

    moved: ClassVar[tuple[str, ...]] = ("state",)
    """The columns that moves set."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding and options.get("update_fields") is None:
            names = {field.name for field in self._meta.concrete_fields if not field.primary_key}
            options["update_fields"] = names - set(self.moved)
        super().save(*args, **options)


class Moves:
    """Moves rows between the states of one table; called like a function."""

    def __init__(self, allowed: Mapping[str, tuple[str, ...]]) -> None:
        self._allowed = allowed

    def __call__(self, row: models.Model, origin: str | tuple[str, ...], to: str, **fields: object) -> None:
        """Move `row` from `origin` (a state, or any of several) and set `fields`, in the database and on `row`.

        Raises Lost when the row in the database is in another state, ValueError when there is no such move.
        """
        origins = (origin,) if isinstance(origin, str) else origin
        for state in origins:
            if to not in self._allowed[state]:
                raise ValueError(f"{row._meta.model_name} cannot move from {state} to {to}")
        changed = type(row)._base_manager.filter(pk=row.pk, state__in=origins).update(state=to, **fields)
        if changed != 1:
            raise Lost(f"{row._meta.model_name} {row.pk} is not {' or '.join(origins)} any more")
        for name, value in {"state": to, **fields}.items():
            setattr(row, name, value)


move = Moves(states.MOVES)
move_delivery = Moves(states.DELIVERY_MOVES)
