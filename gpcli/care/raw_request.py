"""A request in the person's own words (`gpcli api`): what may be sent, and the plan of a write."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import quote, unquote_plus, urlencode

from gpcli.care.confirmation import Decision, Outcome, Proposal
from gpcli.care.portal_protocol import Portal
from gpcli.errors import BadResponse, InputNeeded, InvalidUsage, NotFound, NotPermitted
from gpcli.invisible import is_hidden
from gpcli.model.raw_exchange import READING_METHODS, RawAnswer, RawRequest
from gpcli.model.receipt import PlanValue, WriteResult

METHODS = (*READING_METHODS, "POST", "PUT", "PATCH", "DELETE")
"""The methods that there are in FHIR (R4 3.1.0)."""

_QUERY_METHODS = (*READING_METHODS, "DELETE")
"""The methods that have no body: what they carry stands in the query."""

_BODY_METHODS = ("PUT", "PATCH")
"""The methods that mean nothing without a body."""

_FORM, _FHIR = "application/x-www-form-urlencoded", "application/fhir+json"

_IDENTITY_NUMBER = re.compile(r"(?<![^\W_])[0-9]{6}[ -]?[0-9]{5}(?![^\W_])")
"""A national identity number: 6 and 5 digits that stand alone, not inside a UUID."""

_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x20-\x7e]*)")
"""A header in ASCII (RFC 9110, 5.5 and 5.6.2)."""

_OWN_HEADERS = frozenset(
    {
        *("accept-encoding", "authorization", "connection", "content-encoding", "content-length"),
        *("cookie", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding"),
        *("upgrade", "x-http-method", "x-http-method-override", "x-method-override"),
    }
)
"""Headers that gpcli sets itself, that are for one connection, or make another method of one."""

_SPELLING = {"accept": "Accept", "content-type": "Content-Type", "x-request-id": "X-Request-ID"}
"""The names under which gpcli's own headers are replaced."""

_PLAN_WARNING = "It is sent as it is: gpcli does not know what it changes, or whether it costs."


def build_request(
    method: str,
    path: str,
    *,
    fields: Sequence[str] = (),
    headers: Sequence[str] = (),
    body: bytes | None = None,
) -> RawRequest:
    """Return the request that a command line describes; `body` `None` = it names none.

    `fields` are `name=value`: the query where the method has no body, a form in a search by POST,
    else the texts of a JSON object. `headers` are `Name: value`.
    Raises: InvalidUsage for what can't or must not be sent, InputNeeded where a body is missing.
    """
    if method not in METHODS:
        raise InvalidUsage(f"'{method}' is no method of FHIR.", hint=f"There are {_list(METHODS)}.")
    _check_path(path)
    _check_identity_numbers((path, *fields, *headers))
    if fields and body is not None:
        raise InvalidUsage("--field and --input can't be used together.")
    pairs = [_parse_field(each) for each in fields]
    request = RawRequest(method, path, _parse_headers(headers))
    if method in _QUERY_METHODS:
        return _add_query(request, pairs, body)
    if request.is_search:
        form = urlencode(pairs).encode() if body is None else _read_form(body)
        return _add_body(request, form, _FORM)
    if pairs:
        return _add_body(request, _build_object(request, pairs), _FHIR)
    if not body and method in _BODY_METHODS:
        raise InputNeeded(f"{method} needs a body.", hint="--input FILE sends one; - reads stdin.")
    return replace(request, body=body or b"")


