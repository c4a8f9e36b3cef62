"""Read which services a patient's GPs offer, with their limits and cancellation deadlines."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.fhir.dates import parse_instant, period_span, to_microseconds
from gpcli.sandbox.fhir.elements import (
    Resource,
    codes,
    find_extension,
    id_of,
    reference_to,
    references_at,
)
from gpcli.sandbox.fhir.operation_outcome import FhirError, forbidden, unprocessable
from gpcli.sandbox.store import Store

GP_SERVICE_SYSTEM = "urn:gpcli:gp-service"
CHANNEL_SYSTEM = "urn:gpcli:channel"
MAX_TEXT_URL = "urn:gpcli:max-text"
MAX_BYTES_URL = "urn:gpcli:max-attachment-bytes"
MEDIA_TYPES_URL = "urn:gpcli:attachment-types"
CANCEL_FLAG_SYSTEM = "http://helsenorge.no/fhir/CodeSystem/hn-appointment-flag-code-cs"
CANCEL_NOTICE_URL = "urn:gpcli:cancel-notice"
LATE_CANCELLATION_URL = "urn:gpcli:late-cancellation"


@dataclass(frozen=True)
class GpRole:
    """A GP at a surgery: the PractitionerRole and its HealthcareServices."""

    role: Resource
    services: tuple[Resource, ...]

    @property
    def reference(self) -> str:
        """The relative reference of the PractitionerRole."""
        return reference_to(self.role)

    def active_services(self, service: str) -> list[Resource]:
        """Return the HealthcareServices of that kind, including those unavailable now."""
        return [
            each for each in self.services if service in service_codes(each) and is_active(each)
        ]

    def available_services(self, service: str, now: datetime) -> list[Resource]:
        """Return the HealthcareServices of that kind that are available at `now`."""
        return [each for each in self.active_services(service) if not is_unavailable(each, now)]


def read_patient_gps(store: Store, patient: str) -> list[GpRole]:
    """Return the patient's GPs: none, one, or several who share a list."""
    record = store.get("Patient", patient) or {}
    roles = references_at(record, "generalPractitioner", "PractitionerRole")
    return [gp for role in roles for gp in read_active_gp(store, role)]


def read_active_gp(store: Store, role: str) -> list[GpRole]:
    """Return the GP of a PractitionerRole reference, as a list; empty if not active."""
    found = store.get("PractitionerRole", id_of(role))
    if found is None or found.get("active") is False:
        return []
    named = references_at(found, "healthcareService", "HealthcareService")
    services = [store.get("HealthcareService", id_of(each)) for each in named]
    return [GpRole(found, tuple(each for each in services if each))]


def service_codes(element: Resource, path: str = "type") -> list[str]:
    """Return the codes of GP services in the CodeableConcepts at `path`."""
    return codes(element.get(path, []), GP_SERVICE_SYSTEM)


def is_active(service: Resource) -> bool:
    """Return whether a HealthcareService is offered at all."""
    return service.get("active") is not False


def is_unavailable(service: Resource, now: datetime) -> bool:
    """Return whether a HealthcareService is unavailable at `now`, as during a leave."""
    instant = to_microseconds(now)
    spans = [
        period_span(each["during"]) for each in service.get("notAvailable", ()) if "during" in each
    ]
    return any(span.low <= instant < span.high for span in spans)


def require_offering(gps: Iterable[GpRole], services: Iterable[str], now: datetime) -> list[GpRole]:
    """Return the GPs who offer all of these services at `now`.

    Raises:
        FhirError: 403 `service-off` if there is none.
    """
    required = list(services)
    offering_gps = [
        gp for gp in gps if all(gp.available_services(service, now) for service in required)
    ]
    if not offering_gps:
        text = "Your GP's surgery does not offer this online at present. Please call the surgery."
        raise forbidden(text, reason="service-off")
    return offering_gps


