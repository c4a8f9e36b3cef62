"""GPs and surgeries, the services that they offer online, prices, and consent."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True)
class OpeningHours:
    """One line of opening hours: `days` as `mon`…`sun`; no times = all day."""

    days: tuple[str, ...]
    opens: str | None
    closes: str | None


@dataclass(frozen=True)
class Surgery:
    """One GP at one surgery. `id` is stable at the portal; `gp` is the doctor's name."""

    id: str
    gp: str | None
    name: str | None
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    websites: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    hours: tuple[OpeningHours, ...] = ()

    @property
    def label(self) -> str:
        """The GP and the surgery in one phrase."""
        names = ", ".join(name for name in (self.gp, self.name) if name)
        return names or self.id or "a GP whom the portal does not name"

    @property
    def phone(self) -> str | None:
        """The number to call, if the portal gives one."""
        return self.phones[0] if self.phones else None


@dataclass(frozen=True)
class Surcharge:
    """A part of an amount that comes on top, such as the invoice fee; `name` as written."""

    name: str | None
    amount: Decimal


@dataclass(frozen=True)
class Rate:
    """One rate of a price: `applies` says when, `amount` is base plus `surcharges`."""

    applies: str | None
    amount: Decimal
    surcharges: tuple[Surcharge, ...] = ()


@dataclass(frozen=True)
class Price:
    """From the least to the most that a service may cost; `currency` as ISO 4217.

    `at_sending` tells that the portal charges for sending the request, whatever comes of it.
    """

    low: Decimal
    high: Decimal
    currency: str
    rates: tuple[Rate, ...] = ()
    at_sending: bool = False


class ServiceName(StrEnum):
    """Codes of the system `urn:gpcli:gp-service` (docs/portal.md)."""

    E_CONSULTATION = "e-consultation"
    CONTACT = "contact"
    PRESCRIPTION_RENEWAL = "prescription-renewal"
    BOOKING = "booking"
    BOOKING_ENQUIRY = "booking-enquiry"
    CANCELLATION = "cancellation"
    FLU_VACCINATION = "flu-vaccination"


class ConsentLevel(StrEnum):
    """How much the patient lets the portal do; later ones include earlier ones."""

    BASIC = "basic"
    BASIC_PLUS = "basic-plus"
    FULL_ACCESS = "full-access"


class Standing(StrEnum):
    """Whether a service can be used, or the first reason why not.

    `not_told`: the portal does not say which services its GPs offer, so this one can be tried.
    """

    OFFERED = "offered"
    NOT_OFFERED = "not_offered"
    OFF_FOR_NOW = "off_for_now"
    CONSENT_NEEDED = "consent_needed"
    NOT_PERMITTED = "not_permitted"
    NOT_TOLD = "not_told"


@dataclass(frozen=True)
class Absence:
    """A time when the GP has switched a service off; an open end is `None`."""

    reason: str | None
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True)
class Limits:
    """What a message may hold; `None` and no types = not said, the portal decides.

    `text` in characters, `attachment` in bytes each, `types` as media types.
    """

    text: int | None = None
    attachment: int | None = None
    types: tuple[str, ...] = ()


@dataclass(frozen=True)
class Offer:
    """What the portal says of one service at one GP.

    `id` is the HealthcareService's, `None` where the portal has none and the service can be tried.
    `late_cancelling` belongs to `cancellation`: `charged`, `refused`, or `None` = not said.
    `coding` is the portal's own system and code for the service, `None` where that is ours.
    """

    id: str | None
    name: ServiceName
    surgery: Surgery
    active: bool
    channels: tuple[str, ...] = ()
    answer_time: str | None = None
    eligibility: tuple[str, ...] = ()
    absences: tuple[Absence, ...] = ()
    phones: tuple[str, ...] = ()
    deep_link: str | None = None
    late_cancelling: str | None = None
    limits: Limits = Limits()
    coding: tuple[str, str] | None = None


@dataclass(frozen=True)
class Offers:
    """All that tells what a patient may use, as the portal answered it.

    `permitted` are the services that the sign-in's scopes and the portal's capabilities allow.
    `complete` is false when some of the records could not be read. `told` are the services of which
    the portal says who offers them: one of these that no record names is not offered.
    """

    surgeries: tuple[Surgery, ...]
    offers: tuple[Offer, ...]
    prices: dict[str, Price]
    consent: ConsentLevel
    permitted: frozenset[ServiceName]
    complete: bool = True
    told: frozenset[ServiceName] = frozenset(ServiceName)


@dataclass(frozen=True)
class Service:
    """One row of `gpcli services`: a service at a GP, where it stands, and what to expect.

    `reason` is a sentence for people when the standing is not `offered`; `off_from` and
    `off_until` belong to `off_for_now`. `price` `None` = unknown.
    """

    service: ServiceName
    status: Standing
    surgery: Surgery
    reason: str | None = None
    off_from: datetime | None = None
    off_until: datetime | None = None
    price: Price | None = None
    answer_time: str | None = None
    channels: tuple[str, ...] = ()
    eligibility: tuple[str, ...] = ()
    command: str | None = None
    offer: Offer | None = field(default=None, metadata={"json": False})

    @property
    def is_usable(self) -> bool:
        """Whether it can be used, or at least tried."""
        return self.status in {Standing.OFFERED, Standing.NOT_TOLD}


@dataclass(frozen=True)
class Consent:
    """A consent on record. `id` is the Consent's; `level` as the portal writes it."""

    id: str
    level: str
    status: str
    since: str | None


def highest_level(consents: Iterable[Consent]) -> ConsentLevel:
    """Return the highest level of the active ones among `consents`; basic when there is none."""
    held = {consent.level for consent in consents if consent.status == "active"}
    known = [level for level in ConsentLevel if level in held]
    return known[-1] if known else ConsentLevel.BASIC
