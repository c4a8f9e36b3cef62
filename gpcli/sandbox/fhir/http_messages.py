"""Read FHIR requests and build FHIR responses: formats, bodies, `Prefer` and entity tags.

Source: FHIR R4, http.html.
"""

import base64
import json
import math
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from flask import Request, Response
from werkzeug.http import parse_options_header

from gpcli.sandbox.fhir.dates import parse_instant
from gpcli.sandbox.fhir.elements import Resource, reference_to
from gpcli.sandbox.fhir.interactions import Conditions, InteractionResult, etag
from gpcli.sandbox.fhir.operation_outcome import FhirError, bad_request, operation_outcome
from gpcli.sandbox.fhir.search_query import QueryParameters

_MAX_DEPTH = 64
MEDIA_TYPE = "application/fhir+json; charset=utf-8"
_JSON_TYPES = ("application/fhir+json", "application/json", "text/json", "json")
_WILDCARDS = ("*/*", "application/*", "text/*")
_FORM_TYPE = "application/x-www-form-urlencoded"
_BINARY_PATH = re.compile(r"Binary/[^/]+(/_history/[^/]+)?")
_OCTET_STREAM = "application/octet-stream"
_VALID_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?charset=[\w-]+)?", re.ASCII)
_DOWNLOAD_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "sandbox",
    "X-Content-Type-Options": "nosniff",
}
"""Headers that keep browsers from running an attachment as a page of the portal."""


