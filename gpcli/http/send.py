"""Sending a request: its tries within the deadline, the response, and a log record of each try."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from gpcli.http import httpx, network_errors, retry
from gpcli.http.deadline import Deadline
from gpcli.http.decode import (
    MAX_EXPLANATION_BYTES,
    TooLarge,
    UnusableBody,
    decode_any_body,
    decode_body,
    read_body,
)

TRACE_ID = "X-Request-ID"
"""The header that names a request, for the logs of both sides."""

SMALLER_HINT = "Of a search, a smaller _count gives less at a time: -f _count=20."
"""What helps against an answer that is too large, where a person wrote the request."""


@dataclass(frozen=True)
class HttpResponse:
    """A response: `body` is the strictly decoded JSON, None if there was none.

    For a status outside 200 to 299, a body that can't be used is None, too; in that range, `body`
    is bytes where a file was requested. It is bytes whatever the status where the request was raw,
    None if too large or wrongly packed. `url` is what was requested, `tries` how often. `repeated`
    says that an earlier try may have been done, whatever this response says of the last. `size` is
    that of the body in bytes, unpacked.
    """

    status: int
    headers: httpx.Headers
    body: Any
    url: str
    trace_id: str
    tries: int = 1
    repeated: bool = False
    size: int = 0

    @property
    def is_success(self) -> bool:
        """Whether the status is one of success (RFC 9110, 15.3)."""
        return httpx.codes.is_success(self.status)


@dataclass(frozen=True)
class RequestLog:
    """All that may be logged of a try. `status` is None when no response came.

    `route` is the URL's path without ids, or the host alone of what is not the portal's; `ms` is
    how long it took, in milliseconds; `size` is that of the response's body in bytes, unpacked.
    """

    method: str
    route: str
    status: int | None
    ms: int
    trace_id: str
    size: int = 0


@dataclass(frozen=True)
class OutgoingRequest:
    """A request to send. `headers` has `X-Request-ID`; `retry` allows the portal to get it twice.

    `content` is the body, None for none. With `expects_file`, the body of a successful response is
    left as bytes, with `expects_raw` that of any. With `expects_any_type`, a body is read by what
    it holds, whatever its media type says: JSON, or a form. With `is_foreign`, it goes to somebody
    whose answer counts by its status alone, and whose URL is a secret: no body is read, and the log
    has the host.
    """

    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    content: bytes | None = None
    retry: bool = False
    expects_file: bool = False
    expects_raw: bool = False
    expects_any_type: bool = False
    is_foreign: bool = False

    @property
    def recipient(self) -> str:
        """Who gets it, for the beginning of a sentence."""
        return self.url.host if self.is_foreign else f"The portal at {self.url.host}"

    @property
    def trace_id(self) -> str:
        """The `X-Request-ID` that every try of this request has."""
        return self.headers[TRACE_ID]


@dataclass(frozen=True)
class RequestSender:
    """Sends requests over `transport` until `deadline`.

    A response may have at most `max_bytes`, decompressed, and no more than MAX_EXPLANATION_BYTES
    where it is a refusal or answers a form. `base` is the portal's FHIR base, to tell
    its URLs from others in the log. `log` gets a record of each try; None means no log. A request
    is tried `max_tries` times at most. `sleep` waits some seconds; `random` returns a number from 0
    up to 1. `progress` surrounds the wait for each response, tries and pauses included.
    """

    transport: httpx.BaseTransport
    deadline: Deadline
    base: httpx.URL
    max_bytes: int
    log: Callable[[RequestLog], None] | None
    sleep: Callable[[float], None]
    random: Callable[[], float]
    max_tries: int = retry.MAX_TRIES
    progress: Callable[[], AbstractContextManager[None]] = nullcontext

    def send(self, request: OutgoingRequest, previous: HttpResponse | None = None) -> HttpResponse:
        """Return the response to `request`, tried again where that is allowed and may help.

        `previous` is the response to earlier tries of it, whose `tries` and `repeated` go into the
        new response; None means that there were none.
        Raises: RequestError, errors.TlsError, errors.ConfigError.
        """
        with self.progress():
            return self._send_with_retries(request, previous)

    def wait(self, tries: int) -> bool:
        """Wait as after `tries` tries; return False at once if the deadline comes before that."""
        pause = retry.backoff_seconds(tries, self.random)
        if pause >= self.deadline.seconds_left():
            return False
        with self.progress():
            self.sleep(pause)
        return True

    def _send_with_retries(
        self, request: OutgoingRequest, previous: HttpResponse | None
    ) -> HttpResponse:
        tries_before, repeated = (previous.tries, previous.repeated) if previous else (0, False)
        for tries in itertools.count(1):
            outcome = self._try_once(request)
            pause = self._choose_pause(request, outcome, tries)
            if pause is None:
                break
            repeated = repeated or _can_have_been_done(outcome)
            self.sleep(pause)
        if isinstance(outcome, HttpResponse):
            return replace(outcome, tries=tries_before + tries, repeated=repeated)
        sent = repeated or network_errors.can_have_reached_portal(outcome)
        raise network_errors.to_gpcli_error(
            outcome,
            request.url.host,
            self.deadline.seconds,
            who=request.recipient,
            sent=sent,
            trace_id=request.trace_id,
        ) from outcome

    def _choose_pause(
        self, request: OutgoingRequest, outcome: HttpResponse | httpx.TransportError, tries: int
    ) -> float | None:
        """Return the seconds to wait before the next try; None means that there is to be none."""
        if tries >= self.max_tries or not _can_retry(request, outcome):
            return None
        pause = None
        if isinstance(outcome, HttpResponse):
            pause = retry.read_retry_after(outcome.headers)
        if pause is None:
            pause = retry.backoff_seconds(tries, self.random)
        return pause if pause < self.deadline.seconds_left() else None

    def _try_once(self, request: OutgoingRequest) -> HttpResponse | httpx.TransportError:
        began = self.deadline.clock()
        status, size = None, 0
        try:
            response = self._transmit(request)
            status = response.status_code
            outcome = self._read_response(request, response)
            size = outcome.size
        except httpx.TransportError as error:
            return error
        finally:
            self._log_try(request, status, began, size)
        return outcome

    def _transmit(self, request: OutgoingRequest) -> httpx.Response:
        left = self.deadline.seconds_left()
        if left <= 0:
            raise httpx.ConnectTimeout("the deadline is over")
        return self.transport.handle_request(
            httpx.Request(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.content,
                extensions={"timeout": {"pool": left}},
            )
        )

    def _read_response(self, request: OutgoingRequest, response: httpx.Response) -> HttpResponse:
        status, headers = response.status_code, response.headers
        if request.is_foreign:
            response.close()
            return HttpResponse(status, headers, None, str(request.url), request.trace_id)
        is_record = httpx.codes.is_success(status) and not request.expects_any_type
        size = 0
        max_bytes = self.max_bytes if is_record else min(MAX_EXPLANATION_BYTES, self.max_bytes)
        try:
            raw = read_body(response, max_bytes)
            size = len(raw)  # decoding empties it
            body = _decode(request, status, raw, headers)
        except UnusableBody as error:
            if httpx.codes.is_success(status):
                raise _bad_reply(request, status, error) from None
            body = None
        finally:
            response.close()
        url, trace_id = str(request.url), request.trace_id
        return HttpResponse(status, headers, body, url, trace_id, size=size)

    def _log_try(
        self, request: OutgoingRequest, status: int | None, began: float, size: int
    ) -> None:
        if self.log is None:
            return
        ms = round((self.deadline.clock() - began) * 1000)
        url = request.url
        route = url.host if request.is_foreign else redact_route(url, self.base)
        self.log(RequestLog(request.method, route, status, ms, request.trace_id, size))


def _decode(request: OutgoingRequest, status: int, raw: bytearray, headers: httpx.Headers) -> Any:
    if request.expects_raw or (request.expects_file and httpx.codes.is_success(status)):
        return bytes(raw)
    body = (decode_any_body if request.expects_any_type else decode_body)(raw, headers)
    if body is None and status == 200 and request.method == "GET":
        raise UnusableBody("is empty")
    return body


def _can_have_been_done(outcome: HttpResponse | httpx.TransportError) -> bool:
    if isinstance(outcome, HttpResponse):
        return outcome.status != 429
    return network_errors.can_have_reached_portal(outcome)


def _can_retry(request: OutgoingRequest, outcome: HttpResponse | httpx.TransportError) -> bool:
    if isinstance(outcome, HttpResponse):
        if request.is_foreign:
            return False
        return outcome.status == 429 or (  # which says that nothing was done
            request.retry and outcome.status in retry.RETRYABLE_STATUSES
        )
    if network_errors.is_permanent(outcome):
        return False
    return request.retry or not network_errors.can_have_reached_portal(outcome)


def _bad_reply(
    request: OutgoingRequest, status: int, reason: UnusableBody
) -> network_errors.UnusableResponse:
    return network_errors.UnusableResponse(
        f"The portal at {request.url.host} gave an answer that gpcli can't use: it {reason}.",
        hint=_choose_hint(request, reason),
        status=status,
        trace_id=request.trace_id,
    )


def _choose_hint(request: OutgoingRequest, reason: UnusableBody) -> str:
    if request.expects_raw and isinstance(reason, TooLarge):
        return SMALLER_HINT
    if request.expects_any_type or isinstance(reason, TooLarge):
        return "Tell the people who run the portal."
    return "Check the portal's address in the profile; it must be its FHIR base."


_FHIR_WORDS = frozenset(
    ("_search", "_history", "metadata", ".well-known", "smart-configuration"),
)
_WORDS_BELOW_TYPE = frozenset(("_search", "_history"))
"""Words after a resource type; none of them can be an id."""
_SIGN_IN_WORDS = frozenset(
    (
        "oauth",
        "oauth2",
        "auth",
        "token",
        "revoke",
        "par",
        "jwks",
        "jwks.json",
        "device_authorization",
    ),
)
_RESOURCE_TYPE = re.compile(r"[A-Z][A-Za-z]{2,40}")
_OPERATION = re.compile(r"\$[a-z-]{1,40}")


def redact_route(url: httpx.URL, base: httpx.URL) -> str:
    """Return the path of `url` as it may be logged: without query, each segment known or `{id}`.

    Under `base` it is relative to that, as in `/Appointment/{id}`; elsewhere only operations and
    known words of sign-in are kept.
    """
    base_path = base.path.rstrip("/")
    has_base_host = url.host == base.host and url.port == base.port
    if not (has_base_host and f"{url.path}/".startswith(f"{base_path}/")):
        return _join_path(_redact(segment, _SIGN_IN_WORDS) for segment in _split_path(url.path))
    segments = _split_path(url.path[len(base_path) :])
    if segments and _RESOURCE_TYPE.fullmatch(segments[0]):
        below = (_redact(segment, _WORDS_BELOW_TYPE) for segment in segments[1:])
        return _join_path([segments[0], *below])
    return _join_path(_redact(segment, _FHIR_WORDS) for segment in segments)


def _split_path(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _redact(segment: str, known: frozenset[str]) -> str:
    return segment if segment in known or _OPERATION.fullmatch(segment) else "{id}"


def _join_path(segments: Iterable[str]) -> str:
    return "/" + "/".join(segments)
