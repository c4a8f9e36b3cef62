"""Binaries as they are: their bytes under their own media type (FHIR R4, binary.html#rest)."""

import base64
import re

from flask import Request, Response

from gpcli.sandbox.fhir import manners
from gpcli.sandbox.fhir.interactions import Answer, etag
from gpcli.sandbox.fhir.query import Pairs

_ONE_BINARY = re.compile(r"Binary/[^/]+(/_history/[^/]+)?")
_ANYTHING = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?charset=[\w-]+)?", re.ASCII)
_HARMLESS = {
    "Cache-Control": "private, no-cache",
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "sandbox",
    "X-Content-Type-Options": "nosniff",
}
"""So that no browser runs what somebody attached as a page of the portal's."""


def is_wanted(request: Request, path: str, query: Pairs) -> bool:
    """Whether a Binary is read by somebody who doesn't ask for FHIR JSON."""
    is_read = request.method in ("GET", "HEAD") and _ONE_BINARY.fullmatch(path) is not None
    return is_read and not manners.names_json(request, query)


def respond(answer: Answer) -> Response:
    """The response with the Binary's bytes; without them if the caller has them already (304)."""
    binary = answer.resource or {}
    response = Response(status=answer.status, headers=_HARMLESS)
    response.headers["ETag"] = etag(binary)
    response.content_type = _safe(str(binary.get("contentType", _ANYTHING)))
    if answer.status != 304:
        response.data = base64.b64decode(binary.get("data", ""))
    return response


def _safe(media_type: str) -> str:
    return media_type if _MEDIA_TYPE.fullmatch(media_type) else _ANYTHING
