"""Build prescriptions, their dispenses, and requests to renew them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gpcli.sandbox.people.element_builders import (
    DAY,
    PRESCRIPTION_KIND_SYSTEM,
    Element,
    concept,
    day_period,
    instant_text,
    reference,
    short_id,
    uuid_identifier,
)
from gpcli.sandbox.people.medicines import UNITS, Amount, Product
from gpcli.sandbox.people.patients import GpOfPatient, SyntheticPatient
from gpcli.sandbox.people.relative_times import RelativeTime

RENEWAL_CONCEPT = concept("http://snomed.info/sct", "103742009", "Renewal of prescription")
WRITTEN_CLOCK, DISPENSED_CLOCK = "10:12", "16:25"
ASKED_CLOCK, ANSWERED_CLOCK = "19:05", "13:10"
"""Times of day where only the day is given."""
_REPEAT_INFORMATION_URL = (
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-MedicationRepeatInformation"
)


@dataclass(frozen=True)
class RenewalRequest:
    """A patient's request to renew a prescription.

    `answered` is None if the surgery has not. `reason` is the surgery's explanation of `status`,
    `note` the patient's text.
    """

    asked: RelativeTime
    answered: RelativeTime | None = None
    status: str = "requested"
    reason: str = ""
    note: str = ""

    def resource(self, prescription: "Prescription", now: datetime) -> Element:
        """Return the Task."""
        id_ = short_id("r", prescription.id)
        authored_on = instant_text(self.asked.at(now, ASKED_CLOCK))
        answered_on = self.answered and instant_text(self.answered.at(now, ANSWERED_CLOCK))
        subject = prescription.patient.subject
        task: Element = {
            "resourceType": "Task",
            "id": id_,
            "identifier": [uuid_identifier("Task", id_)],
            "status": self.status,
            "intent": "order",
            "code": RENEWAL_CONCEPT,
            "focus": reference(f"MedicationRequest/{prescription.id}"),
            "for": subject,
            "authoredOn": authored_on,
            "lastModified": answered_on or authored_on,
            "requester": subject,
            "owner": prescription.prescriber.role,
        }
        if self.reason:
            task["statusReason"] = {"text": self.reason}
        if self.note:
            task["note"] = [{"authorReference": subject, "time": authored_on, "text": self.note}]
        return task


@dataclass(frozen=True)
class Dose:
    """An amount of a product that is taken so many times in every such length of time."""

    amount: Amount
    times: int = 1
    every: timedelta = DAY

    def elements(self, product: Product) -> Element:
        """Return what a Dosage says of it as data."""
        days, rest = divmod(self.every, DAY)
        period, unit = (self.every // timedelta(hours=1), "h") if rest else (days, "d")
        often = {"frequency": self.times, "period": period, "periodUnit": unit}
        dose = {"doseQuantity": product.measure(self.amount)}
        return {"timing": {"repeat": often}, "doseAndRate": [dose]}


@dataclass(frozen=True)
class Prescription:
    """A MedicationRequest and its dispenses.

    It is valid for `valid_days` from when it was written. `repeats` is the number of further
    dispenses allowed, None if it does not say. `dispensed` and `returned` are the times of
    completed and of cancelled dispenses. `portal_count` is what the portal counts itself: repeats
    allowed and issued. `tells_kind` is whether it states the kind of product, `links_medicine`
    whether it refers to a Medication instead of only naming the product. `renews` is the
    prescription that it replaces; `reason` explains `status`. `dose` is what `dosage` says, as
    data; `days_supply` is for how many days each dispense says that it lasts.
    """

    id: str
    patient: SyntheticPatient
    prescriber: GpOfPatient
    product: Product
    dosage: str
    written: RelativeTime
    valid_days: int = 365
    repeats: int | None = None
    dispensed: tuple[RelativeTime, ...] = ()
    returned: tuple[RelativeTime, ...] = ()
    status: str = "active"
    reason: str = ""
    portal_count: tuple[int, int] | None = None
    tells_kind: bool = True
    links_medicine: bool = True
    renews: "Prescription | None" = None
    renewal: RenewalRequest | None = None
    dose: Dose | None = None
    days_supply: int | None = None

    def generations(self) -> Iterator["Prescription"]:
        """Yield the prescription, and what it renews, the newest first."""
        yield self
        if self.renews:
            yield from self.renews.generations()

    def resources(self, now: datetime) -> Iterator[Element]:
        """Yield the MedicationRequest, its MedicationDispenses, and those of what it renews."""
        yield self._request(now)
        for status, times in (("completed", self.dispensed), ("cancelled", self.returned)):
            for when in times:
                yield self._dispense(status, when, now)
        if self.renews:
            yield from self.renews.resources(now)

    def _request(self, now: datetime) -> Element:
        request: Element = {
            "resourceType": "MedicationRequest",
            "id": self.id,
            "status": self.status,
            "intent": "order",
            **self._medication,
            "subject": self.patient.subject,
            "authoredOn": instant_text(self.written.at(now, WRITTEN_CLOCK)),
            "requester": self.prescriber.role,
            "dosageInstruction": [self._dosage],
            "dispenseRequest": self._dispense_request(now),
        }
        return request | self._optional_elements(now)

    @property
    def _medication(self) -> Element:
        if self.links_medicine:
            return {"medicationReference": self.product.reference}
        return {"medicationCodeableConcept": self.product.code}

    @property
    def _dosage(self) -> Element:
        return {"text": self.dosage, **(self.dose.elements(self.product) if self.dose else {})}

    def _valid_until(self, now: datetime) -> date:
        return self.written.day(now) + timedelta(days=self.valid_days)

    def _dispense_request(self, now: datetime) -> Element:
        request: Element = {
            "validityPeriod": day_period(self.written.day(now), self._valid_until(now)),
            "quantity": self.product.quantity,
        }
        if self.repeats is not None:
            request["numberOfRepeatsAllowed"] = self.repeats
        return request

    def _optional_elements(self, now: datetime) -> Element:
        found: Element = {}
        if self.tells_kind:
            found["category"] = [concept(PRESCRIPTION_KIND_SYSTEM, self.product.kind)]
        if self.reason:
            found["statusReason"] = {"text": self.reason}
        if self.renews:
            found["priorPrescription"] = reference(f"MedicationRequest/{self.renews.id}")
        if self.portal_count:
            found["extension"] = [_repeat_information(*self.portal_count, self._valid_until(now))]
        return found

    def _dispense(self, status: str, when: RelativeTime, now: datetime) -> Element:
        days = {"value": self.days_supply, "unit": "days", "system": UNITS, "code": "d"}
        return {
            "resourceType": "MedicationDispense",
            "id": short_id("d", self.id, status, when.key),
            "status": status,
            **self._medication,
            "subject": self.patient.subject,
            "authorizingPrescription": [reference(f"MedicationRequest/{self.id}")],
            "quantity": self.product.quantity,
            **({"daysSupply": days} if self.days_supply else {}),
            "whenHandedOver": instant_text(when.at(now, DISPENSED_CLOCK)),
        }


def build_renewals(prescriptions: Iterable[Prescription], now: datetime) -> list[Element]:
    """Return the Tasks of one patient's prescriptions, the newest first."""
    tasks = [
        each.renewal.resource(each, now)
        for prescription in prescriptions
        for each in prescription.generations()
        if each.renewal
    ]
    return sorted(tasks, key=lambda task: str(task["authoredOn"]), reverse=True)


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
