"""The part of a URL that may stand in a log: never an id, a query or anything unknown."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from gpcli import errors
from gpcli.http import httpx, network_errors, retry
from gpcli.http.deadline import Deadline
from gpcli.http.decode import UnusableBody, decode_body, read_body

REQUEST_ID = "X-Request-ID"


@dataclass(frozen=True)
class HttpResponse:
    """What came back: `body` is the strictly decoded JSON, None if there was none.

    For a status outside 200 to 299 a body that is not JSON is None, too. Where a file was asked
    for, it is the file's bytes. `url` is what was asked, `tries` how often; `repeated` says that an
    earlier one of these tries may have been done, whatever this answer says of the last.
    """

    status: int
    headers: httpx.Headers
    body: Any
    url: str
    request_id: str
    tries: int = 1
    repeated: bool = False


@dataclass(frozen=True)
class RequestLog:
    """All that may be logged of a try. `status` is None when no answer came."""

    method: str
    route: str
    status: int | None
    ms: int
    request_id: str


@dataclass(frozen=True)
class OutgoingRequest:
    """What to ask. `headers` names the request id; `retry` allows the portal to get it twice.

    `as_is` asks for the bytes of a successful answer, whatever they are.
    """

    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    content: bytes | None = None
    retry: bool = False
    as_is: bool = False

    @property
    def request_id(self) -> str:
        """The id that every try of this call has."""
        return self.headers[REQUEST_ID]


@dataclass(frozen=True)
class RequestSender:
    """The way to ask: over `wire`, within `deadline`, at most `max_bytes` unpacked per answer.

    `meanwhile` surrounds the wait for each answer, for whoever shows that something goes on.
    """

    wire: httpx.BaseTransport
    deadline: Deadline
    home: httpx.URL
    max_bytes: int
    log: Callable[[RequestLog], None] | None
    sleep: Callable[[float], None]
    random: Callable[[], float]
    meanwhile: Callable[[], AbstractContextManager[None]] = nullcontext

    def answer(self, call: OutgoingRequest, after: HttpResponse | None = None) -> HttpResponse:
        """The answer to `call`, tried again where that is allowed and may help.

        `after` is the answer to earlier tries of it, which count as well. Raises
        trouble.LostReply, trouble.LateReply, trouble.BadAnswer or errors.TlsTrouble.
        """
        with self.meanwhile():
            return self._answer(call, after)

    def _answer(self, call: OutgoingRequest, after: HttpResponse | None) -> HttpResponse:
        before, repeated = (after.tries, after.repeated) if after else (0, False)
        for tried in itertools.count(1):
            outcome = self._outcome(call)
            pause = self._pause(call, outcome, tried)
            if pause is None:
                break
            repeated = repeated or _may_be_done(outcome)
            self.sleep(pause)
        if isinstance(outcome, HttpResponse):
            return replace(outcome, tries=before + tried, repeated=repeated)
        sent = repeated or network_errors.may_have_reached_portal(outcome)
        raise self._error(call, outcome, sent=sent) from outcome

    def _pause(
        self, call: OutgoingRequest, outcome: HttpResponse | httpx.TransportError, tried: int
    ) -> float | None:
        if tried == retry.MAX_TRIES or not _may_repeat(call, outcome):
            return None
        asked = (
            retry.read_retry_after(outcome.headers) if isinstance(outcome, HttpResponse) else None
        )
        pause = retry.backoff_seconds(tried, self.random) if asked is None else asked
        return pause if pause < self.deadline.seconds_left() else None

    def _outcome(self, call: OutgoingRequest) -> HttpResponse | httpx.TransportError:
        began = self.deadline.clock()
        status = None
        try:
            response = self._asked(call)
            status = response.status_code
            return self._read(call, response)
        except httpx.TransportError as failed:
            return failed
        finally:
            self._note(call, status, began)

    def _asked(self, call: OutgoingRequest) -> httpx.Response:
        left = self.deadline.seconds_left()
        if left <= 0:
            raise httpx.ConnectTimeout("the deadline is over")
        request = httpx.Request(
            call.method,
            call.url,
            headers=dict(call.headers),
            content=call.content,
            extensions={"timeout": {"pool": left}},
        )
        return self.wire.handle_request(request)

    def _read(self, call: OutgoingRequest, response: httpx.Response) -> HttpResponse:
        status, headers = response.status_code, response.headers
        try:
            body = _body(call, status, read_body(response, self.max_bytes), headers)
        except UnusableBody as refused:
            if 200 <= status < 300:
                raise _bad_answer(call, status, refused) from None
            body = None
        finally:
            response.close()
        return HttpResponse(status, headers, body, str(call.url), call.request_id)

    def _error(
        self, call: OutgoingRequest, failed: httpx.TransportError, *, sent: bool
    ) -> errors.GpcliError:
        return network_errors.to_gpcli_error(
            failed, call.url.host, self.deadline.seconds, sent=sent, request_id=call.request_id
        )

    def _note(self, call: OutgoingRequest, status: int | None, began: float) -> None:
        if self.log is None:
            return
        ms = round((self.deadline.clock() - began) * 1000)
        route = redact_route(call.url, self.home)
        self.log(RequestLog(call.method, route, status, ms, call.request_id))


def _body(call: OutgoingRequest, status: int, raw: bytearray, headers: httpx.Headers) -> Any:
    if call.as_is and 200 <= status < 300:
        return bytes(raw)
    body = decode_body(raw, headers)
    if body is None and status == 200 and call.method == "GET":
        raise UnusableBody("is empty")
    return body


def _may_be_done(outcome: HttpResponse | httpx.TransportError) -> bool:
    if isinstance(outcome, HttpResponse):
        return outcome.status != 429
    return network_errors.may_have_reached_portal(outcome)


def _may_repeat(call: OutgoingRequest, outcome: HttpResponse | httpx.TransportError) -> bool:
    if isinstance(outcome, HttpResponse):  # 429 says that nothing was done
        return outcome.status == 429 or (call.retry and outcome.status in retry.RETRYABLE_STATUSES)
    if network_errors.is_permanent(outcome):
        return False
    return call.retry or not network_errors.may_have_reached_portal(outcome)


def _bad_answer(call: OutgoingRequest, status: int, why: UnusableBody) -> network_errors.BadReply:
    return network_errors.BadReply(
        f"The portal at {call.url.host} gave an answer that gpcli can't use: it {why}.",
        hint="Check the portal's address in the profile; it must be its FHIR base.",
        status=status,
        request_id=call.request_id,
    )


_FHIR_WORDS = frozenset(
    ("_search", "_history", "metadata", ".well-known", "smart-configuration"),
)
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
_TYPE = re.compile(r"[A-Z][A-Za-z]{2,40}")
_OPERATION = re.compile(r"\$[a-z-]{1,40}")


def redact_route(url: httpx.URL, base: httpx.URL) -> str:
    """`/Appointment/{id}` for a URL under `base`; elsewhere only words of sign-in are kept."""
    home = base.path.rstrip("/")
    if url.host == base.host and url.port == base.port and f"{url.path}/".startswith(f"{home}/"):
        return _below_base(_segments(url.path[len(home) :]))
    return _joined(_kept(segment, _SIGN_IN_WORDS) for segment in _segments(url.path))


def _below_base(segments: list[str]) -> str:
    if not segments:
        return "/"
    first, *rest = segments
    kept = first if _TYPE.fullmatch(first) else _kept(first, _FHIR_WORDS)
    return _joined([kept, *(_kept(segment, _FHIR_WORDS) for segment in rest)])


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _kept(segment: str, words: frozenset[str]) -> str:
    return segment if segment in words or _OPERATION.fullmatch(segment) else "{id}"


def _joined(segments: Iterable[str]) -> str:
    return "/" + "/".join(segments)
