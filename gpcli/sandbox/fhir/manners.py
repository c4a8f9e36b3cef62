"""HTTP manners of FHIR: formats, `Prefer`, entity tags, and how an answer becomes a response."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl

from flask import Request, Response
from werkzeug.http import parse_options_header

from gpcli.sandbox.fhir.dates import instant
from gpcli.sandbox.fhir.elements import Resource, reference_to
from gpcli.sandbox.fhir.interactions import Answer, Conditions, etag
from gpcli.sandbox.fhir.outcome import Problem, bad_request, outcome
from gpcli.sandbox.fhir.query import Pairs

MEDIA_TYPE = "application/fhir+json; charset=utf-8"
_JSON = ("application/fhir+json", "application/json", "text/json", "json")
_ANY = ("*/*", "application/*", "text/*")
_FORM = "application/x-www-form-urlencoded"


def pairs(text: bytes) -> Pairs:
    """The names and values of a query or a form, in order; raises Problem 400 unless UTF-8."""
    try:
        return parse_qsl(text.decode("utf-8"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise bad_request("The query is not UTF-8.", "structure") from error


def require_json_accepted(request: Request, query: Pairs) -> None:
    """Raise 406 unless the caller takes JSON, by `_format` or else by Accept."""
    asked = dict(query).get("_format")
    if asked is not None:
        _require_format(asked.replace(" ", "+"))
        return
    listed = list(request.accept_mimetypes)
    if listed and not any(_is_json(value, _ANY) for value, quality in listed if quality > 0):
        raise _not_acceptable()


def names_json(request: Request, query: Pairs) -> bool:
    """Whether the caller asks for JSON by name, not just for anything."""
    asked = [value for value, quality in request.accept_mimetypes if quality > 0]
    return "_format" in dict(query) or any(_is_json(value) for value in asked)


def require_json_body(request: Request) -> None:
    """Raise 415 unless the body is said to be JSON in UTF-8."""
    if not _is_json(request.headers.get("Content-Type", "")):
        raise _unsupported("Send the body as application/fhir+json in UTF-8.")


def require_form_body(request: Request) -> None:
    """Raise 415 if there is a body that isn't a form."""
    if request.content_length and request.mimetype != _FORM:
        raise _unsupported(f"Send a search as {_FORM}.")


def preference(request: Request, name: str) -> str:
    """The value of a preference in `Prefer` (RFC 7240), as `minimal` for `return`."""
    stated = ",".join(request.headers.getlist("Prefer")).replace(";", ",").split(",")
    found = (each.strip().partition("=") for each in stated)
    return next((value.strip(' "') for key, _, value in found if key.strip() == name), "")


def conditions(request: Request) -> Conditions:
    """The conditions in the request's headers."""
    return Conditions(
        match=request.headers.get("If-Match", ""),
        none_match=request.headers.get("If-None-Match", ""),
        none_exist=request.headers.get("If-None-Exist", ""),
    )


def respond(answer: Answer, base: str, wanted: str = "") -> Response:
    """The response to an answer; `wanted` is the preference `return`, for what was written."""
    response = Response(status=answer.status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "private, no-cache"
    resource = answer.resource
    if resource is None:
        return response
    _tell_version(response, resource, base)
    if answer.status != 304:
        response.data = _written(resource, wanted)
    return response


def refuse(problem: Problem) -> Response:
    """The response that says why not."""
    response = Response(status=problem.status, content_type=MEDIA_TYPE)
    response.headers.update(problem.headers)
    response.data = _encoded(problem.outcome())
    return response


def http_date(resource: Resource) -> str:
    """When the version was made, as HTTP writes it."""
    made: datetime = instant(resource["meta"]["lastUpdated"]).replace(microsecond=0)
    return format_datetime(made.astimezone(UTC), usegmt=True)


def version_url(resource: Resource, base: str) -> str:
    """The address of a resource's version."""
    return f"{base}/{reference_to(resource)}/_history/{resource['meta']['versionId']}"


def _tell_version(response: Response, resource: Resource, base: str) -> None:
    if "versionId" not in resource.get("meta", {}):
        return
    response.headers["ETag"] = etag(resource)
    response.headers["Last-Modified"] = http_date(resource)
    if response.status_code == 201:
        response.headers["Location"] = version_url(resource, base)


def _written(resource: Resource, wanted: str) -> bytes:
    if wanted == "minimal":
        return b""
    if wanted == "OperationOutcome":
        return _encoded(outcome("information", "informational", {"text": "Done."}))
    return _encoded(resource)


def _encoded(resource: Resource) -> bytes:
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()


def _is_json(value: str, also: tuple[str, ...] = ()) -> bool:
    media, options = parse_options_header(value)
    is_ours = options.get("fhirVersion", options.get("fhirversion", "4.0")) in ("4.0", "4.0.1")
    is_utf8 = options.get("charset", "utf-8").lower() in ("utf-8", "utf8")
    return media in (*_JSON, *also) and is_ours and is_utf8


def _require_format(asked: str) -> None:
    if not _is_json(asked):
        raise _not_acceptable()


def _not_acceptable() -> Problem:
    return Problem(406, "not-supported", "The portal speaks JSON only: application/fhir+json.")


def _unsupported(text: str) -> Problem:
    return Problem(415, "not-supported", text)
