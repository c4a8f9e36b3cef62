"""A way to a portal on which requests and answers go astray, drawn with a seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any

import httpx

RETRY_AFTER = ("0", "1", "5", "60", "")
"""What a 429 asks to wait, in seconds; empty = it does not say."""
LATEST = 12
"""A late request arrives before so many more at the latest, or when `deliver_late` is called."""


class Fault(StrEnum):
    """What happens to a request, and whether the portal has done it when the client knows of it."""

    REFUSED = "refused before it leaves"
    DROPPED = "cut before it arrives"
    LOST = "answer lost after it is done"
    BUSY = "503 before it is done"
    FAILED = "503 or 504 after it is done"
    SLOW_DOWN = "429"
    LATE = "cut, and done later"
    LATE_TIMEOUT = "no answer in time, and done later"
    GARBLED = "answer garbled after it is done"
    CUT = "answer cut after it is done"


@dataclass
class FakeTime:
    """A clock that only moves when somebody waits; `start` is the aware time at its beginning."""

    start: datetime
    seconds: float = 0.0

    def monotonic(self) -> float:
        """Return the seconds since the beginning."""
        return self.seconds

    def now(self) -> datetime:
        """Return the time of day."""
        return self.start + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


@dataclass(frozen=True)
class PortalKind:
    """What a portal has: conditional creates, transactions and batches of writes."""

    conditional: bool = True
    transactions: bool = True

    def bend_request(self, request: httpx.Request) -> httpx.Request:
        """Return the request without what this portal does not heed."""
        if self.conditional:
            return request
        headers = {name: value for name, value in request.headers.items() if name != _CONDITION}
        headers.pop("content-length", None)
        return httpx.Request(
            request.method,
            request.url,
            headers=headers,
            content=_without_conditions(request.content),
        )

    def bend_answer(self, content: bytes) -> bytes:
        """Return an answer; a CapabilityStatement lists only what this portal has."""
        if b'"CapabilityStatement"' not in content or (self.conditional and self.transactions):
            return content
        statement = json.loads(content)
        for rest in statement["rest"]:
            if not self.transactions:
                rest["interaction"] = [{"code": "batch"}]
            for resource in rest["resource"] if not self.conditional else ():
                resource["conditionalCreate"] = False
        return json.dumps(statement).encode()


_CONDITION = "if-none-exist"


def _without_conditions(content: bytes) -> bytes:
    if b'"ifNoneExist"' not in content:
        return content
    bundle = json.loads(content)
    for entry in bundle["entry"]:
        entry["request"].pop("ifNoneExist", None)
    return json.dumps(bundle).encode()


@dataclass
class FaultyTransport(httpx.BaseTransport):
    """Leads to a portal of a `kind`; a share `rate` of the requests meets a fault.

    `way` is the network. Late requests are kept until more requests have gone out, or until
    `deliver_late`. `log` has what was sent, with its fault, in order.
    """

    way: httpx.BaseTransport
    kind: PortalKind
    time: FakeTime
    random: Random
    rate: float = 0.0
    log: list[str] = field(default_factory=list)
    _late: list[tuple[int, httpx.Request]] = field(default_factory=list)
    _sent: int = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, or have it go astray."""
        self._sent += 1
        self._deliver_due()
        request.read()
        fault = None
        if self.rate and self.random.random() < self.rate:
            fault = self.random.choice(list(Fault))
        self.log.append(f"{request.method} {request.url.path}: {fault or 'as it should be'}")
        return self._FATES[fault](self, request) if fault else self._deliver(request)

    def close(self) -> None:
        """Leave the network open: it is of many commands."""

    def deliver_late(self) -> None:
        """Have everything arrive that is still on its way."""
        for _, request in self._take_late(self._sent + LATEST):
            self._deliver(request).close()
            self.log.append(f"{request.method} {request.url.path}: arrives late")

    def _deliver_due(self) -> None:
        for _, request in self._take_late(self._sent):
            self._deliver(request).close()
            self.log.append(f"{request.method} {request.url.path}: arrives late")

    def _take_late(self, until: int) -> list[tuple[int, httpx.Request]]:
        due = [each for each in self._late if each[0] <= until]
        self._late = [each for each in self._late if each[0] > until]
        return due

    def _deliver(self, request: httpx.Request) -> httpx.Response:
        response = self.way.handle_request(self.kind.bend_request(request))
        content = self.kind.bend_answer(response.read())
        response.close()
        return _answer(response.status_code, content, _plain_headers(response))

    def _refuse(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    def _drop(self, request: httpx.Request) -> httpx.Response:
        errors = (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError)
        raise self.random.choice(errors)("cut", request=request)

    def _lose(self, request: httpx.Request) -> httpx.Response:
        self._deliver(request)
        raise self.random.choice((httpx.ReadError, httpx.RemoteProtocolError))("lost")

    def _be_busy(self, request: httpx.Request) -> httpx.Response:
        return _answer(503, b"Busy", {"Content-Type": "text/plain"})

    def _fail(self, request: httpx.Request) -> httpx.Response:
        self._deliver(request)
        return _answer(self.random.choice((503, 504)), _OUTCOME, _JSON)

    def _slow_down(self, request: httpx.Request) -> httpx.Response:
        after = self.random.choice(RETRY_AFTER)
        return _answer(429, _OUTCOME, _JSON | ({"Retry-After": after} if after else {}))

    def _be_late(self, request: httpx.Request) -> httpx.Response:
        self._late.append((self._sent + self.random.randint(1, LATEST), request))
        raise httpx.ReadError("cut", request=request)

    def _be_late_for_deadline(self, request: httpx.Request) -> httpx.Response:
        self._late.append((self._sent + self.random.randint(1, LATEST), request))
        self.time.sleep(request.extensions["timeout"]["pool"])
        raise httpx.ReadTimeout("no answer in time", request=request)

    def _garble(self, request: httpx.Request) -> httpx.Response:
        response = self._deliver(request)
        content = self.random.choice(
            (b"<html>Welcome to the hotel</html>", response.content[:-1], b"[]", b"")
        )
        kind = self.random.choice(("text/html", "application/fhir+json"))
        return _answer(response.status_code, content, {"Content-Type": kind})

    def _cut(self, request: httpx.Request) -> httpx.Response:
        response = self._deliver(request)
        half = response.content[: len(response.content) // 2]
        return httpx.Response(
            response.status_code, headers=_plain_headers(response), stream=_BrokenStream(half)
        )

    _FATES = {  # noqa: RUF012 - a table of the methods above
        Fault.REFUSED: _refuse,
        Fault.DROPPED: _drop,
        Fault.LOST: _lose,
        Fault.BUSY: _be_busy,
        Fault.FAILED: _fail,
        Fault.SLOW_DOWN: _slow_down,
        Fault.LATE: _be_late,
        Fault.LATE_TIMEOUT: _be_late_for_deadline,
        Fault.GARBLED: _garble,
        Fault.CUT: _cut,
    }


_JSON = {"Content-Type": "application/fhir+json"}
_OUTCOME = json.dumps(
    {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "transient", "diagnostics": "Not now."}],
    }
).encode()


def _answer(status: int, content: bytes, headers: Any) -> httpx.Response:
    return httpx.Response(status, headers=headers, content=content)


def _plain_headers(response: httpx.Response) -> dict[str, str]:
    left_out = {"content-encoding", "content-length", "transfer-encoding", "connection"}
    return {name: value for name, value in response.headers.items() if name not in left_out}


class _BrokenStream(httpx.SyncByteStream):
    """The beginning of a body, after which the connection breaks."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning

    def __iter__(self) -> Iterator[bytes]:
        yield self._beginning
        raise httpx.ReadError("cut")


Fate = Callable[[FaultyTransport, httpx.Request], httpx.Response]
