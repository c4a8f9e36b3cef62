"""A scripted portal behind the real HTTP client, with a real journal."""

from __future__ import annotations

import json
import os
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
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.dependencies import build_dependencies
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.portal_profile import PortalProfile
from gpcli.portal.search import FhirSearch
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
    """One response of the portal; `error` breaks the connection instead."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    error: httpx.TransportError | None = None
    raw: bytes | None = None

    def build_response(self) -> httpx.Response:
        if self.error:
            raise self.error
        if self.raw is not None or self.body is None:
            return httpx.Response(self.status, content=self.raw or b"", headers=self.headers)
        return httpx.Response(self.status, json=self.body, headers=self.headers)


NO_MARKS = ReadMarks(Path("/nonexistent"), "account")

BATCH = "POST "
"""The request line that scripts whole batches."""

LOST = Reply(error=httpx.ReadError("cut"))
UNREACHABLE = Reply(error=httpx.ConnectError("refused"))


@dataclass
class Route:
    """Replies to `method path` with the query `parameter`, in turn; the last one repeats."""

    method: str
    path: str
    parameter: str
    replies: list[Reply]

    def next_reply(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


ALONG = frozenset(
    {
        *("HealthcareService", "Location", "Medication", "MedicationRequest", "Organization"),
        *("Practitioner", "PractitionerRole", "RelatedPerson", "Schedule"),
    }
)
"""The types of records that are fetched by their ids where they did not come along."""


class Server:
    """A portal that answers by script, also inside a batch, and records the requests.

    Records that should have come along, and are asked for afterwards, are not there unless they are
    scripted; such requests stand in `late_lines` alone.
    """

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.request_lines: list[str] = []
        self.late_lines: list[str] = []
        self._routes: list[Route] = []

    def on(self, request_line: str, *replies: Reply | dict[str, Any]) -> Server:
        """Script replies; `GET Appointment?identifier` is for searches with this parameter."""
        method, _, target = request_line.partition(" ")
        path, _, parameter = target.partition("?")
        scripted = [each if isinstance(each, Reply) else Reply(each) for each in replies]
        self._routes.insert(0, Route(method, path, parameter, scripted))
        return self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if lines := self._find_late_lines(request):
            self.late_lines += lines
            none = [{"resource": a_searchset(), "response": {"status": "200"}} for _ in lines]
            batch = {"resourceType": "Bundle", "type": "batch-response", "entry": none}
            return Reply(a_searchset() if request.method == "GET" else batch).build_response()
        self.requests.append(request)
        body = json.loads(request.content) if request.content else {}
        target = str(request.url).removeprefix(BASE)
        if request.method == "POST" and not target and not self._has_batch_route():
            return Reply(self._answer_batch(body)).build_response()
        return self._next_reply(request.method, target.lstrip("/")).build_response()

    @property
    def write_bodies(self) -> list[Any]:
        """The bodies of the writes, in order, without batches of searches."""
        writes = [each for each in self.requests if each.method == "PUT" or str(each.url) != BASE]
        return [json.loads(each.content) for each in writes if each.content]

    def require_only_write(self) -> httpx.Request:
        """Return the only write."""
        (only,) = [each for each in self.requests if each.content and str(each.url) != BASE]
        return only

    def _find_late_lines(self, request: httpx.Request) -> list[str]:
        """Return the request lines of a request for records that should have come along, if any."""
        target = str(request.url).removeprefix(BASE).lstrip("/")
        targets = [target] if request.method == "GET" else []
        if request.method == "POST" and not target and request.content:
            body = json.loads(request.content)
            if isinstance(body, dict) and body.get("type") == "batch":
                targets = [each["request"]["url"] for each in body["entry"]]
        is_late = targets and all(map(self._is_late, targets))
        return [f"GET {unquote(each)}" for each in targets] if is_late else []

    def _is_late(self, target: str) -> bool:
        path, names = urlsplit(target).path, [name for name, _ in parse_qsl(urlsplit(target).query)]
        is_by_id = path in ALONG and names == ["_id", "_count"]
        is_answer = path == "AppointmentResponse" and names == ["appointment", "_count"]
        scripted = [each for each in self._routes if (each.method, each.path) == ("GET", path)]
        is_scripted = any(not each.parameter or each.parameter in names for each in scripted)
        is_sender = path == "Patient" and names == ["_id", "_count"]
        return is_sender or ((is_by_id or is_answer) and not is_scripted)

    def _has_batch_route(self) -> bool:
        return any(not route.path for route in self._routes)

    def _next_reply(self, method: str, target: str) -> Reply:
        self.request_lines.append(f"{method} {unquote(target)}")
        path = urlsplit(target).path
        names = [name for name, _ in parse_qsl(urlsplit(target).query)]
        candidates = [each for each in self._routes if (each.method, each.path) == (method, path)]
        for route in sorted(candidates, key=lambda each: not each.parameter):
            if not route.parameter or route.parameter in names:
                return route.next_reply()
        raise AssertionError(f"The script has no answer to {method} {unquote(target)}")

    def _answer_batch(self, body: dict[str, Any]) -> dict[str, Any]:
        entries = [self._answer_entry(each["request"]) for each in body["entry"]]
        return {"resourceType": "Bundle", "type": "batch-response", "entry": entries}

    def _answer_entry(self, request: dict[str, str]) -> dict[str, Any]:
        if request["method"] == "GET" and self._is_late(request["url"]):
            self.late_lines.append(f"GET {unquote(request['url'])}")
            return {"resource": a_searchset(), "response": {"status": "200"}}
        reply = self._next_reply(request["method"], request["url"])
        response: dict[str, Any] = {"status": str(reply.status)}
        response |= {"etag": etag} if (etag := reply.headers.get("ETag")) else {}
        if reply.status >= 400:
            return {"response": {**response, "outcome": reply.body}}
        return {"resource": reply.body, "response": response}


def client_to(server: Callable[[httpx.Request], httpx.Response]) -> HttpClient:
    """Return the real HTTP client, with time that stands still."""
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
    portal_profile: PortalProfile | None = None,
    cache: Path = Path(os.devnull),
) -> FhirPortal:
    """Return the portal client as AppContext builds it, with everything permitted.

    Unless `portal_profile` says otherwise, the portal tells which services its GPs offer.
    """
    profile = portal_profile or PortalProfile(
        {}, "proposed", "Europe/Oslo", booking, services_listed=True
    )
    dependencies = build_dependencies(
        search,
        journal,
        identity or Identity("kari"),
        profile,
        lambda: None,
        lambda: NOW,
        cache,
    )
    return FhirPortal(dependencies, marks or NO_MARKS)


NOTHING = a_searchset()
