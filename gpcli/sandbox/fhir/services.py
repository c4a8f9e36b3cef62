"""Which services a patient's GPs offer, and which are off for now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gpcli.sandbox.fhir.dates import microseconds, period
from gpcli.sandbox.fhir.elements import Resource, codes, id_of, reference_to, references
from gpcli.sandbox.fhir.outcome import forbidden
from gpcli.sandbox.store import Store

SERVICE_SYSTEM = "urn:gpcli:gp-service"
CHANNEL = "urn:gpcli:channel"


@dataclass(frozen=True)
class GP:
    """A GP at a surgery: the PractitionerRole and the HealthcareServices that it names."""

    role: Resource
    services: tuple[Resource, ...]

    @property
    def reference(self) -> str:
        """The relative reference of the PractitionerRole."""
        return reference_to(self.role)

    def active(self, service: str) -> list[Resource]:
        """The HealthcareServices of that kind which the GP offers, those off for now too."""
        return [each for each in self.services if service in kinds(each) and is_active(each)]

    def offering(self, service: str, now: datetime) -> list[Resource]:
        """The HealthcareServices of that kind which can be used now."""
        return [each for each in self.active(service) if not is_off(each, now)]


def gps_of(store: Store, patient: str) -> list[GP]:
    """The patient's GPs: none, one, or several who share a list."""
    record = store.get("Patient", patient) or {}
    roles = references(record, "generalPractitioner", "PractitionerRole")
    return [gp for role in roles for gp in gp_in(store, role)]


def gp_in(store: Store, role: str) -> list[GP]:
    """The GP behind the reference of a PractitionerRole; none if there is none active."""
    found = store.get("PractitionerRole", id_of(role))
    if found is None or found.get("active") is False:
        return []
    named = references(found, "healthcareService", "HealthcareService")
    services = [store.get("HealthcareService", id_of(each)) for each in named]
    return [GP(found, tuple(each for each in services if each))]


def kinds(element: Resource, path: str = "type") -> list[str]:
    """The codes of GP services in the CodeableConcepts at `path`."""
    return codes(element.get(path, []), SERVICE_SYSTEM)


def is_active(service: Resource) -> bool:
    """Whether a HealthcareService is offered at all."""
    return service.get("active") is not False


def is_off(service: Resource, now: datetime) -> bool:
    """Whether a HealthcareService is off just now (leave, overload)."""
    present = microseconds(now)
    spans = [period(each["during"]) for each in service.get("notAvailable", ()) if "during" in each]
    return any(span.low <= present < span.high for span in spans)


def require(gps: Iterable[GP], services: Iterable[str], now: datetime) -> list[GP]:
    """The GPs who offer every one of these services now; raises 403 `service-off` if none does."""
    wanted = list(services)
    able = [gp for gp in gps if all(gp.offering(service, now) for service in wanted)]
    if not able:
        text = "Your GP's surgery does not offer this online at present. Please call the surgery."
        raise forbidden(text, reason="service-off")
    return able
