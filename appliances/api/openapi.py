"""The OpenAPI document: what ninja derives from the operations, and every error that each may answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ninja import NinjaAPI

from .idempotency import HEADER, REPLAYED
from .problems import KINDS, MEDIA_TYPE, Problem

ALWAYS = (400, 401, 403, 404, 405, 406, 429)
BY_METHOD = {
    "get": (422,),
    "post": (409, 413, 415, 422),
    "put": (409, 412, 413, 415, 422),
    "patch": (409, 412, 413, 415, 422),
    "delete": (409, 422),
}
KEY = {
    "name": HEADER,
    "in": "header",
    "description": "Any text of your own, new for each request: sent again within 24 hours, it is answered the same "
    f"again (with `{REPLAYED}: true`), and done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
FILE = {"schema": {"type": "string", "format": "binary"}}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add to what ninja derived; `document` is changed."""
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    document["components"]["schemas"] |= problem.pop("$defs") | {"Problem": problem}
    document["components"]["responses"] = {_name(status): _response(status) for status in sorted(_statuses())}
    for path, method, operation in operations(document):
        for status in (*ALWAYS, *BY_METHOD[method]):
            operation["responses"][str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
        if method == "post":
            operation["parameters"].append(KEY)
        if "/artifacts/{number}" in path:
            operation["responses"]["410"] = {"$ref": f"#/components/responses/{_name(410)}"}
        if path.endswith("/download"):
            _files(operation)
        for parameter in operation["parameters"]:
            parameter["schema"].pop("title", None)
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation)"""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operation["responses"] = {str(status): each for status, each in operation["responses"].items()}
            yield path, method, operation


def _files(operation: dict[str, Any]) -> None:
    whole, part = ({"description": text, "content": {"*/*": FILE}} for text in ("The file.", "A part of it."))
    operation["responses"] |= {
        "200": whole,
        "206": part,
        "302": {"description": "The file is elsewhere.", "headers": {"Location": {"schema": {"type": "string"}}}},
        "304": {"description": "You have it: `If-None-Match` names its `ETag`."},
        "409": {"$ref": f"#/components/responses/{_name(409)}"},
        "416": {"$ref": f"#/components/responses/{_name(416)}"},
    }


def _statuses() -> set[int]:
    return {kind.status for kind in KINDS.values() if kind.status < 500}


def _name(status: int) -> str:
    return f"Problem{status}"


def _response(status: int) -> dict[str, Any]:
    kinds = {name: kind for name, kind in KINDS.items() if kind.status == status}
    examples = {
        name: {
            "value": Problem(
                type=f"/api/#problem-{name}", title=kind.title, status=status, detail=kind.meaning
            ).model_dump()
        }
        for name, kind in kinds.items()
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}}
    return {"description": " Or: ".join(kind.meaning for kind in kinds.values()), "content": content}


class Documented(NinjaAPI):
    """Answers each operation's name for its id, and the completed document."""

    def get_openapi_operation_id(self, operation: Any) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(self, **options: Any) -> dict[str, Any]:
        return complete(super().get_openapi_schema(**options))
