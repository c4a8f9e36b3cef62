"""Build what each GP offers (HealthcareService) and what it costs (ChargeItemDefinition)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gpcli.sandbox.people.element_builders import (
    CHANNEL_SYSTEM,
    SERVICE_SYSTEM,
    WEEKDAYS,
    Element,
    concept,
    day_period,
    filled,
    kroner,
    reference,
    telephone,
)
from gpcli.sandbox.people.relative_times import RelativeTime
from gpcli.sandbox.people.surgeries import Gp

SERVICES = (
    "e-consultation",
    "contact",
    "prescription-renewal",
    "booking",
    "booking-enquiry",
    "cancellation",
    "flu-vaccination",
)
PRICED = (*SERVICES, "late-cancellation", "no-show")
"""What can have a price."""
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True)
class Leave:
    """When a service pauses; both days are part of it. `text` may name `{from}` and `{until}`."""

    start: RelativeTime
    until: RelativeTime
    text: str = "Away until {until}."

    def element(self, now: datetime) -> Element:
        """Return the notAvailable of the service."""
        start, until = self.start.day(now), self.until.day(now)
        named = self.text.replace("{from}", _name_day(start)).replace("{until}", _name_day(until))
        return {"description": named, "during": day_period(start, until)}


def _name_day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"


@dataclass(frozen=True)
class OfferedService:
    """A service as a GP offers it.

    `comment` is what the GP says of it, `details` what else there is to know.
    `max_attachment` (bytes), `attachment_types` and `max_text` (characters) limit its messages.
    `free_for` are the groups who pay nothing. `notice` and `late` are for `cancellation`: how long
    before the start it ends, and whether later ones are `charged` or `refused`.
    """

    code: str
    name: str
    comment: str = ""
    details: str = ""
    channels: tuple[str, ...] = ()
    free_for: tuple[str, ...] = ()
    max_attachment: int | None = None
    attachment_types: tuple[str, ...] = ()
    max_text: int | None = None
    notice: timedelta | None = None
    late: str = ""
    leave: Leave | None = None

    def resource(self, gp: Gp, now: datetime) -> Element:
        """Return the HealthcareService of a GP."""
        surgery = gp.surgery
        return filled(
            {
                "resourceType": "HealthcareService",
                "id": service_id(self.code, gp),
                "active": True,
                "providedBy": surgery.organization,
                "type": [concept(SERVICE_SYSTEM, self.code)],
                "location": [surgery.location],
                "name": f"{self.name}, {gp.name}",
                "comment": self.comment,
                "extraDetails": self.details,
                "telecom": telephone(gp.phone),
                "availableTime": [{"daysOfWeek": list(WEEKDAYS), "allDay": True}],
                "characteristic": [concept(CHANNEL_SYSTEM, each) for each in self.channels],
                "notAvailable": [self.leave.element(now)] if self.leave else [],
                "eligibility": [
                    {"code": {"text": group}, "comment": "Free of charge."}
                    for group in self.free_for
                ],
                "extension": [*self._limit_extensions(), *self._cancellation_extensions()],
            }
        )

    def _limit_extensions(self) -> Iterator[Element]:
        if self.max_attachment is not None:
            yield {"url": "urn:gpcli:max-attachment-bytes", "valueInteger": self.max_attachment}
        if self.attachment_types:
            types = " ".join(self.attachment_types)
            yield {"url": "urn:gpcli:attachment-types", "valueString": types}
        if self.max_text is not None:
            yield {"url": "urn:gpcli:max-text", "valueInteger": self.max_text}

    def _cancellation_extensions(self) -> Iterator[Element]:
        if self.notice is not None:
            hours = self.notice / timedelta(hours=1)
            value = int(hours) if hours.is_integer() else hours
            system = "http://unitsofmeasure.org"
            notice = {"value": value, "unit": "h", "system": system, "code": "h"}
            yield {"url": "urn:gpcli:cancel-notice", "valueDuration": notice}
        if self.late:
            yield {"url": "urn:gpcli:late-cancellation", "valueCode": self.late}


def service_id(service: str, gp: Gp) -> str:
    """Return the logical id of a GP's HealthcareService."""
    return f"{service}-{gp.key}"


@dataclass(frozen=True)
class GpOffer:
    """A GP with their services; to the patients of each of the `groups` only those of the group."""

    gp: Gp
    services: tuple[OfferedService, ...] = ()
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def offers(self, service: str) -> bool:
        """Return whether the GP offers the service."""
        return any(each.code == service for each in self.services)

    @property
    def cancel_notice(self) -> timedelta:
        """How long before its start an appointment can be cancelled: 24 hours if not said."""
        said = [each.notice for each in self.services if each.notice is not None]
        return said[0] if said else timedelta(hours=24)

    def roles(self) -> Iterator[Element]:
        """Yield the Practitioner and the PractitionerRole."""
        yield self.gp.practitioner()
        yield self.gp.practitioner_role(self._ids(each.code for each in self.services))

    def group_roles(self) -> Iterator[Element]:
        """Yield the PractitionerRoles for groups of patients."""
        for group, services in self.groups:
            yield self.gp.practitioner_role(self._ids(services), group)

    def _ids(self, services: Iterable[str]) -> tuple[str, ...]:
        return tuple(service_id(each, self.gp) for each in services)

    def healthcare_services(self, now: datetime) -> Iterator[Element]:
        """Yield the HealthcareServices."""
        for service in self.services:
            yield service.resource(self.gp, now)


@dataclass(frozen=True)
class Rate:
    """A price in NOK for one group or time of day; `invoice_fee` is added to it."""

    when: str
    amount: float
    invoice_fee: float = 0

    def property_group(self) -> Element:
        """Return the rate as a propertyGroup."""
        components: list[Element] = [{"type": "base", "amount": kroner(self.amount)}]
        if self.invoice_fee:
            fee = {"text": "Invoice fee"}
            components.append(
                {"type": "surcharge", "code": fee, "amount": kroner(self.invoice_fee)}
            )
        return {"applicability": [{"description": self.when}], "priceComponent": components}


@dataclass(frozen=True)
class Price:
    """What a service costs, the same at every surgery; `at_sending` is whether sending costs it."""

    code: str
    title: str
    rates: tuple[Rate, ...]
    at_sending: bool = False

    def resource(self) -> Element:
        """Return the ChargeItemDefinition."""
        charged_at = {"url": "urn:gpcli:charged-at", "valueCode": "sending"}
        return filled(
            {
                "resourceType": "ChargeItemDefinition",
                "id": f"price-{self.code}",
                "extension": [charged_at] if self.at_sending else [],
                "url": f"urn:gpcli:price:{self.code}",
                "status": "active",
                "title": self.title,
                "code": concept(SERVICE_SYSTEM, self.code),
                "propertyGroup": [rate.property_group() for rate in self.rates],
            }
        )


def service_reference(service: str, gp: Gp) -> Element:
    """Return a reference to a GP's HealthcareService."""
    return reference(f"HealthcareService/{service_id(service, gp)}")
