"""Define what each GP offers (HealthcareService) and what it costs (ChargeItemDefinition)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from gpcli.sandbox.people.element_builders import (
    CHANNEL_SYSTEM,
    SERVICE_SYSTEM,
    WEEKDAYS,
    Element,
    concept,
    day_period,
    kroner,
    local_day,
    reference,
    telephone,
)
from gpcli.sandbox.people.surgeries import AASHEIM, BAKKE, ESPELAND, HAUGLAND, MYRVOLD, SOLEM, Gp

Service = Literal[
    "e-consultation",
    "contact",
    "prescription-renewal",
    "booking",
    "booking-enquiry",
    "cancellation",
    "flu-vaccination",
]
SERVICE_NAMES: dict[Service, str] = {
    "e-consultation": "E-consultation",
    "contact": "Contact the surgery",
    "prescription-renewal": "Renew prescriptions",
    "booking": "Book an appointment",
    "booking-enquiry": "Ask for an appointment",
    "cancellation": "Cancel an appointment",
    "flu-vaccination": "Flu vaccination",
}
SERVICE_COMMENTS: dict[Service, str] = {
    "e-consultation": "Usually answered within five working days. Not for anything urgent.",
    "contact": "Usually answered within two working days, by the reception.",
    "prescription-renewal": "Usually answered within three working days.",
    "booking": "The surgery confirms each booking.",
    "booking-enquiry": "Usually answered within two working days.",
    "cancellation": "At least 24 hours before, or the fee for late cancelling is due.",
    "flu-vaccination": "Please stay for 20 minutes after the vaccination.",
}
SERVICE_CHANNELS: dict[Service, tuple[str, ...]] = {
    "e-consultation": ("text", "video", "phone"),
    "contact": ("text",),
    "booking": ("in-person", "phone", "video"),
    "flu-vaccination": ("in-person",),
}
ATTACHMENT_TYPES = "application/pdf image/jpeg image/png text/plain"
MESSAGE_LIMITS: dict[Service, tuple[int, int]] = {
    "e-consultation": (3_000_000, 8000),
    "contact": (1_000_000, 2000),
}
"""The limits of one message: bytes of an attachment, characters of text."""
RISK_GROUPS = (
    "65 or older",
    "Chronic heart or lung disease, diabetes, or a weakened immune system",
    "Pregnant after week 12",
)
ALL_SERVICES: tuple[Service, ...] = tuple(SERVICE_NAMES)
CHILDRENS_SERVICES: tuple[Service, ...] = ("contact", "booking", "cancellation")
"""What Dr. Solem offers to children."""
INVOICE_FEE = 69


@dataclass(frozen=True)
class OfferedServices:
    """The services of a GP.

    `late_cancellation` is what the surgery does with late cancellations; `unavailable` are services
    that pause for a leave; `comments` stand instead of those of SERVICE_COMMENTS.
    """

    gp: Gp
    services: tuple[Service, ...]
    late_cancellation: Literal["charged", "refused"] = "charged"
    unavailable: tuple[Service, ...] = ()
    comments: dict[Service, str] = field(default_factory=dict)

    def resources(self, now: datetime) -> Iterator[Element]:
        """Yield the HealthcareServices."""
        for service in self.services:
            yield {**self._service(service), **self._optional_elements(service, now)}

    def _service(self, service: Service) -> Element:
        surgery = self.gp.surgery
        return {
            "resourceType": "HealthcareService",
            "id": service_id(service, self.gp),
            "active": True,
            "providedBy": reference(f"Organization/{surgery.key}", surgery.name),
            "type": [concept(SERVICE_SYSTEM, service)],
            "location": [reference(f"Location/{surgery.key}", surgery.name)],
            "name": f"{SERVICE_NAMES[service]}, {self.gp.name}",
            "comment": self.comments.get(service, SERVICE_COMMENTS[service]),
            "telecom": [telephone(self.gp.phone)],
            "availableTime": [{"daysOfWeek": list(WEEKDAYS), "allDay": True}],
        }

    def _optional_elements(self, service: Service, now: datetime) -> Element:
        found: Element = {}
        if channels := SERVICE_CHANNELS.get(service):
            found["characteristic"] = [concept(CHANNEL_SYSTEM, each) for each in channels]
        if service in self.unavailable:
            found["notAvailable"] = [_leave_period(now)]
        if service == "flu-vaccination":
            found["eligibility"] = [
                {"code": {"text": group}, "comment": "Free of charge."} for group in RISK_GROUPS
            ]
        if limits := MESSAGE_LIMITS.get(service):
            found["extension"] = _limit_extensions(*limits)
        if service == "cancellation":
            found["extension"] = _cancellation_extensions(self.late_cancellation)
        return found


def service_id(service: Service, gp: Gp) -> str:
    """Return the logical id of a GP's HealthcareService."""
    return f"{service}-{gp.key}"


