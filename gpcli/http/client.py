"""The HTTP client through which all requests of gpcli go.

Only requests of `get`, `get_file` and `send` carry the token, and only to URLs under the portal's
base. There is no cookie jar, no redirect is followed, and no URL reaches a logger.
"""

from __future__ import annotations

import random as random_numbers
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol, Self
from urllib.parse import urlencode

from gpcli import __version__, errors
from gpcli.http import httpx, retry
from gpcli.http.deadline import Deadline
from gpcli.http.decode import MAX_BYTES, UnusableBody, encode_json
from gpcli.http.network_errors import RequestError
from gpcli.http.send import TRACE_ID, HttpResponse, OutgoingRequest, RequestLog, RequestSender
from gpcli.http.transport import DeadlineTransport
from gpcli.http.url_policy import parse_safe_url, resolve_portal_url

__all__ = ["Bearer", "HttpClient", "HttpResponse", "RequestLog"]

FHIR = "application/fhir+json"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

RequestBody = Mapping[str, Any] | Sequence[Mapping[str, Any]] | bytes | None
"""What a request carries: JSON, bytes as they are, or nothing."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_LEFT_OUT = "[token]"
"""What stands in a response in the place of the token."""


class Bearer(Protocol):
    """A source of access tokens."""

    def get_token(self, client: HttpClient) -> str:
        """Return a token that is valid now, refreshed first if it is about to expire."""
        ...

    def renew_token(self, client: HttpClient, stale: str) -> str:
        """Return another token after a 401 for `stale`; raise errors.Expired if there is none."""
        ...


class HttpClient:
    """A client of one portal, for one command.

    `base` is the URL of the FHIR base. `bearer` gives the token; None means that requests go
    without one. `ca_file` names certificates to trust besides the machine's; `env` has the proxy
    and certificate variables; `max_bytes` limits one response, decompressed; `log` gets a record of
    each try; `progress` surrounds the wait for each response. With `retries` false every request
    is tried once.
    `transport`, `new_trace_id`, `sleep` and `random` are for tests.

    Every method that sends raises a network_errors.RequestError or errors.TlsError;
    errors.WrongHost or errors.BadResponse for a URL that may not be requested; errors.ConfigError
    for the proxy or certificates; and what `bearer` raises. Statuses of 300 and more are
    responses, not errors.
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
        progress: Callable[[], AbstractContextManager[None]] = nullcontext,
        max_bytes: int = MAX_BYTES,
        retries: bool = True,
        new_trace_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_numbers.random,
    ) -> None:
        self.base = base.rstrip("/")
        self.deadline = deadline
        self._bearer = bearer
        self._new_trace_id = new_trace_id
        self._sender = RequestSender(
            transport=transport or DeadlineTransport(deadline, ca_file=ca_file, env=env),
            deadline=deadline,
            base=parse_safe_url(self.base),
            max_bytes=max_bytes,
            log=log,
            max_tries=retry.MAX_TRIES if retries else 1,
            sleep=sleep,
            random=random,
            progress=progress,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._sender.transport.close()

    def get(
        self,
        path_or_url: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> HttpResponse:
        """Read below the base, with the token; `path_or_url` may be an absolute `next` link."""
        url = resolve_portal_url(self.base, path_or_url, params)
        request = self._build_request("GET", url, {"Accept": FHIR, **headers}, retry=True)
        return self._send_with_token(request)

    def get_file(self, path_or_url: str) -> HttpResponse:
        """Read a file below the base, with the token; `body` of a success is its bytes."""
        url = resolve_portal_url(self.base, path_or_url)
        request = self._build_request("GET", url, {"Accept": FHIR}, retry=True)
        return self._send_with_token(replace(request, expects_file=True))

    def send(
        self,
        method: str,
        path: str,
        body: RequestBody,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        retry: bool = False,
    ) -> HttpResponse:
        """Send a request below the base, with the token: a write, or a batch of reads.

        `body` is the JSON to send, None for none; `headers` may name its media type. As bytes it is
        sent as it is, none if empty, and the body of any response is the bytes that came. `retry`
        says that the portal may get the same request twice: a batch of reads, or a write that it is
        known to recognise. Every try has the same X-Request-ID.
        Raises: errors.InvalidUsage for text that is not valid Unicode.
        """
        url = resolve_portal_url(self.base, path)
        all_headers, content = {"Accept": FHIR, **headers}, None
        is_raw = isinstance(body, bytes)
        if isinstance(body, bytes):
            content = body or None
        elif body is not None:
            all_headers = {"Content-Type": FHIR, **all_headers}
            content = _encode_body(body)
        request = self._build_request(method, url, all_headers, content, retry=retry)
        return self._send_with_token(replace(request, expects_raw=is_raw))

    def get_public(self, url: str, *, headers: Mapping[str, str] = _NO_HEADERS) -> HttpResponse:
        """Read any https or loopback URL, without the token: discovery, public keys."""
        all_headers = {"Accept": JSON, **headers}
        return self._sender.send(
            self._build_request("GET", parse_safe_url(url), all_headers, retry=True)
        )

    def post_form(
        self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] = _NO_HEADERS
    ) -> HttpResponse:
        """Send a form to a sign-in endpoint, without the token.

        It is tried again only where the endpoint can't have handled it. The body of the response
        is read by what it holds, whatever its media type says.
        """
        all_headers = {"Accept": JSON, "Content-Type": FORM, **headers}
        content = urlencode(form).encode()
        request = self._build_request("POST", parse_safe_url(url), all_headers, content)
        return self._sender.send(replace(request, expects_any_type=True))

    def post_public(
        self, url: str, content: bytes, *, headers: Mapping[str, str] = _NO_HEADERS
    ) -> HttpResponse:
        """Send to any https or loopback URL that is not the portal's, without the token.

        It is tried again only where nothing can have arrived. The body of the response is not read,
        and of the URL only the host stands in the log and in errors: who knows it may use it.
        """
        request = self._build_request("POST", parse_safe_url(url), headers, content)
        return self._sender.send(replace(request, is_foreign=True))

    def wait_to_try_again(self, tries: int) -> bool:
        """Wait as after `tries` tries of a request; return False at once if no time is left for it.

        It is for what is tried again in more than one request, such as a look for a record.
        """
        return self._sender.wait(tries)

    def _build_request(
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
            TRACE_ID: headers.get(TRACE_ID) or self._new_trace_id(),
        }
        return OutgoingRequest(method, url, {**common, **headers}, content, retry)

    def _send_with_token(self, request: OutgoingRequest) -> HttpResponse:
        if self._bearer is None:
            return self._sender.send(request)
        with _mark_not_sent():
            token = self._bearer.get_token(self)
        is_raw = request.expects_raw
        sent = self._sender.send(_add_token(request, token))
        response = _leave_out(token, sent, is_raw=is_raw)
        if response.status != 401:
            return response
        try:
            with _mark_not_sent():
                renewed = self._bearer.renew_token(self, token)
        except errors.GpcliError as error:
            if request.method != "GET" and response.repeated:
                return response  # it tells that a try before it may have been done
            if is_raw and isinstance(error, errors.SignInError):
                return response  # it is what was asked for, in the portal's own words
            raise
        sent = self._sender.send(_add_token(request, renewed), response)
        return _leave_out(renewed, sent, is_raw=is_raw)


@contextmanager
def _mark_not_sent() -> Iterator[None]:
    # What the token endpoint did says nothing about the request that waits for the token.
    try:
        yield
    except RequestError as error:
        error.sent = False
        raise


def _leave_out(token: str, response: HttpResponse, *, is_raw: bool) -> HttpResponse:
    """Return a response; a refusal without the token, which a portal may quote to explain it.

    A raw one, which is shown as it is, is without it in any case, and so are its headers.
    """
    if is_raw:
        return _replace_bytes(response, token.encode())
    if response.is_success or token not in str(response.body):
        return response
    return replace(response, body=_replace_text(response.body, token))


def _replace_bytes(response: HttpResponse, token: bytes) -> HttpResponse:
    new = _LEFT_OUT.encode()
    headers = [(name, value.replace(token, new)) for name, value in response.headers.raw]
    body = response.body.replace(token, new) if response.body else response.body
    return replace(response, headers=httpx.Headers(headers), body=body)


def _replace_text(value: Any, token: str) -> Any:
    if isinstance(value, dict):
        return {key: _replace_text(each, token) for key, each in value.items()}
    if isinstance(value, list):
        return [_replace_text(each, token) for each in value]
    return value.replace(token, _LEFT_OUT) if isinstance(value, str) else value


def _add_token(request: OutgoingRequest, token: str) -> OutgoingRequest:
    return replace(request, headers={**request.headers, "Authorization": f"Bearer {token}"})


def _encode_body(body: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> bytes:
    try:
        return encode_json(body)
    except UnusableBody as error:
        raise errors.InvalidUsage(f"The request can't be sent: its text {error}.") from None
