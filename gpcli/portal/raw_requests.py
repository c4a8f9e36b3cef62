"""Requests that a person has written themselves, sent as they are: reads, pages of them, writes.

The body of an answer is the portal's own bytes. Where it is an error, the answer is in `results`
of what is raised.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple, NoReturn
from uuid import UUID, uuid5

from gpcli.errors import (
    BadResponse,
    GpcliError,
    InvalidUsage,
    OutcomeUnknown,
    Partial,
    WrongHost,
    request_id_conflict,
)
from gpcli.fhir.bundle import Bundle, read_bundle
from gpcli.fhir.element import Malformed, read_resource
from gpcli.http import httpx
from gpcli.http.client import FHIR, HttpClient, HttpResponse
from gpcli.http.decode import (
    OTHER_MEDIA_TYPES,
    TooLarge,
    UnusableBody,
    decode_body,
    decode_json,
)
from gpcli.http.send import SMALLER_HINT, TRACE_ID
from gpcli.http.url_policy import resolve_portal_url
from gpcli.model.raw_exchange import RawAnswer, RawRequest
from gpcli.model.receipt import WriteResult
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.error_mapping import error_from_response
from gpcli.portal.paging import resolve_next
from gpcli.portal.search import MAX_PAGES
from gpcli.portal.write.outcome import is_certain_refusal
from gpcli.portal.write.requests import JSON_PATCH, WritePart, WriteRequest

_OF_PACKED = frozenset({"content-encoding", "content-length"})
"""Headers that are not true of a body once it is unpacked."""

_RECORD = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}")
"""A record's type and id (R4 2.24.0.1)."""

_SETTLE_HINT = (
    "gpcli can't find it by itself: look at the portal. Then gpcli outbox settle with the request "
    "id and --done or --not-done says what you found."
)


_OTHER_TYPE_HINT = "It was asked for JSON; -H 'Accept: …' asks for something else."


class _Exchange(NamedTuple):
    """An answer; the response with its body as decoded, `None` = not; why that can't be used.

    `flaw` is `None` where it is as it should be. `is_due` tells whether the status is a success, or
    304 where the request was to be answered so.
    """

    answer: RawAnswer
    response: HttpResponse
    flaw: UnusableBody | None
    is_due: bool


def prepare_request(request: RawRequest, base: str) -> RawRequest:
    """Return a request with the media type of its body, which is JSON unless it says otherwise.

    Raises: InvalidUsage for a path or URL that is not below `base`, and for a body that is not what
    it says.
    """
    _check_address(request.path, base)
    media_type = request.headers.get("Content-Type")
    if not request.body or (media_type and "json" not in media_type.lower()):
        return request
    try:
        body = decode_json(request.body)
    except UnusableBody as error:
        raise InvalidUsage(
            f"The body {error}. Nothing was sent.",
            hint="-H 'Content-Type: …' says what it is, where it is not to be JSON.",
        ) from None
    is_patch = request.method == "PATCH" and isinstance(body, list)
    own = {"Content-Type": JSON_PATCH if is_patch else FHIR}
    return replace(request, headers={**own, **request.headers})


def _check_address(path: str, base: str) -> None:
    try:
        resolve_portal_url(base, path)
    except (BadResponse, WrongHost):
        raise InvalidUsage(
            f"PATH is not below the portal's FHIR base, {base}. Nothing was sent.",
            hint="Your token goes nowhere else. Write PATH as in Patient/ID; --profile chooses "
            "another portal.",
        ) from None


def fetch_answer(client: HttpClient, request: RawRequest) -> RawAnswer:
    """Return the answer to a request that changes nothing, tried again like any read.

    Raises: the error of the response, BadResponse for a success that is not what was asked for.
    """
    return _require_good(_fetch(client, request)).answer


def fetch_answer_pages(client: HttpClient, request: RawRequest) -> Iterator[RawAnswer]:
    """Fetch a search and the pages that follow it, each once.

    Raises: InvalidUsage for an answer that is no Bundle; BadResponse for a link that leads
    elsewhere; Partial after the last page that is fetched, where there may be more; the error of a
    response, with the answer only if it is to the first request.
    """
    exchange = _require_good(_fetch(client, request))
    followed = {exchange.response.url}
    url = _find_next(exchange.response, client.base)
    yield exchange.answer
    following = {name: value for name, value in request.headers.items() if name != "Content-Type"}
    while url is not None:
        _check_can_follow(url, followed)
        followed.add(url)
        exchange = _fetch(client, RawRequest("GET", url, following))
        if error := _find_error(exchange):
            raise error
        url = _find_next(exchange.response, client.base)
        yield exchange.answer


