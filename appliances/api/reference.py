"""The reference page, made from the OpenAPI document: what it says is what the API does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliances.account_form import with_code
from appliances.models import Scope

from .openapi import operations
from .problems import KINDS
from .v1 import api


@dataclass(frozen=True)
class Field:
    name: str
    kind: str
    required: bool
    text: str


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    text: str
    scope: str
    parameters: list[Field]
    body: list[Field]
    answer: list[Field]
    status: str
    errors: list[str]

    @property
    def short(self) -> str:
        return self.path.removeprefix("/api/v1")


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    document, groups = contents()
    problems = [(name, kind, with_code(kind.meaning)) for name, kind in KINDS.items()]
    example = f'curl -H "Authorization: Bearer $SLIPWAY_TOKEN" {request.build_absolute_uri("/api/v1/token")}'
    context = {"area": "api", "document": document, "groups": groups, "problems": problems, "scopes": Scope}
    context["example"] = example
    return render(request, "api/reference.html", context)


@cache
def contents() -> tuple[dict[str, Any], dict[str, list[Operation]]]:
    """The document, and its operations by subject; the same until the server starts anew."""
    document = api.get_openapi_schema()
    scopes = scopes_of()
    groups: dict[str, list[Operation]] = {}
    for path, method, found in operations(document):
        groups.setdefault(found["tags"][0], []).append(_operation(document, path, method, found, scopes))
    return document, groups


def scopes_of() -> dict[str, str]:
    """By operation: the scope that its token needs; empty when it needs no token."""
    found = {}
    for bound in api._get_bound_routers():
        for view in bound.path_operations.values():
            for operation in view.operations:
                [bearer] = operation.auth_callbacks
                found[operation.view_func.__name__] = "" if bearer.optional else str(bearer.scope)
    return found


def _operation(
    document: dict[str, Any], path: str, method: str, found: dict[str, Any], scopes: dict[str, str]
) -> Operation:
    status, good = next((code, each) for code, each in found["responses"].items() if code.startswith("2"))
    return Operation(
        name=found["operationId"],
        method=method.upper(),
        path=path,
        text=with_code(found.get("description", "")),
        scope=scopes[found["operationId"]],
        parameters=[
            Field(each["name"], each["in"], each.get("required", False), with_code(each.get("description", "")))
            for each in found["parameters"]
            if each["in"] != "path"
        ],
        body=list(_fields(document, _schema(found.get("requestBody", {})))),
        answer=list(_fields(document, _schema(good))),
        status=status,
        errors=[code for code in found["responses"] if code.startswith("4")],
    )


def _schema(holder: dict[str, Any]) -> dict[str, Any]:
    content = holder.get("content", {}).get("application/json", {})
    return content.get("schema", {})


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[Field]:
    """Those of an object, or of the objects in a list or a page."""
    schema = _resolved(document, schema)
    items = schema.get("items") or schema.get("properties", {}).get("items", {}).get("items")
    if items:
        schema = _resolved(document, items)
    for name, each in schema.get("properties", {}).items():
        text = each.get("description", "") or _resolved(document, each).get("description", "")
        yield Field(name, _kind(document, each), name in schema.get("required", ()), with_code(text))


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while reference := schema.get("$ref") or next((each.get("$ref") for each in schema.get("allOf", ())), None):
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
    return schema


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """ "string", "list of integer", "one of draft, published"."""
    found = _resolved(document, schema)
    if "enum" in found:
        return "one of " + ", ".join(map(str, found["enum"]))
    if "anyOf" in found:
        return " or ".join(_kind(document, each) for each in found["anyOf"])
    if found.get("type") == "array":
        return f"list of {_kind(document, found['items'])}"
    return {"date-time": "time"}.get(found.get("format", ""), found.get("type", "anything"))
