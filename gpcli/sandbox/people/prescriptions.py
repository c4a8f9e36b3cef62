"""Prescriptions, what was handed out on them, and requests to renew them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gpcli.sandbox.people.directory import Gp
from gpcli.sandbox.people.elements import (
    PRESCRIPTION_KIND,
    Element,
    concept,
    days,
    instant,
    own_uuid,
    reference,
)
from gpcli.sandbox.people.medicines import Product
from gpcli.sandbox.people.patients import Someone
from gpcli.sandbox.people.timetable import at, local_day, short_id, working_day

RENEWAL = concept("http://snomed.info/sct", "103742009", "Renewal of prescription")
_REPEATS = (
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-MedicationRepeatInformation"
)


@dataclass(frozen=True)
class Prescription:
    """A MedicationRequest and what was handed out on it. Days are counted back from today.

    `written` is when, `lasts` for how many days it is good. `repeats` is how many times it can be
    handed out again, None if it doesn't say. `fetched` and `returned` are the days on which it was
    handed out, and on which that was undone. `figure` is what the portal itself counts: repeats
    allowed and issued. `has_kind` tells whether it says that it is a medicine or something else,
    `in_catalogue` whether it refers to a Medication or only names the product. `replaces` is the
    prescription that it renews, `why` the reason of `status`.
    """

    patient: Someone
    prescriber: Gp
    product: Product
    dosage: str
    written: int
    lasts: int = 365
    repeats: int | None = None
    fetched: tuple[int, ...] = ()
    returned: tuple[int, ...] = ()
    status: str = "active"
    why: str = ""
    figure: tuple[int, int] | None = None
    has_kind: bool = True
    in_catalogue: bool = True
    replaces: "Prescription | None" = None

    @property
    def id(self) -> str:
        """The MedicationRequest's id: the same at any time."""
        return short_id("rx", self.patient.key, self.product.key, str(self._generation))

    @property
    def role(self) -> Element:
        """A reference to the prescriber as the patient's GP."""
        gp = self.prescriber
        return reference(f"PractitionerRole/gp-{gp.key}{self.patient.role_suffix}", gp.name)

    @property
    def _generation(self) -> int:
        return self.replaces._generation + 1 if self.replaces else 1

    def resources(self, now: datetime) -> Iterator[Element]:
        """The MedicationRequest, its MedicationDispenses, and those of what it replaces."""
        yield self._request(local_day(now))
        for status, when in (("completed", self.fetched), ("cancelled", self.returned)):
            for ago in when:
                yield self._dispense(status, ago, local_day(now))
        if self.replaces:
            yield from self.replaces.resources(now)

    def _request(self, today: date) -> Element:
        request: Element = {
            "resourceType": "MedicationRequest",
            "id": self.id,
            "status": self.status,
            "intent": "order",
            **self._medication,
            "subject": self.patient.subject,
            "authoredOn": instant(at(_ago(today, self.written), "10:12")),
            "requester": self.role,
            "dosageInstruction": [{"text": self.dosage}],
            "dispenseRequest": self._dispense_request(today),
        }
        return request | self._particulars(today)

    @property
    def _medication(self) -> Element:
        if self.in_catalogue:
            return {"medicationReference": self.product.reference}
        return {"medicationCodeableConcept": self.product.code}

    def _dispense_request(self, today: date) -> Element:
        written = _ago(today, self.written)
        request: Element = {
            "validityPeriod": days(written, written + timedelta(days=self.lasts)),
            "quantity": self.product.quantity,
        }
        if self.repeats is not None:
            request["numberOfRepeatsAllowed"] = self.repeats
        return request

    def _particulars(self, today: date) -> Element:
        found: Element = {}
        if self.has_kind:
            found["category"] = [concept(PRESCRIPTION_KIND, self.product.kind)]
        if self.why:
            found["statusReason"] = {"text": self.why}
        if self.replaces:
            found["priorPrescription"] = reference(f"MedicationRequest/{self.replaces.id}")
        if self.figure:
            expires = _ago(today, self.written - self.lasts)
            found["extension"] = [_repeat_information(*self.figure, expires)]
        return found

    def _dispense(self, status: str, ago: int, today: date) -> Element:
        return {
            "resourceType": "MedicationDispense",
            "id": short_id("d", self.id, status, str(ago)),
            "status": status,
            **self._medication,
            "subject": self.patient.subject,
            "authorizingPrescription": [reference(f"MedicationRequest/{self.id}")],
            "quantity": self.product.quantity,
            "whenHandedOver": instant(at(_ago(today, ago), "16:25")),
        }


@dataclass(frozen=True)
class Renewal:
    """A Task: the patient asked, `asked` working days ago, for a prescription to be renewed.

    `answered` is when the surgery did what `status` says, `why` its words about it; `note` are the
    patient's words.
    """

    prescription: Prescription
    asked: int
    answered: int | None = None
    status: str = "requested"
    why: str = ""
    note: str = ""

    def resource(self, now: datetime) -> Element:
        """The Task."""
        id_ = short_id("r", self.prescription.id)
        asked = instant(at(working_day(now, -self.asked), "19:05"))
        answered = self.answered and instant(at(working_day(now, -self.answered), "13:10"))
        patient = self.prescription.patient
        task: Element = {
            "resourceType": "Task",
            "id": id_,
            "identifier": [own_uuid("Task", id_)],
            "status": self.status,
            "intent": "order",
            "code": RENEWAL,
            "focus": reference(f"MedicationRequest/{self.prescription.id}"),
            "for": patient.subject,
            "authoredOn": asked,
            "lastModified": answered or asked,
            "requester": patient.subject,
            "owner": self.prescription.role,
        }
        return task | self._words(asked)

    def _words(self, asked: str) -> Element:
        words: Element = {}
        if self.why:
            words["statusReason"] = {"text": self.why}
        if self.note:
            author = self.prescription.patient.subject
            words["note"] = [{"authorReference": author, "time": asked, "text": self.note}]
        return words


def _ago(today: date, count: int) -> date:
    return today - timedelta(days=count)


def _repeat_information(allowed: int, issued: int, expires: date) -> Element:
    """What the portal itself counts (UK Core)."""
    return {
        "url": _REPEATS,
        "extension": [
            {"url": "numberOfRepeatPrescriptionsAllowed", "valueUnsignedInt": allowed},
            {"url": "numberOfPrescriptionsIssued", "valueUnsignedInt": issued},
            {"url": "authorisationExpiryDate", "valueDateTime": expires.isoformat()},
        ],
    }
