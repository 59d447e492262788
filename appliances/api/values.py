"""What a team says once for all its templates: values of their variables, for everybody of the team to read."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from appliances import teams
from appliances.forms import ValueForm
from appliances.models import Scope, Value
from appliances.permissions import can_maintain

from .access import Bearer
from .paging import Cursor, Limit, Page, page
from .problems import Refusal, of_form
from .shapes import Input, Output

router = Router(tags=["Values"])
BUILD = Bearer(Scope.BUILD)


class ValueShape(Output):
    name: str = Field(examples=["mirror"])
    text: str = Field(examples=["https://mirror.example.org"])
    updated_at: datetime

    @classmethod
    def of(cls, row: Value) -> ValueShape:
        return cls(name=row.name, text=row.text, updated_at=row.updated_at)


class NewValue(Input):
    text: str = Field(max_length=10_000, description="What nobody may see is a secret, and no value.")


@router.get("teams/{slug:team}/values", response=Page[ValueShape])
def list_values(
    request: HttpRequest, response: HttpResponse, team: str, limit: Limit = 50, cursor: Cursor = ""
) -> dict:
    """What templates get that declare such a variable, and whose release has no value of its own."""
    return page(request, response, request.auth.team(team).values.all(), ValueShape.of, limit=limit, cursor=cursor)


@router.put("teams/{slug:team}/values/{str:name}", auth=BUILD, response=ValueShape)
def set_value(request: HttpRequest, team: str, name: str, body: NewValue) -> ValueShape:
    """In the place of a former one. What is built already keeps the value that it has. Maintainers only."""
    found = request.auth.team(team, can_maintain)
    form = ValueForm({"name": name, "text": body.text})
    if not form.is_valid():
        raise of_form(form.errors)
    return ValueShape.of(teams.set_value(found, name, form.cleaned_data["text"], by=request.auth.user))


@router.delete("teams/{slug:team}/values/{str:name}", auth=BUILD, response={204: None})
def remove_value(request: HttpRequest, team: str, name: str) -> None:
    """Templates that declare it take the next value there is. Maintainers only."""
    found = request.auth.team(team, can_maintain)
    value = found.values.filter(name=name).first()
    if value is None:
        raise Refusal("not-found", f"{found} has no value called {name}.")
    teams.forget_value(value, by=request.auth.user)