def _check_can_follow(url: str, followed: set[str]) -> None:
    if url in followed:
        raise Partial(
            "This is not all: the portal's next page is one that was read before.",
            hint="Tell the people who run the portal.",
        )
    if len(followed) >= MAX_PAGES:
        raise Partial(
            f"This is not all: there are more than {MAX_PAGES} pages.",
            hint="A larger _count makes fewer of them: -f _count=200. Other parameters narrow the "
            "search.",
        )


def _find_next(response: HttpResponse, base: str) -> str | None:
    """Return the URL of the page after this one, `None` on the last; raise as `resolve_next`."""
    return resolve_next(_read_page(response), response.url, base)


def _read_page(response: HttpResponse) -> Bundle:
    try:
        kind = read_resource(response.body).resource_type
        if kind == "Bundle":
            return read_bundle(response.body)
    except Malformed:
        kind = "no FHIR resource"
    raise InvalidUsage(
        f"--paginate is for searches: the portal answered with {kind}, which has no pages.",
        hint="Leave --paginate out to see it.",
    )


def _fetch(client: HttpClient, request: RawRequest) -> _Exchange:
    method, headers = request.method, request.headers
    response = client.send(method, request.path, request.body, headers=headers, retry=True)
    return _read_exchange(response, request)


def _read_exchange(response: HttpResponse, request: RawRequest) -> _Exchange:
    raw: bytes = response.body or b""
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    body, flaw = None, None
    is_json = not media_type or "json" in media_type
    if is_json or (media_type in OTHER_MEDIA_TYPES and "Accept" not in request.headers):
        try:
            body = decode_body(bytearray(raw), response.headers)
        except UnusableBody as error:
            flaw = error
    reason, headers = httpx.codes.get_reason_phrase(response.status), _list_headers(response)
    answer = RawAnswer(response.status, reason, headers, raw, is_json=body is not None)
    is_due = response.is_success or (
        response.status == httpx.codes.NOT_MODIFIED and request.is_conditional_read
    )
    return _Exchange(answer, replace(response, body=body), flaw, is_due)


def _list_headers(response: HttpResponse) -> tuple[tuple[str, str], ...]:
    """Return headers as they may be shown: without cookies, and what is so of a packed body."""
    is_packed = "Content-Encoding" in response.headers
    pairs = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw
    ]
    return tuple(
        (name, "[hidden]" if name.lower() == "set-cookie" else value)
        for name, value in pairs
        if not (is_packed and name.lower() in _OF_PACKED)
    )


def _require_good(exchange: _Exchange) -> _Exchange:
    if error := _find_error(exchange):
        _raise_with_answer(error, exchange.answer)
    return exchange


def _find_error(exchange: _Exchange) -> GpcliError | None:
    if not exchange.is_due:
        return error_from_response(exchange.response)
    if exchange.flaw is None:
        return None
    is_large = isinstance(exchange.flaw, TooLarge)
    error = BadResponse(
        f"The portal's answer {exchange.flaw}.",
        hint=SMALLER_HINT if is_large else _OTHER_TYPE_HINT,
        trace_id=exchange.response.trace_id,
    )
    error.http_status = exchange.response.status
    return error


def _raise_with_answer(error: GpcliError, answer: RawAnswer) -> NoReturn:
    error.results = (answer,)
    raise error