@dataclass(frozen=True)
class ServiceLimits:
    """The limits of what a patient may write; None means no limit.

    `text` is in characters, `attachment_bytes` in bytes; `types` are lower-case media types.
    """

    text: int | None = None
    attachment_bytes: int | None = None
    types: tuple[str, ...] | None = None

    def require_text_length(self, text: str, expression: str) -> None:
        """Raise 422 if the text is too long."""
        if self.text is not None and len(text) > self.text:
            raise unprocessable(f"A text has at most {self.text} characters here.", expression)

    def require_attachment(self, media_type: str, data: bytes, expression: str) -> None:
        """Raise 422 if the attachment is too large or of another type."""
        if self.attachment_bytes is not None and len(data) > self.attachment_bytes:
            text = f"An attachment has at most {self.attachment_bytes} bytes here."
            raise unprocessable(text, expression)
        if self.types is not None and _without_parameters(media_type) not in self.types:
            raise unprocessable(f"Attachments are {', '.join(self.types)} here.", expression)


def service_limits(services: Iterable[Resource]) -> ServiceLimits:
    """Return the limits that the first of the HealthcareServices states."""
    service = next(iter(services), {})
    types = find_extension(service, MEDIA_TYPES_URL).get("valueString")
    return ServiceLimits(
        find_extension(service, MAX_TEXT_URL).get("valueInteger"),
        find_extension(service, MAX_BYTES_URL).get("valueInteger"),
        None if types is None else tuple(types.casefold().split()),
    )


def decode_base64(element: Resource, expression: str) -> bytes:
    """Return the bytes of an Attachment's or a Binary's `data`.

    Raises:
        FhirError: 422 if they are not base64, or not of the stated size.
    """
    try:
        data = base64.b64decode("".join(element.get("data", "").split()), validate=True)
    except binascii.Error as error:
        raise FhirError(422, "value", "The data is not base64.", expression=[expression]) from error
    if element.get("size", len(data)) != len(data):
        text = f"The size says {element['size']} bytes, and there are {len(data)}."
        raise FhirError(422, "value", text, expression=[expression])
    return data


def _without_parameters(media_type: str) -> str:
    return media_type.partition(";")[0].strip().casefold()


def add_cancellation_deadline(appointment: Resource, gp: GpRole) -> Resource:
    """Return the appointment with a Flag `cancel` that ends at the cancellation deadline.

    It is unchanged if it has such a Flag or no start, or if the surgery states no notice.

    Source: Helsenorge's draft guide for appointments.
    """
    notice = _cancel_notice(gp)
    if notice is None or "start" not in appointment or _cancel_flags(appointment):
        return appointment
    last = (parse_instant(appointment["start"]) - notice).astimezone(ZONE)
    flag = {
        "resourceType": "Flag",
        "id": _unused_flag_id(appointment),
        "status": "active",
        "code": {"coding": [{"system": CANCEL_FLAG_SYSTEM, "code": "cancel"}]},
        "subject": {"reference": _patient_reference(appointment)},
        "period": {"end": last.isoformat()},
    }
    reference = {"reference": f"#{flag['id']}"}
    return appointment | {
        "contained": [*appointment.get("contained", []), flag],
        "supportingInformation": [*appointment.get("supportingInformation", []), reference],
    }


def cancellation_deadline(appointment: Resource) -> datetime | None:
    """Return when the appointment's Flag `cancel` ends; None if it does not say."""
    ends = [
        flag["period"]["end"]
        for flag in _cancel_flags(appointment)
        if "end" in flag.get("period", {})
    ]
    return parse_instant(ends[0]) if ends else None


def has_late_cancellation(gp: GpRole) -> bool:
    """Return whether bookings can be cancelled late, for a fee."""
    services = gp.active_services("cancellation")
    return any(
        find_extension(each, LATE_CANCELLATION_URL).get("valueCode") == "charged"
        for each in services
    )


def _cancel_notice(gp: GpRole) -> timedelta | None:
    found = (find_extension(each, CANCEL_NOTICE_URL) for each in gp.active_services("cancellation"))
    hours = [each["valueDuration"]["value"] for each in found if "valueDuration" in each]
    return timedelta(hours=float(hours[0])) if hours else None


def _cancel_flags(appointment: Resource) -> list[Resource]:
    contained = appointment.get("contained", ())
    flags = (each for each in contained if each.get("resourceType") == "Flag")
    return [flag for flag in flags if "cancel" in codes(flag.get("code"), CANCEL_FLAG_SYSTEM)]


def _unused_flag_id(appointment: Resource) -> str:
    taken = {each.get("id") for each in appointment.get("contained", ())}
    return "cancel" if "cancel" not in taken else f"cancel-{len(taken)}"


def _patient_reference(appointment: Resource) -> str:
    return references_at(appointment, "participant.actor", "Patient")[0]