def _leave_period(now: datetime) -> Element:
    today = local_day(now)
    until = today + timedelta(days=11)
    return {
        "description": f"Leave until {until.day} {until:%B}. Call the surgery if it can't wait.",
        "during": day_period(today - timedelta(days=3), until),
    }


def _cancellation_extensions(late_cancellation: str) -> list[Element]:
    notice = {"value": 24, "unit": "h", "system": "http://unitsofmeasure.org", "code": "h"}
    return [
        {"url": "urn:gpcli:cancel-notice", "valueDuration": notice},
        {"url": "urn:gpcli:late-cancellation", "valueCode": late_cancellation},
    ]


def _limit_extensions(attachment_bytes: int, characters: int) -> list[Element]:
    return [
        {"url": "urn:gpcli:max-attachment-bytes", "valueInteger": attachment_bytes},
        {"url": "urn:gpcli:attachment-types", "valueString": ATTACHMENT_TYPES},
        {"url": "urn:gpcli:max-text", "valueInteger": characters},
    ]


OFFERED_SERVICES = (
    OfferedServices(HAUGLAND, ALL_SERVICES),
    OfferedServices(
        ESPELAND, ("booking-enquiry", "cancellation", "contact"), late_cancellation="refused"
    ),
    OfferedServices(
        MYRVOLD,
        (
            "e-consultation",
            "contact",
            "prescription-renewal",
            "booking",
            "cancellation",
            "flu-vaccination",
        ),
        late_cancellation="refused",
        unavailable=("e-consultation",),
    ),
    OfferedServices(BAKKE, ("contact", "prescription-renewal", "booking", "cancellation")),
    OfferedServices(
        SOLEM,
        ALL_SERVICES,
        comments={
            "flu-vaccination": "Ikke drop-in: bestill time. Bli sittende i 20 minutter etterpå."
        },
    ),
    OfferedServices(AASHEIM, ALL_SERVICES),
)
"""The GPs who offer services; the others can only be reached by telephone."""


@dataclass(frozen=True)
class Rate:
    """A price in NOK for one group or time of day; `invoice_fee` is added to it."""

    when: str
    amount: int
    invoice_fee: int = 0

    def property_group(self) -> Element:
        """Return the rate as a propertyGroup."""
        components: list[Element] = [{"type": "base", "amount": kroner(self.amount)}]
        if self.invoice_fee:
            fee = {"text": "Invoice fee"}
            components.append(
                {"type": "surcharge", "code": fee, "amount": kroner(self.invoice_fee)}
            )
        return {"applicability": [{"description": self.when}], "priceComponent": components}


PRICES = {
    "e-consultation": (
        "E-consultation",
        (
            Rate("Answered by day, before 16:00", 184, INVOICE_FEE),
            Rate("Answered by day, by a specialist in general practice", 248, INVOICE_FEE),
            Rate("Answered in the evening or at the weekend", 322, INVOICE_FEE),
            Rate("Under 16, or with an exemption card", 0),
        ),
    ),
    "booking": (
        "Visit to the GP, paid at the surgery",
        (
            Rate("Visit by day", 184),
            Rate("Visit by day, specialist in general practice", 248),
            Rate("Under 16, or with an exemption card", 0),
        ),
    ),
    "booking-enquiry": ("Asking for a time", (Rate("Any time", 0),)),
    "cancellation": ("Cancelling before the deadline", (Rate("Any time", 0),)),
    "prescription-renewal": ("Renewal without a visit", (Rate("Each request", 92, INVOICE_FEE),)),
    "flu-vaccination": (
        "Flu vaccination, paid at the surgery",
        (Rate("Vaccine and injection", 150), Rate("Risk groups", 0)),
    ),
    "contact": ("Message to the reception", (Rate("Administrative matters", 0),)),
    "late-cancellation": (
        "Cancelling after the deadline",
        (Rate("Also with an exemption card", 380, INVOICE_FEE),),
    ),
    "no-show": ("Not coming", (Rate("Also with an exemption card", 380, INVOICE_FEE),)),
}
"""Title and rates by code: made-up amounts close to real ones, the same at every surgery."""


def build_prices() -> Iterator[Element]:
    """Yield a ChargeItemDefinition for each price."""
    for code, (title, rates) in PRICES.items():
        yield {
            "resourceType": "ChargeItemDefinition",
            "id": f"price-{code}",
            "url": f"urn:gpcli:price:{code}",
            "status": "active",
            "title": title,
            "code": concept(SERVICE_SYSTEM, code),
            "propertyGroup": [rate.property_group() for rate in rates],
        }
