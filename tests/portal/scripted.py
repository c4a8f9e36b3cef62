"""A scripted portal behind the real door, with a real journal."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from gpcli.config.read_marks import ReadMarks
from gpcli.http.client import HttpClient
from gpcli.http.deadline import Deadline
from gpcli.journal import Journal
from gpcli.model.person import Identity
from gpcli.model.service import ServiceName
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.mapping import PortalProfile, RecordMapper
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.kernel import WriteKernel
from tests.portal.builders import a_searchset

BASE = "https://portal.example/fhir/R4"
OSLO = ZoneInfo("Europe/Oslo")
NOW = datetime(2027, 3, 1, 8, tzinfo=OSLO)
INTENT = UUID("4b5f9a52-5f0c-4f0e-9b6a-6a3f5f2a7c11")

TYPES = ("Slot", "Appointment", "Consent", "Communication")
ALL_ON = Capabilities(True, TYPES, TYPES, TYPES, TYPES)
ALL_OFF = Capabilities(False, TYPES, (), TYPES, TYPES)
"""A portal that neither batches nor knows conditional creates."""


@dataclass(frozen=True)
class Reply:
    """What the portal answers once; `error` breaks the connection instead."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    error: httpx.TransportError | None = None
    raw: bytes | None = None

    def response(self) -> httpx.Response:
        if self.error:
            raise self.error
        if self.raw is not None or self.body is None:
            return httpx.Response(self.status, content=self.raw or b"", headers=self.headers)
        return httpx.Response(self.status, json=self.body, headers=self.headers)


NO_MARKS = ReadMarks(Path("/nonexistent"), "account")

BATCH = "POST "
"""The question that answers whole batches."""

LOST = Reply(error=httpx.ReadError("cut"))
UNREACHABLE = Reply(error=httpx.ConnectError("refused"))


@dataclass
class Route:
    """Answers to `method path` with `has` in the query: one after the other, the last stays."""

    method: str
    path: str
    has: str
    replies: list[Reply]

    def take(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class Server:
    """A portal that answers by script, also inside a batch; what was asked is kept."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.request_lines: list[str] = []
        self._routes: list[Route] = []

    def on(self, question: str, *replies: Reply | dict[str, Any]) -> Server:
        """`GET Appointment?identifier` answers searches that have this parameter."""
        method, _, target = question.partition(" ")
        path, _, has = target.partition("?")
        made = [each if isinstance(each, Reply) else Reply(each) for each in replies]
        self._routes.insert(0, Route(method, path, has, made))
        return self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        body = json.loads(request.content) if request.content else {}
        target = str(request.url).removeprefix(BASE)
        if request.method == "POST" and not target and not self._scripts_batches():
            return Reply(self._batch(body)).response()
        return self._take(request.method, target.lstrip("/")).response()

    @property
    def bodies(self) -> list[Any]:
        """What was written, in order; batches of questions are left out."""
        writes = [each for each in self.requests if each.method == "PUT" or str(each.url) != BASE]
        return [json.loads(each.content) for each in writes if each.content]

    def written(self) -> httpx.Request:
        """The one write."""
        (only,) = [each for each in self.requests if each.content and str(each.url) != BASE]
        return only

    def _scripts_batches(self) -> bool:
        return any(not route.path for route in self._routes)

    def _take(self, method: str, target: str) -> Reply:
        self.request_lines.append(f"{method} {unquote(target)}")
        path = urlsplit(target).path
        names = [name for name, _ in parse_qsl(urlsplit(target).query)]
        fitting = [each for each in self._routes if (each.method, each.path) == (method, path)]
        for route in sorted(fitting, key=lambda each: not each.has):
            if not route.has or route.has in names:
                return route.take()
        raise AssertionError(f"The script has no answer to {method} {unquote(target)}")

    def _batch(self, body: dict[str, Any]) -> dict[str, Any]:
        entries = [self._entry(each["request"]) for each in body["entry"]]
        return {"resourceType": "Bundle", "type": "batch-response", "entry": entries}

    def _entry(self, request: dict[str, str]) -> dict[str, Any]:
        reply = self._take(request["method"], request["url"])
        response: dict[str, Any] = {"status": str(reply.status)}
        response |= {"etag": etag} if (etag := reply.headers.get("ETag")) else {}
        if reply.status >= 400:
            return {"response": {**response, "outcome": reply.body}}
        return {"resource": reply.body, "response": response}


def client_to(server: Callable[[httpx.Request], httpx.Response]) -> HttpClient:
    """The real door, with time that stands still."""
    return HttpClient(
        BASE,
        deadline=Deadline(30, lambda: 0.0),
        env={},
        transport=httpx.MockTransport(server),
        sleep=lambda _: None,
        random=lambda: 0.0,
    )


def portal_through(
    search: FhirSearch,
    journal: Journal,
    identity: Identity | None = None,
    marks: ReadMarks | None = None,
    booking: str = "auto",
) -> FhirPortal:
    """The client as the session builds it, with everything permitted."""
    who = identity or Identity("kari")
    portal_profile = PortalProfile({}, "proposed", "Europe/Oslo", booking)
    context = PortalDependencies(
        search,
        WriteKernel(search, journal, lambda: NOW),
        who,
        portal_profile,
        RecordMapper(who.patient, portal_profile, search.flaws),
        lambda: frozenset(ServiceName),
        lambda: NOW,
    )
    return FhirPortal(context, marks or NO_MARKS)


NOTHING = a_searchset()
