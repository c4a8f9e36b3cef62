"""Build Appointments."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gpcli.sandbox.people.element_builders import (
    CHANNEL_SYSTEM,
    SERVICE_SYSTEM,
    Element,
    concept,
    instant_text,
    reference,
    short_id,
)
from gpcli.sandbox.people.healthcare_services import GpOffer, service_reference
from gpcli.sandbox.people.patients import SyntheticPatient
from gpcli.sandbox.people.relative_times import RelativeTime

CANCEL_FLAG_SYSTEM = "http://helsenorge.no/fhir/CodeSystem/hn-appointment-flag-code-cs"
VIRTUAL_SERVICE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
WITHOUT_TIME = ("proposed", "waitlist", "cancelled")
"""The statuses in which an appointment may have no time."""
STATUSES = (
    *("booked", "proposed", "pending", "fulfilled", "cancelled", "noshow"),
    *("arrived", "checked-in", "waitlist", "entered-in-error"),
)
CANCELLERS = {"patient": "pat", "surgery": "prov"}
"""Who can have cancelled an appointment, with the codes of R4."""
BOOKED_AHEAD = timedelta(days=9)
"""How long before its start an appointment was made, where nothing is said."""
_PARTICIPANT_STATUSES = {
    "proposed": "needs-action",
    "pending": "needs-action",
    "cancelled": "declined",
}


@dataclass(frozen=True)
class SyntheticAppointment:
    """An Appointment of `patient` with a GP.

    `when` is its start, None for one without a time; `asked_for` are the first and the last time
    that the patient asked for. `made` is when it was created; `join` is the address of a video
    consultation. `cancelled_by` is a key of CANCELLERS. `id` is empty if it is to be derived.
    """

    patient: SyntheticPatient
    offer: GpOffer
    reason: str = ""
    when: RelativeTime | None = None
    status: str = "booked"
    service: str = "booking"
    channel: str = "in-person"
    length: timedelta = timedelta(minutes=20)
    comment: str = ""
    asked_for: tuple[RelativeTime, RelativeTime] | None = None
    made: RelativeTime | None = None
    join: str = ""
    cancelled_by: str = "patient"
    id: str = ""

    def resource(self, now: datetime, number: int = 0) -> Element:
        """Return the Appointment; a booked one has a cancellation deadline.

        `number` tells it from others of the same patient, service and time.
        """
        start = self.when.at(now) if self.when else None
        appointment = {
            "resourceType": "Appointment",
            "id": self.id or self._derived_id(start, number),
            "status": self.status,
            "serviceType": [concept(SERVICE_SYSTEM, self.service)],
            "appointmentType": concept(CHANNEL_SYSTEM, self.channel),
            **({"description": self.reason} if self.reason else {}),
            **(self._times(start) if start else {}),
            "created": instant_text(self._made_at(start, now)),
            "participant": self._participants(),
        }
        if self.status == "booked" and start:
            appointment |= self._cancel_flag(start)
        return appointment | self._further_elements(now)

    def _derived_id(self, start: datetime | None, number: int) -> str:
        what = instant_text(start) if start else "asked for"
        more = (str(number),) if number else ()
        return short_id("a", self.patient.key, self.service, what, *more)

    def _times(self, start: datetime) -> Element:
        end = start.astimezone(UTC) + self.length
        return {"start": instant_text(start), "end": instant_text(end)}

    def _made_at(self, start: datetime | None, now: datetime) -> datetime:
        if self.made:
            return self.made.at(now, "12:00")
        return (start - BOOKED_AHEAD) if start else RelativeTime(((-2, "d"),)).at(now, "12:00")

    def _participants(self) -> list[Element]:
        gp = self.offer.gp
        participant_status = _PARTICIPANT_STATUSES.get(self.status, "accepted")
        others = [gp.role, gp.surgery.location]
        if self.offer.offers(self.service):
            others.append(service_reference(self.service, gp))
        return [
            {"actor": self.patient.subject, "status": "accepted"},
            *({"actor": other, "status": participant_status} for other in others),
        ]

    def _cancel_flag(self, start: datetime) -> Element:
        flag = {
            "resourceType": "Flag",
            "id": "cancel",
            "status": "active",
            "code": concept(CANCEL_FLAG_SYSTEM, "cancel"),
            "subject": self.patient.subject,
            "period": {"end": instant_text(start.astimezone(UTC) - self.offer.cancel_notice)},
        }
        return {"contained": [flag], "supportingInformation": [reference("#cancel")]}

    def _further_elements(self, now: datetime) -> Element:
        found: Element = {}
        if self.comment:
            found["comment"] = self.comment
        if self.asked_for:
            first, last = (instant_text(each.at(now)) for each in self.asked_for)
            found["requestedPeriod"] = [{"start": first, "end": last}]
        if self.join:
            link = {"url": "addressUrl", "valueUrl": self.join}
            found["extension"] = [{"url": VIRTUAL_SERVICE, "extension": [link]}]
        if self.status == "cancelled":
            system = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
            found["cancelationReason"] = concept(system, CANCELLERS[self.cancelled_by])
        return found
