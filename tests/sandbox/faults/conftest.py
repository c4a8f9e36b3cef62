"""A running portal with the small world of `tests.sandbox.fhir.portal`, and a client of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gpcli.sandbox.server import Sandbox
from tests.loopback import NO_CERTIFICATES
from tests.sandbox.fhir.portal import NOON, booking, default_resources

Json = dict[str, Any]
IDENTIFIER = {
    "system": "urn:ietf:rfc:3986",
    "value": "urn:uuid:5b0c1f0e-6d1f-4c55-9f52-0a6d4a1d7c12",
}
BY_IDENTIFIER = f"identifier={IDENTIFIER['system']}|{IDENTIFIER['value']}"


@dataclass
class Caller:
    """Ada's program, over real sockets; `token` is hers."""

    sandbox: Sandbox
    token: str

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Ask below the FHIR base, or below the issuer if the path begins with a slash."""
        start = self.sandbox.url if path.startswith("/") else f"{self.sandbox.fhir_base}/"
        usual = {"Accept": "application/fhir+json", "Authorization": f"Bearer {self.token}"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.request(
            method,
            f"{start}{path}",
            content=None if body is None else json.dumps(body),
            headers=usual | {"Content-Type": "application/fhir+json"} | named,
            timeout=60,
            verify=NO_CERTIFICATES,
        )

    def get(self, path: str) -> Json:
        """The JSON at a path."""
        answer: Json = self.ask("GET", path).raise_for_status().json()
        return answer

    def slot(self, number: int = 1) -> Json:
        """One of the three times, as it is stored."""
        found = self.sandbox.store.get("Slot", f"s{number}")
        assert found is not None
        return found

    def book(self, number: int = 1, **headers: str) -> httpx.Response:
        """Book one of the three times."""
        wanted = booking(self.slot(number), identifier=[IDENTIFIER])
        return self.ask("POST", "Appointment", wanted, **headers)

    def bookings(self) -> list[Json]:
        """What is booked, as it is stored."""
        return self.sandbox.store.find("Appointment")

    def send(self, kind: str, *entries: Json) -> httpx.Response:
        """Send a Bundle."""
        return self.ask("POST", "", {"resourceType": "Bundle", "type": kind, "entry": [*entries]})


def entry(method: str, url: str, resource: Json | None = None, **request: str) -> Json:
    """An entry of a Bundle to send."""
    asked = {"request": {"method": method, "url": url, **request}}
    return asked if resource is None else asked | {"resource": resource}


@pytest.fixture(scope="module")
def small_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    file = tmp_path_factory.mktemp("people") / "people.json"
    entries = [{"resource": each} for each in default_resources()]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    file.write_text(json.dumps(bundle), encoding="utf-8")
    with Sandbox(people=file, clock=NOON, seed=5, auto_sign_in=True) as running:
        yield running


@pytest.fixture
def ada(small_portal: Sandbox) -> Caller:
    """Ada's program, at a portal as it was at the start."""
    small_portal.reset()
    person = next(each.key for each in small_portal.people() if each.patient == "ada")
    return Caller(small_portal, small_portal.issue_token(person).access_token)