def _list(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _check_path(path: str) -> None:
    """Raise InvalidUsage for a path that is none; whether it is below the base shows later."""
    if not path.strip():
        raise InvalidUsage("PATH is empty.", hint="/ is the portal's FHIR base itself.")
    if any(is_hidden(each) or each.isspace() for each in path):
        raise InvalidUsage(
            "PATH has spaces or invisible characters.",
            hint="-f NAME=VALUE writes a parameter as an address needs it.",
        )
    if "#" in path or "\\" in path or path.startswith("//"):
        raise InvalidUsage("PATH is no path below the portal's FHIR base: it has //, # or \\.")
    if {".", ".."} & {*path.partition("?")[0].split("/")}:
        raise InvalidUsage("PATH has . or .. in it.", hint="Write the whole path below the base.")


def _check_identity_numbers(words: Sequence[str]) -> None:
    for word in words:
        if _IDENTITY_NUMBER.search(unquote_plus(word)) or _IDENTITY_NUMBER.search(word):
            raise InvalidUsage(
                "There is an identity number on the line. In an address it would stand in the "
                "portal's logs, on the line others on this computer can read it. Nothing was sent.",
                hint="Search by POST, with identifier=… in a file or on standard input: "
                "gpcli api POST Patient/_search --input FILE",
            )


def _parse_field(field: str) -> tuple[str, str]:
    name, equals, value = field.partition("=")
    if not equals or not name.strip():
        raise InvalidUsage("--field needs NAME=VALUE.", hint="An empty value is written NAME=.")
    if any("\ud800" <= each <= "\udfff" for each in field):
        raise InvalidUsage("--field has text that is not Unicode.")
    return name, value


def _parse_headers(headers: Sequence[str]) -> dict[str, str]:
    """Return headers by name; raise InvalidUsage for what is none, not allowed, or there twice."""
    parsed: dict[str, str] = {}
    for header in headers:
        match = _HEADER.fullmatch(header)
        if not match or not match[2].strip():
            raise InvalidUsage("--header needs 'Name: value', in ASCII.")
        name = match[1].lower()
        if name in _OWN_HEADERS or name.startswith("proxy-"):
            raise InvalidUsage(f"--header can't set {match[1]}: that is gpcli's own matter.")
        if name in {each.lower() for each in parsed}:
            raise InvalidUsage(f"--header sets {match[1]} twice.")
        parsed[_SPELLING.get(name, match[1])] = match[2].strip()
    return parsed


def _add_query(
    request: RawRequest, pairs: Sequence[tuple[str, str]], body: bytes | None
) -> RawRequest:
    if body is not None:
        raise InvalidUsage(f"{request.method} has no body: --input is for POST, PUT and PATCH.")
    if not pairs:
        return request
    query = urlencode(pairs, quote_via=quote)
    return replace(request, path=f"{request.path}{'&' if '?' in request.path else '?'}{query}")


def _read_form(body: bytes) -> bytes:
    """Return a form without the line end that a line of text has; raise InvalidUsage."""
    form = body.removesuffix(b"\n").removesuffix(b"\r")
    if not form.isascii() or any(each < 0x20 or each == 0x7F for each in form):
        raise InvalidUsage(
            "What --input has is no form: one line of NAME=VALUE&NAME=VALUE, in ASCII.",
            hint="Other characters are written %C3%A5, for example.",
        )
    return form


def _build_object(request: RawRequest, pairs: Sequence[tuple[str, str]]) -> bytes:
    if request.method == "PATCH":
        raise InvalidUsage("--field makes no patch.", hint="--input FILE sends a JSON Patch.")
    if len(dict(pairs)) < len(pairs):
        raise InvalidUsage("--field names one element of a resource twice.")
    return json.dumps(dict(pairs), ensure_ascii=False).encode()


def _add_body(request: RawRequest, body: bytes, media_type: str) -> RawRequest:
    return replace(request, body=body, headers={"Content-Type": media_type, **request.headers})


def propose_raw_write(
    portal: Portal,
    request: RawRequest,
    *,
    patient: str,
    is_sent: bool,
    send: Callable[[], WriteResult[RawAnswer | None]],
) -> Decision[RawAnswer | None]:
    """Propose to send a request that may change something for `patient` (an id); `send` sends it.

    With `is_sent` it was sent before, and nothing is to be done.
    """
    if is_sent:
        return Outcome(None, changed=False)
    headers = [(name, value) for name, value in request.headers.items() if name != "Content-Type"]
    rows: list[tuple[str, PlanValue]] = [
        ("Request", f"{request.method} {request.path}"),
        *(("Header", f"{name}: {value}") for name, value in headers),
        ("Body", _describe_body(request)),
        *_party_rows(portal, patient),
    ]
    return Proposal(
        "Send this request",
        tuple(rows),
        None,
        send,
        warnings=(_PLAN_WARNING,),
        content=(("Header", request.headers), ("Body", request.body)),
    )


def _describe_body(request: RawRequest) -> str:
    size = len(request.body)
    count = "1 byte" if size == 1 else f"{size:,} bytes"
    return f"{count}, {request.headers.get('Content-Type', _FHIR)}" if size else "none"


def _party_rows(portal: Portal, patient: str) -> list[tuple[str, PlanValue]]:
    """Return for whom it is sent, by id where the portal does not show who that is."""
    try:
        parties = portal.fetch_parties()
    except (NotFound, NotPermitted, BadResponse):
        return [("For", f"Patient/{patient}")]
    other = parties.on_behalf_by
    return [("For", parties.patient.name), ("By", other.name if other else None)]