class RawWrites:
    """Sends requests that may change something, each in the journal before it leaves.

    What became of one whose answer is lost is for a person to find out: nothing is put into it by
    which it could be recognised.
    """

    def __init__(self, dependencies: PortalDependencies) -> None:
        self._kernel = dependencies.kernel
        self._open_writes = dependencies.open_writes

    def is_sent(self, request: RawRequest, request_id: UUID) -> bool:
        """Return whether it was sent and done before with this request id.

        Raises: Conflict where another request was, OutcomeUnknown where nobody knows what became of
        it, ConfigError where the journal can't be read.
        """
        intent = _derive_part(request, request_id).intent
        entries = self._open_writes.find_request(request_id)
        sent = [each for each in entries if each.state in {"sending", "unknown", "done"}]
        if any(each.intent != intent for each in sent):
            raise request_id_conflict()
        if any(each.state != "done" for each in sent):
            raise OutcomeUnknown(
                "It was or may have been sent before, and nobody knows whether it was done.",
                hint=_SETTLE_HINT,
                request_id=str(request_id),
            )
        return bool(sent)

    def find_target(self, request: RawRequest, request_id: UUID) -> str | None:
        """Return the record (`Type/id`) that a request made or changed, `None` = it is not known.

        Raises: ConfigError where the journal can't be read.
        """
        entry = self._kernel.find_entry(_derive_part(request, request_id).intent)
        return entry.target if entry else None

    def send(self, request: RawRequest, request_id: UUID) -> WriteResult[RawAnswer | None]:
        """Send a request once; the record is `None` where it was sent before.

        Raises: as `is_sent`; OutcomeUnknown where no answer tells what was done, the error of a
        refusal, or the reason why nothing was sent.
        """
        part = _derive_part(request, request_id)
        with self._open_writes.hold_journal():
            if self.is_sent(request, request_id):
                return WriteResult(None, changed=False)
            self._kernel.record_sending(part)
        headers = {TRACE_ID: str(request_id), **request.headers}
        write = WriteRequest((part,), request.method, request.path, request.body, headers)
        response = self._kernel.send(write, journaled=True)
        if response is None:
            self._kernel.record_state(part.intent, "unknown")
            raise _unknown_outcome(request_id, headers[TRACE_ID])
        exchange = _read_exchange(response, request)
        target = _find_target(request, exchange.response)
        return WriteResult(self._settle(exchange, part._replace(target=target), request_id), True)

    def _settle(self, exchange: _Exchange, part: WritePart, request_id: UUID) -> RawAnswer:
        """Record how it ended, and return the answer; raise unless it is a success."""
        error = _find_error(exchange)
        if error is None:
            self._kernel.record_state(part.intent, "done", target=part.target)
            return exchange.answer
        is_refused = not exchange.response.is_success and is_certain_refusal(exchange.response)
        self._kernel.record_state(part.intent, "refused" if is_refused else "unknown")
        if not is_refused:
            why = f" {error.message}"
            refusal, trace_id = error, exchange.response.trace_id
            error = _unknown_outcome(request_id, trace_id, why)
            error.retry_after, error.http_status = refusal.retry_after, refusal.http_status
        _raise_with_answer(error, exchange.answer)


def _derive_part(request: RawRequest, request_id: UUID) -> WritePart:
    """Return what stands in the journal for a request: an id that only this one has, no content.

    Its resource type is empty, so that nothing looks for it.
    """
    target = f"{request.method} {request.path}".encode()
    digest = hashlib.sha256(target + b"\0" + request.body).hexdigest()
    return WritePart(uuid5(request_id, digest), {})


def _find_target(request: RawRequest, response: HttpResponse) -> str | None:
    """Return the record (`Type/id`) that a response to a write tells of; `None` = of none.

    A create tells it by `Location` or the record itself, an update by the record (R4 3.1.0.8).
    """
    resource_type, _, name = request.path.partition("?")[0].strip("/").partition("/")
    if request.method == "DELETE" or "$" in request.path or "/" in name:
        return None
    place = response.headers.get("Location", "").partition("/_history/")[0].split("/")[-2:]
    places = ["/".join(place)]
    with suppress(Malformed):
        places.append(read_resource(response.body).relative_reference or "")
    records = filter(None, map(_RECORD.fullmatch, places))
    return next((each[0] for each in records if each[1] == resource_type), None)


def _unknown_outcome(request_id: UUID, trace_id: str, why: str = "") -> OutcomeUnknown:
    return OutcomeUnknown(
        f"The request went out, and no answer tells whether it was done.{why}",
        hint=_SETTLE_HINT,
        request_id=str(request_id),
        trace_id=trace_id,
    )
