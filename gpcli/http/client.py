"""The one door through which gpcli talks to any network.

Only what leaves by `get` and `send` carries the token, and only to URLs under the portal's base.
There is no cookie jar, no redirect is followed, and no URL reaches a logger.
"""

from __future__ import annotations

import random as chance
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol, Self
from urllib.parse import urlencode

from gpcli import __version__, errors
from gpcli.http import httpx, network_errors
from gpcli.http.deadline import Deadline
from gpcli.http.decode import MAX_BYTES, UnusableBody, encode_json
from gpcli.http.send import REQUEST_ID, HttpResponse, OutgoingRequest, RequestLog, RequestSender
from gpcli.http.transport import DeadlineTransport
from gpcli.http.url_policy import parse_safe_url, resolve_portal_url

__all__ = ["Bearer", "HttpClient", "HttpResponse", "RequestLog"]

FHIR = "application/fhir+json"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Bearer(Protocol):
    """Where the access token comes from."""

    def get_token(self, client: HttpClient) -> str:
        """A token that is valid now, refreshed first if it is about to expire."""
        ...

    def renew_token(self, client: HttpClient, stale: str) -> str:
        """Another token after a 401 for `stale`; raises errors.Expired if there is no way."""
        ...


class HttpClient:
    """One command's way to one portal.

    `base` is the FHIR base; `ca_file` adds to what the machine trusts; `env` gives the proxy and
    certificate variables; `max_bytes` caps one answer, unpacked; `log` gets a line per try;
    `meanwhile` surrounds the wait for each answer.
    `transport`, `new_request_id`, `sleep` and `random` are for tests.

    Every method raises trouble.LostReply, trouble.LateReply, trouble.BadAnswer,
    errors.TlsTrouble or errors.WrongHost. Statuses of 400 and more are answers, not errors.
    """

    def __init__(
        self,
        base: str,
        *,
        deadline: Deadline,
        bearer: Bearer | None = None,
        ca_file: str | None = None,
        env: Mapping[str, str],
        transport: httpx.BaseTransport | None = None,
        log: Callable[[RequestLog], None] | None = None,
        meanwhile: Callable[[], AbstractContextManager[None]] = nullcontext,
        max_bytes: int = MAX_BYTES,
        new_request_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = chance.random,
    ) -> None:
        self.base = base.rstrip("/")
        self.deadline = deadline
        self._bearer = bearer
        self._new_request_id = new_request_id
        wire = transport or DeadlineTransport(deadline, ca_file=ca_file, env=env)
        home = parse_safe_url(self.base)
        self._exchange = RequestSender(
            wire, deadline, home, max_bytes, log, sleep, random, meanwhile
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._exchange.wire.close()

    def get(
        self,
        path_or_url: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        headers: Mapping[str, str] = _NOTHING,
    ) -> HttpResponse:
        """Read below the base, with the token; `path_or_url` may be an absolute `next` link."""
        url = resolve_portal_url(self.base, path_or_url, params)
        return self._with_token(self._call("GET", url, {"Accept": FHIR, **headers}, retry=True))

    def get_file(self, path_or_url: str) -> HttpResponse:
        """Read a file below the base, with the token; a success has its bytes as they came."""
        url = resolve_portal_url(self.base, path_or_url)
        call = self._call("GET", url, {"Accept": FHIR}, retry=True)
        return self._with_token(replace(call, as_is=True))

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        headers: Mapping[str, str] = _NOTHING,
        retry: bool = False,
    ) -> HttpResponse:
        """Write below the base, with the token.

        `retry` says that the portal may get the same request twice: a batch of reads, or a write
        that it is known to recognise. Every try has the same X-Request-ID.
        """
        url = resolve_portal_url(self.base, path)
        if body is None:
            return self._with_token(
                self._call(method, url, {"Accept": FHIR, **headers}, retry=retry)
            )
        kinds = {"Accept": FHIR, "Content-Type": FHIR}
        call = self._call(method, url, {**kinds, **headers}, _written(body), retry=retry)
        return self._with_token(call)

    def get_public(self, url: str, *, headers: Mapping[str, str] = _NOTHING) -> HttpResponse:
        """Read any https or loopback URL, without the token: discovery, public keys."""
        kinds = {"Accept": JSON}
        call = self._call("GET", parse_safe_url(url), {**kinds, **headers}, retry=True)
        return self._exchange.answer(call)

    def post_form(
        self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] = _NOTHING
    ) -> HttpResponse:
        """Send a form to a sign-in endpoint, without the token; never sent twice."""
        kinds = {"Accept": JSON, "Content-Type": FORM}
        content = urlencode(form).encode()
        call = self._call("POST", parse_safe_url(url), {**kinds, **headers}, content)
        return self._exchange.answer(call)

    def _call(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str],
        content: bytes | None = None,
        *,
        retry: bool = False,
    ) -> OutgoingRequest:
        common = {
            "Accept-Encoding": "gzip",
            "User-Agent": f"gpcli/{__version__}",
            REQUEST_ID: headers.get(REQUEST_ID) or self._new_request_id(),
        }
        return OutgoingRequest(method, url, {**common, **headers}, content, retry)

    def _with_token(self, call: OutgoingRequest) -> HttpResponse:
        if self._bearer is None:
            return self._exchange.answer(call)
        with _nothing_sent():
            token = self._bearer.get_token(self)
        answer = self._exchange.answer(_signed(call, token))
        if answer.status != 401:
            return answer
        try:
            with _nothing_sent():
                renewed = self._bearer.renew_token(self, token)
        except errors.GpcliError:
            if call.method != "GET" and answer.repeated:
                return answer  # it tells that a try before it may have been done
            raise
        return self._exchange.answer(_signed(call, renewed), answer)


@contextmanager
def _nothing_sent() -> Iterator[None]:
    # What the token endpoint did says nothing about the request that waits for the token.
    try:
        yield
    except (network_errors.LostReply, network_errors.LateReply, network_errors.BadReply) as failed:
        failed.sent = False
        raise


def _signed(call: OutgoingRequest, token: str) -> OutgoingRequest:
    return replace(call, headers={**call.headers, "Authorization": f"Bearer {token}"})


def _written(body: Mapping[str, Any]) -> bytes:
    try:
        return encode_json(body)
    except UnusableBody as refused:
        raise errors.InvalidUsage(f"The request can't be sent: its text {refused}.") from None
