"""GPs and surgeries, the services that they offer online, prices, and consent."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Literal

HoursField = Literal["days", "opens", "closes", "all_day"]
"""A field of a line of opening hours that may be unreadable."""

Channel = Literal["in-person", "phone", "video", "text"]
"""How a visit is held: a code of the system `urn:gpcli:channel` (docs/portal.md)."""


@dataclass(frozen=True)
class OpeningHours:
    """One line of opening hours: `days` as `mon`…`sun`; without days, the portal does not say them.

    With `all_day` there are no times. Otherwise a time that is `None` is not said, or one of the
    `unreadable` fields: `days`, `opens`, `closes`, `all_day`. `place` is the place's name, where
    the surgery has several.
    """

    days: tuple[str, ...]
    opens: str | None
    closes: str | None
    all_day: bool = False
    place: str | None = None
    unreadable: tuple[HoursField, ...] = ()


@dataclass(frozen=True)
class Absence:
    """A time when a service is switched off, or a GP away; an open end is `None`."""

    reason: str | None
    start: datetime | None
    end: datetime | None

    def in_zone(self, zone: tzinfo | None) -> "Absence":
        """Return the absence with its times in `zone`."""
        start, end = (each.astimezone(zone) if each else None for each in (self.start, self.end))
        return Absence(self.reason, start, end)


@dataclass(frozen=True)
class Surgery:
    """One GP at one surgery. `id` is stable at the portal; `gp` is the doctor's name.

    `hours` are the surgery's, the GP's own where the portal has no others; else those are
    `gp_hours`. `exceptions` from both are in the portal's words, `absences` have times and are not
    over. `other_contacts` are neither phone, e-mail nor website, such as `fax +47 22 00 00 00`.
    `remarks` are sentences on what has ended, is temporary or is to come. `current` is false where
    the portal says that the GP or the surgery is no longer there, or not yet.

    `full_id` is the record's reference (`Type/id`), or system and value of an identifier, empty
    where the portal gives a name alone. `role` is the reference of the record that names the
    services. `references` are those of all records that are of this GP: role, person, surgery,
    places, services.
    """

    id: str
    gp: str | None
    name: str | None
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    websites: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    hours: tuple[OpeningHours, ...] = ()
    gp_hours: tuple[OpeningHours, ...] = ()
    exceptions: tuple[str, ...] = ()
    absences: tuple[Absence, ...] = ()
    other_contacts: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    current: bool = True
    full_id: str = field(default="", compare=False, metadata={"json": False})
    role: str | None = field(default=None, compare=False, metadata={"json": False})
    references: frozenset[str] = field(default=frozenset(), compare=False, metadata={"json": False})

    @property
    def label(self) -> str:
        """The GP and the surgery in one phrase, which also says where they are not current."""
        names = ", ".join(name for name in (self.gp, self.name) if name) or self.id
        if not names:
            return "a GP whom the portal does not name"
        return names if self.current else f"{names} (not current)"

    @property
    def phone(self) -> str | None:
        """The number to call, if the portal gives one."""
        return self.phones[0] if self.phones else None


_MOST_DIGITS = 40
"""A number with more digits is written with an exponent, as it came."""


def format_decimal(value: Decimal) -> str:
    """Return a number with its own digits, without an exponent where it is not too long for that.

    Nothing is rounded.
    """
    is_short = abs(value.adjusted()) < _MOST_DIGITS and len(value.as_tuple().digits) < _MOST_DIGITS
    return format(value, "f") if is_short else str(value)


@dataclass(frozen=True)
class Surcharge:
    """A part of a rate's amount that is on top of its base: the invoice fee; `name` as written."""

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

    @property
    def worded_rates(self) -> tuple[str, ...]:
        """The rates in words, each with when it applies; none where the only one is the price."""
        if len(self.rates) == 1 and not self.rates[0].surcharges:
            return ()
        return tuple(_word_rate(rate, self.currency) for rate in self.rates)


def _word_rate(rate: Rate, currency: str) -> str:
    when = f"{rate.applies}: " if rate.applies else ""
    amount = f"{currency} {format_decimal(rate.amount)}" if rate.amount else "free"
    parts = ", ".join(
        f"{each.name or 'a surcharge'} {currency} {format_decimal(each.amount)}"
        for each in rate.surcharges
    )
    return f"{when}{amount} (of which {parts})" if parts else f"{when}{amount}"


@dataclass(frozen=True)
class Charge:
    """What sending costs; `price` `None` = the amount is unknown.

    `what` is the subject of a sentence: `An e-consultation`. `free_until` is until when it was
    free, `None` = it never is, or that is not known. `is_certain` is false where the portal does
    not tell whether it is due at all.
    """

    what: str
    price: Price | None
    free_until: datetime | None = None
    is_certain: bool = True

    @property
    def is_free(self) -> bool:
        """Whether it is known to cost nothing."""
        return self.price is not None and self.price.high == 0


