"""A small practice in this process, with the records that a test gives it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from gpcli.auth.vault import MemoryVault
from gpcli.render.terminal import Terminal
from tests.journeys.shell import Shell, at_once
from tests.journeys.world import MONDAY

BASE = "https://practice.example/fhir"
NARROW = Terminal(stdin_tty=True, stdout_tty=True, stderr_tty=True, width=80)
SERVICES = (
    *("booking", "cancellation", "contact", "prescription-renewal"),
    *("e-consultation", "flu-vaccination", "booking-enquiry"),
)
TYPES = (
    *("Patient", "Practitioner", "PractitionerRole", "Organization", "Location", "Schedule"),
    *("HealthcareService", "ChargeItemDefinition", "Slot", "Appointment", "AppointmentResponse"),
    *("Communication", "MedicationRequest", "Medication", "MedicationDispense", "Task"),
    *("Immunization", "Consent", "DocumentReference", "Binary"),
)
MATCHED = {
    "_id": lambda record: [record.get("id", "")],
    "status": lambda record: [record.get("status", "")],
    "intent": lambda record: [record.get("intent", "")],
    "identifier": lambda record: [
        f"{each.get('system', '')}|{each.get('value')}" for each in record.get("identifier", [])
    ],
}
"""Search parameters that the practice heeds -> the values of a record."""

Json = dict[str, Any]
Page = Callable[[str, dict[str, str], Json], Json]
Refusal = tuple[int, Any]


def service(code: str, **elements: Any) -> Json:
    """The HealthcareService of the practice with this code as its id."""
    coding = {"system": "urn:gpcli:gp-service", "code": code}
    return {
        "resourceType": "HealthcareService",
        "id": code,
        "active": True,
        "providedBy": {"reference": "Organization/org"},
        "type": [{"coding": [coding]}],
        **elements,
    }


def role(**elements: Any) -> Json:
    """The PractitionerRole that is the patient's GP."""
    return {
        "resourceType": "PractitionerRole",
        "id": "role",
        "practitioner": {"reference": "Practitioner/gp"},
        "organization": {"reference": "Organization/org"},
        "healthcareService": [{"reference": f"HealthcareService/{code}"} for code in SERVICES],
        **elements,
    }


def practice() -> list[Json]:
    """A patient with a GP who offers everything, and consent to it."""
    full = {"coding": [{"system": "urn:gpcli:consent-level", "code": "full-access"}]}
    return [
        {
            "resourceType": "Patient",
            "id": "p1",
            "name": [{"text": "Tone Prøve"}],
            "generalPractitioner": [{"reference": "PractitionerRole/role"}],
        },
        role(),
        {"resourceType": "Practitioner", "id": "gp", "name": [{"text": "Ida Nordli"}]},
        {
            "resourceType": "Organization",
            "id": "org",
            "name": "Solvik legesenter",
            "telecom": [{"system": "phone", "value": "22 00 00 00"}],
        },
        *map(service, SERVICES),
        {
            "resourceType": "Consent",
            "id": "c",
            "status": "active",
            "patient": {"reference": "Patient/p1"},
            "policyRule": full,
        },
    ]


@dataclass
class Practice:
    """What the portal answers: `page` changes a searchset, `refuse` answers instead of it."""

    records: Sequence[Json]
    page: Page | None = None
    refuse: Callable[[str, dict[str, str]], Refusal | httpx.TransportError | None] | None = None
    asked: list[str] = field(default_factory=list)
    heeded: Mapping[str, Callable[[Json], list[str]]] = field(default_factory=lambda: MATCHED)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        target = str(request.url).removeprefix(BASE).lstrip("/")
        body = json.loads(request.content) if request.content else {}
        if request.method == "POST" and not target:
            return httpx.Response(200, json=self._answer_batch(body))
        return self._answer(request.method, target, body)

    def _answer_batch(self, body: Json) -> Json:
        entries = []
        for entry in body["entry"]:
            asked = entry["request"]
            answer = self._answer(asked["method"], asked["url"], entry.get("resource"))
            entries.append(
                {"response": {"status": str(answer.status_code)}, "resource": answer.json()}
            )
        return {"resourceType": "Bundle", "type": f"{body['type']}-response", "entry": entries}

    def _answer(self, method: str, target: str, body: Json | None) -> httpx.Response:
        self.asked.append(f"{method} {target}")
        split = urlsplit(target)
        fields = dict(parse_qsl(split.query))
        refusal = self.refuse(split.path, fields) if self.refuse else None
        if isinstance(refusal, httpx.TransportError):
            raise refusal
        if refusal:
            return _respond(*refusal)
        if split.path == "metadata":
            return _respond(200, _statement())
        if method != "GET":
            return _respond(201 if method == "POST" else 200, {"id": "new"} | (body or {}))
        kind, _, name = split.path.partition("/")
        if name:
            found = [each for each in self.records if _reference(each) == split.path]
            return _respond(200, found[0]) if found else _respond(404, an_outcome("not-found"))
        searchset = self._search(kind, fields)
        return _respond(200, self.page(kind, fields, searchset) if self.page else searchset)

    def _search(self, kind: str, fields: dict[str, str]) -> Json:
        found = [each for each in self.records if each["resourceType"] == kind]
        for name, read in self.heeded.items():
            if name in fields:
                wanted = set(fields[name].split(","))
                found = [each for each in found if wanted & set(read(each))]
        return {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(found),
            "entry": [
                {"fullUrl": f"{BASE}/{_reference(each)}", "resource": each} for each in found
            ],
        }


