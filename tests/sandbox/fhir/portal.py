"""Build a GP with an hour of slots, the patients Ada and Bo, and app clients."""

import itertools
import json
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from gpcli.sandbox.clock import ZONE, Clock
from gpcli.sandbox.fhir.request_context import AccessRights
from gpcli.sandbox.fhir.rest import fhir_blueprint
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.simulator import SurgerySimulator

BASE = "http://localhost/fhir/R4"
NOON = datetime(2027, 3, 1, 12, tzinfo=ZONE)
EVERY_SCOPE = frozenset({"patient/*.cruds"})
SERVICE_SYSTEM = "urn:gpcli:gp-service"
UUID = "urn:uuid:5b0c1f0e-6d1f-4c55-9f52-0a6d4a1d7c11"


def concept(code: str, system: str = SERVICE_SYSTEM) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def ref(text: str) -> dict[str, str]:
    return {"reference": text}


def service(kind: str, id_: str = "", **more: Any) -> dict[str, Any]:
    named = {"resourceType": "HealthcareService", "id": id_ or kind, "active": True}
    return named | {"type": [concept(kind)]} | more


def cancellation(notice: int | None = 24, late: str = "refused") -> dict[str, Any]:
    extensions = [{"url": "urn:gpcli:late-cancellation", "valueCode": late}]
    if notice is not None:
        hours = {"value": notice, "unit": "h", "system": "http://unitsofmeasure.org", "code": "h"}
        extensions.append({"url": "urn:gpcli:cancel-notice", "valueDuration": hours})
    return service("cancellation", extension=extensions)


def role(*services: str, id_: str = "gp") -> dict[str, Any]:
    return {
        "resourceType": "PractitionerRole",
        "id": id_,
        "active": True,
        "practitioner": ref("Practitioner/berg"),
        "organization": ref("Organization/solbakken"),
        "location": [ref("Location/solbakken")],
        "healthcareService": [ref(f"HealthcareService/{each}") for each in services],
    }


def patient(id_: str, family: str, number: str, gp: str = "gp") -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id_,
        "identifier": [{"system": "urn:oid:2.16.578.1.12.4.1.4.1", "value": number}],
        "name": [{"family": family, "given": [id_.title()]}],
        "birthDate": "1961-03-14",
        "generalPractitioner": [ref(f"PractitionerRole/{gp}")],
    }


def consent(who: str, level: str = "full-access", id_: str = "") -> dict[str, Any]:
    category = concept("INFA", "http://terminology.hl7.org/CodeSystem/v3-ActCode")
    scope = concept("patient-privacy", "http://terminology.hl7.org/CodeSystem/consentscope")
    return {
        "resourceType": "Consent",
        "id": id_ or f"{who}-{level}",
        "status": "active",
        "scope": scope,
        "category": [category],
        "patient": ref(f"Patient/{who}"),
        "policyRule": concept(level, "urn:gpcli:consent-level"),
    }


def slot(number: int, start: datetime, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Slot",
        "id": f"s{number}",
        "schedule": ref("Schedule/visits"),
        "status": "free",
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=20)).isoformat(),
    } | more


def schedule(id_: str = "visits", of: str = "booking") -> dict[str, Any]:
    actors = (f"HealthcareService/{of}", "PractitionerRole/gp", "Location/solbakken")
    return {"resourceType": "Schedule", "id": id_, "actor": [ref(each) for each in actors]}


def default_resources() -> list[dict[str, Any]]:
    """A GP with three free slots a week after NOON; Ada and Bo, with full access."""
    offered = ("booking", "booking-enquiry", "e-consultation")
    times = [NOON + timedelta(days=7, minutes=20 * each) for each in range(3)]
    return [
        {"resourceType": "Organization", "id": "solbakken", "name": "Solbakken legesenter"},
        {"resourceType": "Location", "id": "solbakken", "name": "Solbakken"},
        {"resourceType": "Practitioner", "id": "berg", "name": [{"family": "Berg"}]},
        *(service(each) for each in offered),
        cancellation(),
        role(*offered, "cancellation"),
        schedule(),
        *(slot(number, start) for number, start in enumerate(times, 1)),
        patient("ada", "Ås", "14836100100"),
        patient("bo", "Li", "02897000200"),
        consent("ada"),
        consent("bo"),
    ]