@dataclass(frozen=True)
class PriceRule:
    """What one record of the portal says that a service costs; `price` `None` = it can't be told.

    `service` is a code, of ServiceName or another. `owners` are the references (`Type/id`) of those
    whose price it is; empty = it holds everywhere.
    """

    service: str
    price: Price | None
    owners: frozenset[str] = frozenset()


def join_prices(prices: Iterable[Price | None]) -> Price | None:
    """Return the price that covers all of `prices`.

    `None` where there is none, one is unknown, or their currencies differ.
    """
    known = list(dict.fromkeys(prices))
    if len(known) == 1:
        return known[0]
    told = [price for price in known if price]
    currencies = {price.currency for price in told}
    if len(told) < len(known) or len(currencies) != 1:
        return None
    return Price(
        low=min(price.low for price in told),
        high=max(price.high for price in told),
        currency=currencies.pop(),
        rates=tuple(rate for price in told for rate in price.rates),
        at_sending=any(price.at_sending for price in told),
    )


class ServiceName(StrEnum):
    """Codes of the system `urn:gpcli:gp-service` (docs/portal.md)."""

    E_CONSULTATION = "e-consultation"
    CONTACT = "contact"
    PRESCRIPTION_RENEWAL = "prescription-renewal"
    BOOKING = "booking"
    BOOKING_ENQUIRY = "booking-enquiry"
    CANCELLATION = "cancellation"
    FLU_VACCINATION = "flu-vaccination"


BOOKABLE = frozenset({ServiceName.BOOKING, ServiceName.FLU_VACCINATION})
"""The services whose times can be booked; others may charge for that, or have no times."""


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
    `service_name` and `details` are the service's name and further text, `exceptions` when it is
    not available, in the portal's words; `hours` are when it is.
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
    service_name: str | None = None
    details: str | None = None
    hours: tuple[OpeningHours, ...] = ()
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Offers:
    """All that tells what a patient may use, as the portal answered it.

    `supported` are the services that the portal's capabilities allow, `permitted` those that the
    sign-in's scopes allow too.
    `complete` is false when some of the records could not be read. `told` are the services of which
    the portal says who offers them: one of these that no record names is not offered. Where the
    portal does not use gpcli's levels of consent (`uses_consent`), `consent` is Full Access.
    """

    surgeries: tuple[Surgery, ...]
    offers: tuple[Offer, ...]
    prices: tuple[PriceRule, ...]
    consent: ConsentLevel
    supported: frozenset[ServiceName]
    permitted: frozenset[ServiceName]
    complete: bool = True
    told: frozenset[ServiceName] = frozenset(ServiceName)
    uses_consent: bool = True

    def price_of(self, service: str, *surgeries: Surgery) -> Price | None:
        """Return what a service may cost at `surgeries`, at all GPs where none is given.

        A price that belongs to somebody else does not count. Several that hold are one range.
        `None` = unknown.
        """
        rules = [rule for rule in self.prices if rule.service == service]
        places = [surgery.references for surgery in surgeries or self.surgeries]
        return join_prices(
            join_prices(rule.price for rule in rules if not rule.owners or rule.owners & references)
            for references in places or [frozenset()]
        )


@dataclass(frozen=True)
class Service:
    """One row of `gpcli services`: a service at a GP, where it stands, and what to expect.

    `reason` is a sentence for people when the standing is not `offered`; `off_from` and
    `off_until` belong to `off_for_now`. `price` `None` = unknown. `service_name` is what the portal
    calls it, `details` what else it says; `hours`, `exceptions` and `absences` are when it is there
    and when not, now or later. `phones` are its own.
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
    service_name: str | None = None
    details: str | None = None
    hours: tuple[OpeningHours, ...] = ()
    exceptions: tuple[str, ...] = ()
    absences: tuple[Absence, ...] = ()
    phones: tuple[str, ...] = ()

    @property
    def phone(self) -> str | None:
        """The number to call for it, if the portal gives one: its own, else the surgery's."""
        return next(iter(self.phones), self.surgery.phone)

    @property
    def is_usable(self) -> bool:
        """Whether it can be used, or at least tried."""
        return self.status in {Standing.OFFERED, Standing.NOT_TOLD}


@dataclass(frozen=True)
class Consent:
    """A consent on record.

    `id` is the Consent's; `level` as the portal writes it, `None` where it names none.
    """

    id: str
    level: str | None
    status: str
    since: str | None


@dataclass(frozen=True)
class ConsentState:
    """The patient's consents that count now, and the highest level of them.

    `level` `None` = the portal does not use gpcli's levels, so that nothing depends on them.
    `can_grant` tells whether the portal lets its clients record a consent.
    """

    consents: tuple[Consent, ...]
    level: ConsentLevel | None
    can_grant: bool = True


def highest_level(consents: Iterable[Consent]) -> ConsentLevel:
    """Return the highest level of the active ones among `consents`; basic when there is none."""
    held = {consent.level for consent in consents if consent.status == "active"}
    known = [level for level in ConsentLevel if level in held]
    return known[-1] if known else ConsentLevel.BASIC
