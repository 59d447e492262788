"""What a request asks for, read before moto answers it; and answers in the form that its client understands."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

EBS = (
    ("POST", r"/snapshots", "StartSnapshot"),
    ("POST", r"/snapshots/completion/[^/]+", "CompleteSnapshot"),
    ("PUT", r"/snapshots/[^/]+/blocks/\d+", "PutSnapshotBlock"),
    ("GET", r"/snapshots/[^/]+/blocks/\d+", "GetSnapshotBlock"),
    ("GET", r"/snapshots/[^/]+/blocks", "ListSnapshotBlocks"),
    ("GET", r"/snapshots/[^/]+/changedblocks", "ListChangedBlocks"),
)
SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True)
class Call:
    service: str
    region: str
    action: str
    parameters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, environ: dict[str, Any]) -> Call:
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        signed = environ.get("HTTP_AUTHORIZATION") or f"Credential={query.get('X-Amz-Credential', '')}"
        scope = SCOPE.search(signed)
        region, service = scope.groups() if scope else ("us-east-1", "s3")
        if target := environ.get("HTTP_X_AMZ_TARGET"):
            return cls(service, region, target.split(".")[-1])
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if service == "ebs":
            names = [name for verb, pattern, name in EBS if verb == method and re.fullmatch(pattern, path)]
            return cls(service, region, names[0] if names else "")
        if service == "s3":
            return cls(service, region, f"{method.capitalize()}Object")
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        parameters = dict(parse_qsl(body.decode(errors="replace"))) or query
        return cls(service, region, parameters.get("Action", ""), parameters)

    def error(self, code: str, message: str) -> tuple[list[tuple[str, str]], bytes]:
        """Headers and body of an error."""
        if self.service in ("ssm", "ebs"):
            body = json.dumps({"__type": code, "message": message, "Message": message})
            return [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)], body.encode()
        inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        if self.service == "ec2":
            inner = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>simulated</RequestID></Response>"
        elif self.service == "s3":
            inner = f"<Error>{inner}<RequestId>simulated</RequestId></Error>"
        else:
            inner = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error></ErrorResponse>"
        return [("Content-Type", "text/xml")], f'<?xml version="1.0" encoding="UTF-8"?>{inner}'.encode()