def booking(of: dict[str, Any], who: str = "ada", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "status": "pending",
        "serviceType": [concept("booking")],
        "slot": [ref(f"Slot/{of['id']}")],
        "start": of["start"],
        "end": of["end"],
        "participant": [
            {"actor": ref(f"Patient/{who}"), "status": "accepted"},
            {"actor": ref("HealthcareService/booking"), "status": "needs-action"},
        ],
    } | more


def enquiry(who: str = "ada", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "status": "proposed",
        "serviceType": [concept("booking-enquiry")],
        "requestedPeriod": [{"start": "2027-03-02", "end": "2027-03-12"}],
        "participant": [{"actor": ref(f"Patient/{who}"), "status": "accepted"}],
    } | more


def identifier(value: str = UUID) -> dict[str, Any]:
    return {"identifier": [{"system": "urn:ietf:rfc:3986", "value": value}]}


class AppClient:
    """An app of a signed-in person: sends requests with their access token."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self._client = client
        self._token = token

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self._token:
            named["Authorization"] = f"Bearer {self._token}"
        if body is not None and not isinstance(body, bytes | str):
            body = json.dumps(body)
        if body is not None:
            named.setdefault("Content-Type", "application/fhir+json")
        return self._client.open(f"/fhir/R4{path}", method=method, data=body, headers=named)

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def match_ids(self, path: str) -> list[str]:
        """The ids of a search's matches."""
        entries = self.get(path).json.get("entry", [])
        return [each["resource"]["id"] for each in entries if each["search"]["mode"] == "match"]

    def included(self, path: str) -> list[str]:
        """The references of the resources included in a search."""
        entries = self.get(path).json.get("entry", [])
        included = [e["resource"] for e in entries if e["search"]["mode"] == "include"]
        return sorted(f"{each['resourceType']}/{each['id']}" for each in included)

    def read_json(self, path: str) -> Any:
        return self.get(path).json

    def book(self, of: dict[str, Any], **more: Any) -> Any:
        """Book the slot, and return the Appointment."""
        answer = self("POST", "/Appointment", booking(of, **more))
        assert answer.status_code == 201, answer.text
        return answer.json


class FhirPortal:
    """A portal with its clock at noon of 1 March 2027, and app clients for its patients."""

    def __init__(self, path: Any, delay: timedelta = timedelta(), booking: str = "post") -> None:
        numbers = itertools.count(1)
        self.clock = Clock(NOON)
        self.store = Store(path, self.clock, new_id=lambda: f"new-{next(numbers)}")
        self.surgery = SurgerySimulator(self.store, self.clock, delay)
        self.rights: dict[str, AccessRights] = {}
        self.store.put_all(default_resources())
        self.app = Flask(__name__)
        endpoint = fhir_blueprint(
            store=self.store,
            clock=self.clock,
            find_access_rights=self.rights.get,
            surgery=self.surgery,
            fhir_base=lambda: BASE,
            booking=booking,
        )
        self.app.register_blueprint(endpoint, url_prefix="/fhir/R4")

    def __enter__(self) -> "FhirPortal":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.store.close()

    def sign_in(self, who: str, *scopes: str, user: str = "") -> AppClient:
        """An app in which `who` is signed in, with every scope unless some are named."""
        rights = AccessRights(who, user or f"Patient/{who}", frozenset(scopes) or EVERY_SCOPE)
        return self._signed_in(rights)

    def backend(self) -> AppClient:
        return self._signed_in(AccessRights("", "", frozenset({"system/*.cruds"})))

    def app_client(self, token: str = "") -> AppClient:
        return AppClient(self.app.test_client(), token)

    def _signed_in(self, rights: AccessRights) -> AppClient:
        token = f"token-{len(self.rights)}"
        self.rights[token] = rights
        return AppClient(self.app.test_client(), token)

    def slot(self, number: int) -> Any:
        return self.store.get("Slot", f"s{number}")


def issue(answer: Any) -> tuple[int, str, str]:
    """The status, issue code and reason of a refusal."""
    first = answer.json["issue"][0]
    reasons = [each["code"] for each in first["details"].get("coding", [{"code": ""}])]
    return answer.status_code, first["code"], reasons[0]
