"""A small FHIR R4 portal in memory, behind respx: no socket, no process, and quirks to choose.

It knows nothing of gpcli. Whoever bears a patient's id as a token is that patient.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from threading import RLock
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import respx

from tests.contract.fake_answers import (
    ENTRY_HEADERS,
    Answer,
    absolute,
    answers,
    refusal,
    relative,
    resolve_references,
    searchset,
)
from tests.contract.fake_quirks import SEEN, WRITTEN, Quirks, is_unsaid, statement
from tests.contract.fake_search import Params, along, fits, in_order, may_see
from tests.contract.places import Place
from tests.contract.practice import Resource
from tests.contract.world import shared

BASE = "https://fake.example/fhir/R4"
TOKEN = "https://fake.example/token"
"""Where a patient's id, as a refresh token, is good for an access token."""
TYPE = {"Content-Type": "application/fhir+json"}
OVER = frozenset({"cancelled", "fulfilled", "noshow", "entered-in-error"})


class Fake:
    """The portal; `router.calls` are what it was asked, `unsaid` what it does not list of that."""

    def __init__(self, quirks: Quirks | None = None) -> None:
        self.quirks = quirks or Quirks()
        self.store: dict[str, Resource] = {}
        self.unsaid: list[str] = []
        self.router = respx.MockRouter(assert_all_called=False)
        self.router.route().mock(side_effect=self._respond)
        self.transport = httpx.MockTransport(self.router.handler)
        self._numbers = iter(range(1, 10**6))
        self._lock = RLock()

    def fill(self, resources: Iterable[Resource]) -> None:
        """Put resources in as they are, under the ids that they have."""
        with self._lock:
            for each in resources:
                self._put(each)

    def asked(self, method: str) -> list[str]:
        """The paths, with their queries, of the requests by one method."""
        made = (call.request for call in self.router.calls)
        return [str(each.url).removeprefix(BASE) for each in made if each.method == method]

    def _respond(self, request: httpx.Request) -> httpx.Response:
        if str(request.url) == TOKEN:
            return self._refresh(parse_qsl(request.content.decode()))
        target = str(request.url).removeprefix(BASE).lstrip("/")
        body = json.loads(relative(json.dumps(json.loads(request.content or b"{}")), BASE))
        patient = request.headers.get("Authorization", "").removeprefix("Bearer ")
        with self._lock:
            said = self._answer(patient, request.method, target, body, request.headers)
        shown = json.dumps(said.body)
        text = absolute(shown, BASE) if self.quirks.absolute else shown
        return httpx.Response(said.status, text=text, headers={**said.headers, **TYPE})

    def _refresh(self, form: Params) -> httpx.Response:
        patient = dict(form)["refresh_token"]
        whose = {"patient": patient} if self.quirks.refreshed_patient else {}
        token = {"access_token": patient, "token_type": "Bearer", "expires_in": 3600}
        return httpx.Response(200, json={**token, "refresh_token": patient, **whose})

    def _answer(
        self, patient: str, method: str, target: str, body: Resource, headers: Mapping[str, str]
    ) -> Answer:
        path, _, query = target.partition("?")
        kind, _, identity = path.partition("/")
        if path == "metadata":
            return Answer(200, statement(self.quirks))
        if f"Patient/{patient}" not in self.store:
            return refusal(401, "login")
        if not path:
            return self._bundle(patient, body)
        if kind not in (SEEN if method == "GET" else WRITTEN) or kind in self.quirks.forbidden:
            return refusal(403, "forbidden")
        if method == "GET":
            if identity:
                return self._read(patient, path)
            return self._search(patient, kind, parse_qsl(query))
        if method == "POST":
            return self._create(patient, body, headers.get("If-None-Exist"))
        if self.quirks.patches:
            return self._patch(patient, method, path, body, headers)
        return self._update(patient, path, body, headers.get("If-Match"))

    def _read(self, patient: str, path: str) -> Answer:
        there = self.store.get(path)
        if there is None or not may_see(there, patient):
            return refusal(404, "not-found")
        etag = {"ETag": f'W/"{there["meta"]["versionId"]}"'} if self.quirks.etag else {}
        return Answer(200, self._shown(there), etag)

    def _search(self, patient: str, kind: str, params: Params) -> Answer:
        names, declared = {name for name, _ in params}, self.quirks.declared
        if self.quirks.refused & names or (declared is not None and names - declared - {"_offset"}):
            return refusal(400, "not-supported")
        if is_unsaid(self.quirks, kind, names):
            self.unsaid.append(f"{kind}?{urlencode(params)}")
            return refusal(400, "not-supported")
        if self.quirks.heeded is not None:
            params = [each for each in params if each[0] in {*self.quirks.heeded, "_offset"}]
        if kind in self.quirks.hidden:
            return Answer(200, searchset([(refusal(200, "suppressed").body or {}, "outcome")], {}))
        found = in_order(self._matches(patient, kind, params), dict(params).get("_sort"))
        return Answer(200, self._page(found, kind, params))

    def _matches(self, patient: str, kind: str, params: Params) -> list[Resource]:
        asked = [
            each
            for each in params
            if each[0] not in self.quirks.ignored
            and (each[0] == "_id" or not each[0].startswith("_"))
        ]
        return [
            one
            for one in self.store.values()
            if one["resourceType"] == kind
            and may_see(one, patient)
            and all(fits(one, name, wanted, self.store) for name, wanted in asked)
        ]

    def _page(self, found: list[Resource], kind: str, params: Params) -> Resource:
        quirks, given = self.quirks, dict(params)
        size = min(quirks.page, int(given.get("_count", quirks.page)))
        first = int(given.get("_offset", 0))
        start = min(first, max(0, len(found) - 1) // size * size) if quirks.past_end else first
        page = found[start : start + size]
        entries: list[tuple[Any, str]] = [(self._shown(each, given), "match") for each in page]
        if quirks.includes:
            others = along(page, params, self.store)
            entries += [(self._shown(each), "include") for each in others]
        more: Resource = {"total": len(found)} if quirks.total else {}
        if quirks.next and (quirks.past_end or first + size < len(found)):
            rest = [each for each in params if each[0] != "_offset"]
            query = urlencode([*rest, ("_offset", str(first + size))])
            before = {"root": "/fhir/R4/" + kind, "path": kind, "query": ""}
            address = before.get(quirks.links, f"{BASE}/{kind}")
            more["link"] = [{"relation": "next", "url": f"{address}?{query}"}]
        return searchset(entries, more, modes=quirks.modes)

    def _shown(self, there: Resource, given: Mapping[str, str] | None = None) -> Resource:
        shown = deepcopy(there)
        if not self.quirks.versions:
            del shown["meta"]
        if wanted := (given or {}).get("_elements"):
            kept = {"resourceType", "id", "meta", *wanted.split(",")}
            shown = {name: each for name, each in shown.items() if name in kept}
        return shown

    def _create(self, patient: str, body: Resource, once: str | None) -> Answer:
        if not may_see(body, patient):
            return refusal(403, "forbidden")
        kind = body["resourceType"]
        if once and not (self.quirks.conditional or self.quirks.silent):
            return refusal(412, "not-supported")
        once = once if self.quirks.conditional else None
        if once and (there := self._matches(patient, kind, parse_qsl(once))):
            if self.quirks.repeated != 200:
                return refusal(self.quirks.repeated, "duplicate")
            return Answer(200, self._shown(there[0]))
        if self._taken(body):
            return refusal(409, "conflict", problem="slot-taken")
        made = self._put({**body, "id": f"{kind.lower()}-{next(self._numbers)}"})
        return Answer(
            self.quirks.created, self._shown(made), {"Location": f"{BASE}/{kind}/{made['id']}"}
        )

    def _taken(self, body: Resource) -> bool:
        """Whether what is to be booked is somebody's already; if not, it is now."""
        for slot in body.get("slot", ()):
            if any(_holds(one, slot) for one in self.store.values()):
                return True
            self._put({**self.store[slot["reference"]], "status": "busy"})
        return False

    def _update(self, patient: str, path: str, body: Resource, if_match: str | None) -> Answer:
        read = self._read(patient, path)
        if read.failed:
            return read
        version = self.store[path]["meta"]["versionId"]
        if if_match not in {None, f'W/"{version}"'}:
            return refusal(412, "conflict")
        return Answer(200, self._shown(self._put(body)))

    def _patch(
        self, patient: str, method: str, path: str, steps: Any, headers: Mapping[str, str]
    ) -> Answer:
        """Change a record by JSON Patch (RFC 6902), as far as top-level elements go."""
        if method != "PATCH" or headers.get("Content-Type") != "application/json-patch+json":
            return refusal(405, "not-supported")
        changed = dict(self.store.get(path, {}))
        for each in steps:
            name = each["path"].removeprefix("/")
            if each["op"] == "test" and changed.get(name) != each["value"]:
                return refusal(409, "conflict")
            if each["op"] == "remove":
                del changed[name]
            elif each["op"] != "test":
                changed[name] = each["value"]
        return self._update(patient, path, changed, headers.get("If-Match"))

    def _put(self, resource: Resource) -> Resource:
        path = f"{resource['resourceType']}/{resource['id']}"
        version = int(self.store[path]["meta"]["versionId"]) + 1 if path in self.store else 1
        self.store[path] = {**deepcopy(resource), "meta": {"versionId": str(version)}}
        return self.store[path]

    def _bundle(self, patient: str, body: Resource) -> Answer:
        if body["type"] == "batch" and self.quirks.batch:
            done = [self._entry(patient, each) for each in body["entry"]]
            return Answer(200, answers("batch-response", done))
        if body["type"] == "transaction" and self.quirks.transaction:
            return self._transaction(patient, body)
        return refusal(400, "not-supported")

    def _transaction(self, patient: str, body: Resource) -> Answer:
        before, done = dict(self.store), []
        new: dict[str, str] = {}
        for number, entry in enumerate(body["entry"]):
            refused = refusal(422, "business-rule") if number == self.quirks.failing else None
            entry |= {
                "resource": resolve_references(
                    entry["resource"], new, everywhere=self.quirks.rewrites
                )
            }
            said = refused or self._entry(patient, entry)
            if said.failed:
                self.store = before if self.quirks.rollback else self.store
                return said
            if said.body and "fullUrl" in entry:
                new[entry["fullUrl"]] = f"{said.body['resourceType']}/{said.body['id']}"
                self._rewrite(entry["fullUrl"], new)
            done.append(said)
        return Answer(200, answers("transaction-response", done))

    def _rewrite(self, url: str, new: Mapping[str, str]) -> None:
        if self.quirks.rewrites:
            there = self.store[new[url]]
            self.store[new[url]] = resolve_references(there, new, everywhere=True)

    def _entry(self, patient: str, entry: Resource) -> Answer:
        request = entry["request"]
        given = ((header, request.get(name)) for name, header in ENTRY_HEADERS.items())
        headers = {header: value for header, value in given if value}
        body = entry.get("resource", {})
        return self._answer(patient, request["method"], request["url"], body, headers)


def _holds(one: Resource, slot: Resource) -> bool:
    is_booked = one["resourceType"] == "Appointment" and one["status"] not in OVER
    return is_booked and slot in one.get("slot", ())


@contextmanager
def fake_portal(quirks: Quirks | None = None) -> Iterator[Place]:
    """The fake with the contract's world in it."""
    fake = Fake(quirks)
    fake.fill(shared())
    began = datetime.now(UTC).replace(microsecond=0)
    yield Place("fake", BASE, began, fake.fill, str, transport=fake.transport)
