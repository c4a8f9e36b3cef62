"""Build prescriptions, their dispenses, and requests to renew them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gpcli.sandbox.people.element_builders import (
    PRESCRIPTION_KIND_SYSTEM,
    Element,
    concept,
    day_period,
    instant_text,
    local_datetime,
    local_day,
    nth_working_day,
    reference,
    short_id,
    uuid_identifier,
)
from gpcli.sandbox.people.medicines import Product
from gpcli.sandbox.people.patients import SyntheticPatient
from gpcli.sandbox.people.surgeries import Gp

RENEWAL_CONCEPT = concept("http://snomed.info/sct", "103742009", "Renewal of prescription")
_REPEAT_INFORMATION_URL = (
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-MedicationRepeatInformation"
)


@dataclass(frozen=True)
class Prescription:
    """A MedicationRequest and its dispenses; days are counted back from today.

    `validity_days` begin when it was written. `repeats` is the number of further dispenses allowed,
    None if it does not say. `dispensed_days_ago` and `returned_days_ago` are the days of completed
    and of cancelled dispenses. `repeat_count` is what the portal counts itself: repeats allowed and
    issued. `has_kind` is whether it states the kind of product, `has_medication` whether it refers
    to a Medication instead of only naming the product. `replaces` is the prescription that it
    renews; `reason` explains `status`.
    """

    patient: SyntheticPatient
    prescriber: Gp
    product: Product
    dosage: str
    written_days_ago: int
    validity_days: int = 365
    repeats: int | None = None
    dispensed_days_ago: tuple[int, ...] = ()
    returned_days_ago: tuple[int, ...] = ()
    status: str = "active"
    reason: str = ""
    repeat_count: tuple[int, int] | None = None
    has_kind: bool = True
    has_medication: bool = True
    replaces: "Prescription | None" = None

    @property
    def id(self) -> str:
        """The id of the MedicationRequest, which does not depend on the current time."""
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
        """Yield the MedicationRequest, its MedicationDispenses, and those of what it replaces."""
        yield self._request(local_day(now))
        for status, when in (
            ("completed", self.dispensed_days_ago),
            ("cancelled", self.returned_days_ago),
        ):
            for days_ago in when:
                yield self._dispense(status, days_ago, local_day(now))
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
            "authoredOn": instant_text(
                local_datetime(_days_before(today, self.written_days_ago), "10:12")
            ),
            "requester": self.role,
            "dosageInstruction": [{"text": self.dosage}],
            "dispenseRequest": self._dispense_request(today),
        }
        return request | self._optional_elements(today)

    @property
    def _medication(self) -> Element:
        if self.has_medication:
            return {"medicationReference": self.product.reference}
        return {"medicationCodeableConcept": self.product.code}

    def _dispense_request(self, today: date) -> Element:
        start = _days_before(today, self.written_days_ago)
        request: Element = {
            "validityPeriod": day_period(start, start + timedelta(days=self.validity_days)),
            "quantity": self.product.quantity,
        }
        if self.repeats is not None:
            request["numberOfRepeatsAllowed"] = self.repeats
        return request

    def _optional_elements(self, today: date) -> Element:
        found: Element = {}
        if self.has_kind:
            found["category"] = [concept(PRESCRIPTION_KIND_SYSTEM, self.product.kind)]
        if self.reason:
            found["statusReason"] = {"text": self.reason}
        if self.replaces:
            found["priorPrescription"] = reference(f"MedicationRequest/{self.replaces.id}")
        if self.repeat_count:
            expires = _days_before(today, self.written_days_ago - self.validity_days)
            found["extension"] = [_repeat_information(*self.repeat_count, expires)]
        return found

    def _dispense(self, status: str, days_ago: int, today: date) -> Element:
        return {
            "resourceType": "MedicationDispense",
            "id": short_id("d", self.id, status, str(days_ago)),
            "status": status,
            **self._medication,
            "subject": self.patient.subject,
            "authorizingPrescription": [reference(f"MedicationRequest/{self.id}")],
            "quantity": self.product.quantity,
            "whenHandedOver": instant_text(local_datetime(_days_before(today, days_ago), "16:25")),
        }


@dataclass(frozen=True)
class RenewalRequest:
    """A Task: a patient's request to renew a prescription.

    `requested_days_ago` and `answered_days_ago` are in working days; None means not answered.
    `reason` is the surgery's explanation of `status`, `note` the patient's text.
    """

    prescription: Prescription
    requested_days_ago: int
    answered_days_ago: int | None = None
    status: str = "requested"
    reason: str = ""
    note: str = ""

    def resource(self, now: datetime) -> Element:
        """Return the Task."""
        id_ = short_id("r", self.prescription.id)
        authored_on = instant_text(
            local_datetime(nth_working_day(now, -self.requested_days_ago), "19:05")
        )
        last_modified = self.answered_days_ago and instant_text(
            local_datetime(nth_working_day(now, -self.answered_days_ago), "13:10")
        )
        patient = self.prescription.patient
        task: Element = {
            "resourceType": "Task",
            "id": id_,
            "identifier": [uuid_identifier("Task", id_)],
            "status": self.status,
            "intent": "order",
            "code": RENEWAL_CONCEPT,
            "focus": reference(f"MedicationRequest/{self.prescription.id}"),
            "for": patient.subject,
            "authoredOn": authored_on,
            "lastModified": last_modified or authored_on,
            "requester": patient.subject,
            "owner": self.prescription.role,
        }
        return task | self._reason_and_note(authored_on)

    def _reason_and_note(self, authored_on: str) -> Element:
        words: Element = {}
        if self.reason:
            words["statusReason"] = {"text": self.reason}
        if self.note:
            author = self.prescription.patient.subject
            words["note"] = [{"authorReference": author, "time": authored_on, "text": self.note}]
        return words


def _days_before(today: date, count: int) -> date:
    return today - timedelta(days=count)


def _repeat_information(allowed: int, issued: int, expires: date) -> Element:
    """Return the portal's own count of repeats, as UK Core's extension."""
    return {
        "url": _REPEAT_INFORMATION_URL,
        "extension": [
            {"url": "numberOfRepeatPrescriptionsAllowed", "valueUnsignedInt": allowed},
            {"url": "numberOfPrescriptionsIssued", "valueUnsignedInt": issued},
            {"url": "authorisationExpiryDate", "valueDateTime": expires.isoformat()},
        ],
    }