def decode_body(body: bytes, type_: str = "") -> Resource:
    """Decode a request body as strict JSON, and return the resource.

    The body is UTF-8 and one object, without duplicate names or numbers out of range; `type_` is
    the required resource type, if given.

    Raises:
        FhirError: 400.
    """
    try:
        resource = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_reject_duplicate_names,
            parse_constant=_reject_constant,
            parse_float=_parse_finite,
        )
        json.dumps(resource, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise bad_request("The body is not well-formed JSON.", "structure") from error
    if _depth(resource) > _MAX_DEPTH:
        raise bad_request("The body is nested too deeply.", "structure")
    return _require_resource(resource, type_)


def _require_resource(resource: Any, type_: str) -> Resource:
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise bad_request("The body is no FHIR resource.", "structure")
    if type_ and resource["resourceType"] != type_:
        raise bad_request(f"The body is not a resource of type {type_}.")
    return resource


def _reject_duplicate_names(pairs: list[tuple[str, Any]]) -> Resource:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return members


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _parse_finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


def _depth(element: Any) -> int:
    if isinstance(element, dict):
        return 1 + max((_depth(child) for child in element.values()), default=0)
    if isinstance(element, list):
        return 1 + max((_depth(child) for child in element), default=0)
    return 0


def parse_query_string(text: bytes) -> QueryParameters:
    """Return the names and values of a query string or form, in order.

    Raises:
        FhirError: 400 if the text is not UTF-8.
    """
    try:
        return parse_qsl(text.decode("utf-8"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise bad_request("The query is not UTF-8.", "structure") from error


def require_json_accepted(request: Request, query: QueryParameters) -> None:
    """Raise 406 unless `_format`, or else `Accept`, allows JSON."""
    requested = dict(query).get("_format")
    listed = list(request.accept_mimetypes)
    if requested is not None:
        accepted = _is_json(requested.replace(" ", "+"))  # a + in an address is read as a space
    else:
        accepted = not listed or any(
            _is_json(value, _WILDCARDS) for value, quality in listed if quality > 0
        )
    if not accepted:
        text = "The portal speaks JSON only: application/fhir+json."
        raise FhirError(406, "not-supported", text)


def is_json_requested(request: Request, query: QueryParameters) -> bool:
    """Return whether `_format` or `Accept` names JSON, not just a wildcard."""
    requested = [value for value, quality in request.accept_mimetypes if quality > 0]
    return "_format" in dict(query) or any(_is_json(value) for value in requested)


def require_json_body(request: Request) -> None:
    """Raise 415 unless the body is declared as JSON in UTF-8."""
    if not _is_json(request.headers.get("Content-Type", "")):
        raise _unsupported_media_type("Send the body as application/fhir+json in UTF-8.")


def require_form_body(request: Request) -> None:
    """Raise 415 if the body is not a form."""
    if request.content_length and request.mimetype != _FORM_TYPE:
        raise _unsupported_media_type(f"Send a search as {_FORM_TYPE}.")


def read_preference(request: Request, name: str) -> str:
    """Return the value of a preference in `Prefer`: `minimal` for `return`.

    It is empty if the preference is absent.

    Source: RFC 7240.
    """
    stated = ",".join(request.headers.getlist("Prefer")).replace(";", ",").split(",")
    found = (each.strip().partition("=") for each in stated)
    return next((value.strip(' "') for key, _, value in found if key.strip() == name), "")


def read_conditions(request: Request) -> Conditions:
    """Return the conditions in the request's headers."""
    return Conditions(
        match=request.headers.get("If-Match", ""),
        none_match=request.headers.get("If-None-Match", ""),
        none_exist=request.headers.get("If-None-Exist", ""),
    )


def build_response(result: InteractionResult, base: str, return_preference: str = "") -> Response:
    """Build the response for a result.

    `return_preference` is the value of `Prefer: return`, for writes.
    """
    response = Response(status=result.status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "private, no-cache"
    resource = result.resource
    if resource is None:
        return response
    _add_version_headers(response, resource, base)
    if result.status != 304:
        response.data = _response_body(resource, return_preference)
    return response


def build_error_response(error: FhirError) -> Response:
    """Build the response for an error, with its OperationOutcome."""
    response = Response(status=error.status, content_type=MEDIA_TYPE)
    response.headers.update(error.headers)
    response.data = _encode_json(error.to_operation_outcome())
    return response


def last_modified(resource: Resource) -> str:
    """Return when the version was stored, as an HTTP date."""
    modified: datetime = parse_instant(resource["meta"]["lastUpdated"]).replace(microsecond=0)
    return format_datetime(modified.astimezone(UTC), usegmt=True)


def version_url(resource: Resource, base: str) -> str:
    """Return the address of a resource's version."""
    return f"{base}/{reference_to(resource)}/_history/{resource['meta']['versionId']}"


def _add_version_headers(response: Response, resource: Resource, base: str) -> None:
    if "versionId" not in resource.get("meta", {}):
        return
    response.headers["ETag"] = etag(resource)
    response.headers["Last-Modified"] = last_modified(resource)
    if response.status_code == 201:
        response.headers["Location"] = version_url(resource, base)


def _response_body(resource: Resource, return_preference: str) -> bytes:
    if return_preference == "minimal":
        return b""
    if return_preference == "OperationOutcome":
        return _encode_json(operation_outcome("information", "informational", {"text": "Done."}))
    return _encode_json(resource)


def _encode_json(resource: Resource) -> bytes:
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()


def _is_json(value: str, wildcards: tuple[str, ...] = ()) -> bool:
    """Return whether a media type is JSON of FHIR R4 in UTF-8, or one of the `wildcards`."""
    media, options = parse_options_header(value)
    is_r4 = options.get("fhirVersion", options.get("fhirversion", "4.0")) in ("4.0", "4.0.1")
    is_utf8 = options.get("charset", "utf-8").lower() in ("utf-8", "utf8")
    return media in (*_JSON_TYPES, *wildcards) and is_r4 and is_utf8


def _unsupported_media_type(text: str) -> FhirError:
    return FhirError(415, "not-supported", text)


def is_raw_binary_requested(request: Request, path: str, query: QueryParameters) -> bool:
    """Return whether a Binary is to be read as bytes, not as FHIR JSON.

    Source: FHIR R4, binary.html#rest.
    """
    is_read = request.method in ("GET", "HEAD") and _BINARY_PATH.fullmatch(path) is not None
    return is_read and not is_json_requested(request, query)


def build_binary_response(result: InteractionResult) -> Response:
    """Build the response with the Binary's bytes, or without a body for a 304."""
    binary = result.resource or {}
    response = Response(status=result.status, headers=_DOWNLOAD_HEADERS)
    response.headers["ETag"] = etag(binary)
    response.content_type = _safe_media_type(str(binary.get("contentType", _OCTET_STREAM)))
    if result.status != 304:
        response.data = base64.b64decode(binary.get("data", ""))
    return response


def _safe_media_type(media_type: str) -> str:
    return media_type if _VALID_MEDIA_TYPE.fullmatch(media_type) else _OCTET_STREAM