def _respond(status: int, body: Any) -> httpx.Response:
    if isinstance(body, str):
        return httpx.Response(status, text=body, headers={"Content-Type": "text/html"})
    return httpx.Response(status, json=body)


def _reference(record: Json) -> str:
    return f"{record['resourceType']}/{record.get('id')}"


def _statement() -> Json:
    codes = ("read", "search-type", "create", "update")
    interaction = [{"code": code} for code in codes]
    resources = [{"type": name, "interaction": interaction} for name in TYPES]
    rest = {
        "mode": "server",
        "interaction": [{"code": "batch"}, {"code": "transaction"}],
        "resource": resources,
    }
    return {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [rest]}


def an_outcome(code: str, severity: str = "error", words: str | None = None) -> Json:
    """An OperationOutcome with one issue."""
    issue = {"severity": severity, "code": code} | ({"diagnostics": words} if words else {})
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def shell_at(portal: Practice, home: Path) -> Shell:
    """A shell of the patient, signed in at the portal."""
    env = {
        "GPCLI_PORTAL": BASE,
        "GPCLI_ENVIRONMENT": "staging",
        "GPCLI_TOKEN": "t0ken",
        "GPCLI_PATIENT": "p1",
        "GPCLI_CONFIG_DIR": str(home),
        "TZ": "Europe/Oslo",
    }
    return Shell(
        env,
        lambda: MONDAY,
        vault=MemoryVault(),
        sleep=at_once,
        transport=httpx.MockTransport(portal),
    )


def shell_with(home: Path, *records: Json, **options: Any) -> Shell:
    """A shell at a practice with `records` beside its own, or for those with their ids."""
    named = {_reference(each) for each in records}
    kept = [each for each in practice() if _reference(each) not in named]
    return shell_at(Practice([*kept, *records], **options), home)


def narrow(shell: Shell) -> Shell:
    """The same shell at a terminal of 80 columns."""
    return replace(shell, terminal=NARROW)


PATIENT: Json = {"reference": "Patient/p1"}


def slot(**elements: Any) -> Json:
    """A free time on 7 January 2030, at 10:00 in Oslo."""
    return {
        "resourceType": "Slot",
        "id": "s1",
        "schedule": {"reference": "Schedule/x"},
        "status": "free",
        "start": "2030-01-07T09:00:00Z",
        "end": "2030-01-07T09:15:00Z",
        **elements,
    }


def schedule(*actors: Json, **elements: Any) -> Json:
    """The Schedule of that time: of the service for booking and, unless told, of the GP."""
    return {
        "resourceType": "Schedule",
        "id": "x",
        "actor": [
            {"reference": "HealthcareService/booking"},
            *(actors or ({"reference": "Practitioner/gp"},)),
        ],
        **elements,
    }


def appointment(*actors: Json, **elements: Any) -> Json:
    """A booking at that time, with the patient and, unless told, the GP."""
    taking_part = (PATIENT, *(actors or ({"reference": "Practitioner/gp"},)))
    return {
        "resourceType": "Appointment",
        "id": "a1",
        "status": "booked",
        "start": "2030-01-07T09:00:00Z",
        "end": "2030-01-07T09:15:00Z",
        "participant": [{"actor": actor, "status": "accepted"} for actor in taking_part],
        **elements,
    }


def prescription(**elements: Any) -> Json:
    """An active prescription."""
    return {
        "resourceType": "MedicationRequest",
        "id": "r1",
        "status": "active",
        "intent": "order",
        "subject": PATIENT,
        "authoredOn": "2027-01-02",
        "requester": {"reference": "PractitionerRole/role"},
        "medicationCodeableConcept": {"text": "Trialin"},
        **elements,
    }


def message(**elements: Any) -> Json:
    """A message from the GP that stands for itself."""
    return {
        "resourceType": "Communication",
        "id": "c1",
        "status": "completed",
        "subject": PATIENT,
        "recipient": [PATIENT],
        "sender": {"reference": "Practitioner/gp"},
        "sent": "2027-02-20T09:00:00Z",
        "category": [{"coding": [{"system": "urn:gpcli:thread", "code": "administrative"}]}],
        "topic": {"text": "Your test"},
        "payload": [{"contentString": "It was normal."}],
        **elements,
    }


def renewal(**elements: Any) -> Json:
    """A request to renew that prescription."""
    return {
        "resourceType": "Task",
        "id": "t1",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "103742009"}]},
        "focus": {"reference": "MedicationRequest/r1"},
        "for": PATIENT,
        "authoredOn": "2027-02-20T09:00:00Z",
        **elements,
    }
