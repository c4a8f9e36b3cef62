"""Until when a booking may be cancelled: a Flag in the Appointment (Helsenorge's draft guide)."""

from datetime import datetime, timedelta

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.fhir import dates
from gpcli.sandbox.fhir.elements import Resource, codes, extension, references
from gpcli.sandbox.fhir.services import GP

FLAG_SYSTEM = "http://helsenorge.no/fhir/CodeSystem/hn-appointment-flag-code-cs"
NOTICE = "urn:gpcli:cancel-notice"
LATE = "urn:gpcli:late-cancellation"


def with_deadline(appointment: Resource, gp: GP) -> Resource:
    """The appointment with a Flag `cancel` that ends when the surgery's notice begins.

    Unchanged if it has such a Flag, if it has no time, or if the surgery sets no notice.
    """
    notice = _notice(gp)
    if notice is None or "start" not in appointment or _flags(appointment):
        return appointment
    last = (dates.instant(appointment["start"]) - notice).astimezone(ZONE)
    flag = {
        "resourceType": "Flag",
        "id": _free_id(appointment),
        "status": "active",
        "code": {"coding": [{"system": FLAG_SYSTEM, "code": "cancel"}]},
        "subject": {"reference": _patient(appointment)},
        "period": {"end": last.isoformat()},
    }
    told = {"reference": f"#{flag['id']}"}
    return appointment | {
        "contained": [*appointment.get("contained", []), flag],
        "supportingInformation": [*appointment.get("supportingInformation", []), told],
    }


def deadline(appointment: Resource) -> datetime | None:
    """When the appointment's Flag `cancel` ends; None if it has none, or an open one."""
    ends = [
        flag["period"]["end"] for flag in _flags(appointment) if "end" in flag.get("period", {})
    ]
    return dates.instant(ends[0]) if ends else None


def charges_late(gp: GP) -> bool:
    """Whether the surgery lets a booking be cancelled late, for a fee."""
    services = gp.active("cancellation")
    return any(extension(each, LATE).get("valueCode") == "charged" for each in services)


def _notice(gp: GP) -> timedelta | None:
    found = (extension(each, NOTICE) for each in gp.active("cancellation"))
    hours = [each["valueDuration"]["value"] for each in found if "valueDuration" in each]
    return timedelta(hours=float(hours[0])) if hours else None


def _flags(appointment: Resource) -> list[Resource]:
    contained = appointment.get("contained", ())
    flags = (each for each in contained if each.get("resourceType") == "Flag")
    return [flag for flag in flags if "cancel" in codes(flag.get("code"), FLAG_SYSTEM)]


def _free_id(appointment: Resource) -> str:
    taken = {each.get("id") for each in appointment.get("contained", ())}
    return "cancel" if "cancel" not in taken else f"cancel-{len(taken)}"


def _patient(appointment: Resource) -> str:
    return references(appointment, "participant.actor", "Patient")[0]
