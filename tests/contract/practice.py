"""A GP of the contract's world who offers everything, and the surgery with its prices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Resource = dict[str, Any]

ZONE = ZoneInfo("Europe/Oslo")
GP_SERVICE = "urn:gpcli:gp-service"
CHANNEL = "urn:gpcli:channel"
SURGERY = "Fjellheim legesenter"
PHONE = "+47 00 12 34 80"
CHANNELS = {
    "e-consultation": ("text", "phone", "video"),
    "contact": ("text",),
    "prescription-renewal": (),
    "booking": ("in-person", "phone", "video"),
    "booking-enquiry": (),
    "cancellation": (),
    "flu-vaccination": ("in-person",),
}
"""Every service, and the channels of each."""
PRICES = {
    "e-consultation": (184, 69),
    "prescription-renewal": (92, 69),
    "booking": (184, 0),
    "late-cancellation": (380, 69),
}
"""Amount and invoice fee in NOK."""
FIRST_DAY = 3
"""Days from now to the first free time; there is one a day, four in all."""
LASTS = timedelta(minutes=20)


@dataclass(frozen=True)
class Practice:
    """One GP in a world that began `now`, their services and times."""

    number: int
    now: datetime

    @property
    def gp(self) -> str:
        return f"Dr. Ola Prøve {self.number}"

    @property
    def role(self) -> str:
        return f"role-{self.number}"

    @property
    def reference(self) -> Resource:
        return {"reference": f"PractitionerRole/{self.role}", "display": self.gp}

    @property
    def slots(self) -> list[str]:
        """The free times for visits, in order."""
        return [f"slot-{self.number}-{each}" for each in range(4)]

    @property
    def flu_slot(self) -> str:
        """The only free time for a flu vaccination."""
        return f"slot-{self.number}-flu"

    def resources(self) -> Iterator[Resource]:
        """All of it, what is referred to first."""
        yield self._practitioner()
        yield from (self._service(service) for service in CHANNELS)
        yield self._role()
        yield self._schedule("booking")
        yield from (self.slot(id_, ahead) for ahead, id_ in enumerate(self.slots, FIRST_DAY))
        yield {**self.slot(f"slot-{self.number}-taken", FIRST_DAY, clock="10:00"), "status": "busy"}
        yield self._schedule("flu-vaccination")
        yield self.slot(self.flu_slot, FIRST_DAY, "flu-vaccination")

    def slot(
        self, id_: str, ahead: int, service: str = "booking", clock: str = "09:00"
    ) -> Resource:
        """A free time so many days ahead."""
        start = at(self.now, ahead, clock)
        return {
            "resourceType": "Slot",
            "id": id_,
            "schedule": {"reference": f"Schedule/{service}-times-{self.number}"},
            "status": "free",
            "start": start.isoformat(),
            "end": (start + LASTS).isoformat(),
            "serviceType": [concept(GP_SERVICE, service)],
            "appointmentType": concept(CHANNEL, "in-person"),
        }

    def _practitioner(self) -> Resource:
        name = {"text": self.gp, "family": f"Prøve {self.number}", "given": ["Ola"]}
        return {"resourceType": "Practitioner", "id": f"gp-{self.number}", "name": [name]}

    def _service(self, service: str) -> Resource:
        offered: Resource = {
            "resourceType": "HealthcareService",
            "id": f"{service}-{self.number}",
            "active": True,
            "providedBy": {"reference": "Organization/surgery"},
            "type": [concept(GP_SERVICE, service)],
            "name": service,
            "comment": "Answered within five working days.",
            "telecom": [{"system": "phone", "value": PHONE}],
        }
        channels = [concept(CHANNEL, each) for each in CHANNELS[service]]
        return {**offered, "characteristic": channels} if channels else offered

    def _role(self) -> Resource:
        services = [{"reference": f"HealthcareService/{each}-{self.number}"} for each in CHANNELS]
        return {
            "resourceType": "PractitionerRole",
            "id": self.role,
            "active": True,
            "practitioner": {"reference": f"Practitioner/gp-{self.number}", "display": self.gp},
            "organization": {"reference": "Organization/surgery", "display": SURGERY},
            "location": [{"reference": "Location/surgery"}],
            "healthcareService": services,
        }

    def _schedule(self, service: str) -> Resource:
        return {
            "resourceType": "Schedule",
            "id": f"{service}-times-{self.number}",
            "active": True,
            "serviceType": [concept(GP_SERVICE, service)],
            "actor": [
                {"reference": f"HealthcareService/{service}-{self.number}"},
                self.reference,
            ],
        }


def surgery() -> Iterator[Resource]:
    """The surgery that all GPs share, and its prices."""
    phone = [{"system": "phone", "value": PHONE}]
    yield {
        "resourceType": "Organization",
        "id": "surgery",
        "active": True,
        "name": SURGERY,
        "telecom": phone,
    }
    yield {
        "resourceType": "Location",
        "id": "surgery",
        "name": SURGERY,
        "telecom": phone,
        "address": {"line": ["Fjellveien 1"], "postalCode": "0099", "city": "Lilledal"},
        "managingOrganization": {"reference": "Organization/surgery"},
    }
    yield from (_price(service, *amounts) for service, amounts in PRICES.items())


def at(now: datetime, days: int, clock: str) -> datetime:
    """A time of day so many days from `now`, at the surgery."""
    day = now.astimezone(ZONE).date() + timedelta(days)
    return datetime.combine(day, time.fromisoformat(clock), ZONE)


def concept(system: str, code: str) -> Resource:
    """A CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code}]}


def _price(service: str, amount: int, fee: int) -> Resource:
    base = {"type": "base", "amount": {"value": amount, "currency": "NOK"}}
    extra = {
        "type": "surcharge",
        "code": {"text": "Invoice fee"},
        "amount": {"value": fee, "currency": "NOK"},
    }
    return {
        "resourceType": "ChargeItemDefinition",
        "id": f"price-{service}",
        "url": f"urn:gpcli:price:{service}",
        "status": "active",
        "code": concept(GP_SERVICE, service),
        "propertyGroup": [{"priceComponent": [base, extra] if fee else [base]}],
    }
