"""A way to a portal on which answers change: what a test makes of them is what gpcli gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Lock
from typing import Any

import httpx

from tests.loopback import PlainTransport

Bend = Callable[[httpx.Request, httpx.Response], httpx.Response | None]
"""What becomes of an answer; `None` = it stays as it is."""


_OF_THE_WAY = {"content-encoding", "content-length", "transfer-encoding", "connection"}


class Bending(httpx.BaseTransport):
    """Asks the real portal, and has `bend` change the answer. `asked` are the requests so far."""

    def __init__(self, bend: Bend = lambda request, response: None) -> None:
        self.asked: list[httpx.Request] = []
        self._bend = bend
        self._network = PlainTransport(limits=httpx.Limits(max_keepalive_connections=0))
        self._lock = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        with self._lock:
            self.asked.append(request)
        came = self._network.handle_request(request)
        headers = [(name, value) for name, value in came.headers.items() if name not in _OF_THE_WAY]
        response = httpx.Response(came.status_code, headers=headers, content=came.read())
        return self._bend(request, response) or response

    def close(self) -> None:
        """Do nothing: many clients share the way."""


def changed(response: httpx.Response, body: Any, status: int | None = None) -> httpx.Response:
    """An answer with another body."""
    return httpx.Response(
        status or response.status_code,
        headers={"Content-Type": "application/fhir+json"},
        content=json.dumps(body).encode(),
    )
