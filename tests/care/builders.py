"""Builders of records and facts, a portal in memory, and an asker with scripted answers."""

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from gpcli.care.service_request import BookingContext, ServiceRequest
from gpcli.care.slots import SlotSearch, parse_slot_filters
from gpcli.errors import ConfirmationNeeded, InputNeeded, NotFound
from gpcli.model.appointment import Appointment, Slot, Vaccination, Window
from gpcli.model.person import Parties, Person
from gpcli.model.receipt import BookingFacts, CancellationFacts, WriteResult
from gpcli.model.service import (
    Consent,
    ConsentLevel,
    ConsentState,
    Offer,
    Offers,
    Price,
    PriceRule,
    Rate,
    ServiceName,
    Surgery,
    highest_level,
)

OSLO = ZoneInfo("Europe/Oslo")
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=OSLO)
"""A Tuesday."""

INTENT = UUID("11111111-2222-4333-8444-555555555555")
ADA = Person("pat-1", "Ada Nordmann")
GURO = Person("rel-7", "Guro Holm")
ALONE = Parties(ADA, ADA)
ON_BEHALF = Parties(ADA, GURO)

BERG = Surgery("gp-berg", "Kari Berg", "Nordby legesenter", phones=("+47 21 00 00 01",))
DAHL = Surgery("gp-dahl", "Per Dahl", "Sydby legekontor", phones=("+47 21 00 00 02",))


def at(written: str) -> datetime:
    """Parse a local time in Oslo, such as `2026-12-03 08:20`."""
    return datetime.fromisoformat(written).replace(tzinfo=OSLO)


def a_price(low: str = "280", high: str = "420") -> Price:
    return Price(Decimal(low), Decimal(high), "NOK", (Rate(None, Decimal(low)),))


def an_offer(
    name: ServiceName = ServiceName.BOOKING, surgery: Surgery = BERG, **changes: object
) -> Offer:
    blank = Offer(f"{surgery.id}-{name}", name, surgery, active=True)
    return replace(blank, **changes)


def offers(
    *offered: Offer,
    surgeries: Sequence[Surgery] = (BERG,),
    prices: dict[str, Price] | None = None,
    consent: ConsentLevel = ConsentLevel.FULL_ACCESS,
    supported: Sequence[ServiceName] = tuple(ServiceName),
    permitted: Sequence[ServiceName] = tuple(ServiceName),
    told: Sequence[ServiceName] = tuple(ServiceName),
) -> Offers:
    rules = tuple(PriceRule(service, price) for service, price in (prices or {}).items())
    return Offers(
        tuple(surgeries),
        offered,
        rules,
        consent,
        frozenset(supported),
        frozenset(permitted),
        told=frozenset(told),
    )


def a_slot(
    start: str | datetime = "2026-12-03 08:20",
    identity: str = "slot-1",
    offer: Offer | None = None,
    **changes: object,
) -> Slot:
    begins = at(start) if isinstance(start, str) else start
    made = offer or an_offer()
    slot = Slot(
        id=identity,
        start=begins,
        end=begins + timedelta(minutes=20),
        zone="Europe/Oslo",
        service=made.name,
        channel="in-person",
        practitioner=made.surgery.gp,
        surgery=made.surgery.name,
        location="Room 2",
        surgery_ids=frozenset({made.surgery.id}),
        healthcare_service=made.id,
        services=(str(changes.get("service") or made.name),),
    )
    return replace(slot, **changes)


def an_appointment(
    identity: str | None = "app-1", start: str | None = "2026-12-03 08:20", **changes: object
) -> Appointment:
    blank = dict.fromkeys(
        (each.name for each in fields(Appointment) if each.default is MISSING), None
    )
    begins = at(start) if start else None
    known = {
        "id": identity,
        "status": "booked" if start else "proposed",
        "start": begins,
        "end": begins + timedelta(minutes=20) if begins else None,
        "zone": "Europe/Oslo",
        "requested": (),
        "service": "booking",
        "surgery": BERG.name,
        "surgery_id": BERG.id,
        "identifiers": (),
    }
    return Appointment(**{**blank, **known, **changes})


def an_enquiry(identity: str = "enq-1", **changes: object) -> Appointment:
    window = Window(at("2026-12-02 00:00"), at("2026-12-09 23:59:59"))
    known = {"service": "booking-enquiry", "requested": (window,), **changes}
    return an_appointment(identity, None, **known)


def a_consent(level: str = "full-access", identity: str = "con-1") -> Consent:
    return Consent(identity, level, "active", "2026-01-01")


def a_search(now: datetime = NOW, **filters: object) -> SlotSearch:
    return SlotSearch(parse_slot_filters(now, OSLO, **filters), OSLO, now)


@dataclass
class ScriptedAsker:
    """Answers from a list and records the questions; without answers nobody can be asked."""

    answers: list[object] = field(default_factory=list)
    questions: list[tuple[object, ...]] = field(default_factory=list)

    @property
    def can_ask(self) -> bool:
        return bool(self.answers)

    def confirm(self, question: str, *, flag: str) -> bool:
        return self._answer(ConfirmationNeeded, question, flag)

    def ask_text(self, question: str, *, flag: str) -> str:
        return self._answer(InputNeeded, question, flag)

    def ask_optional(self, question: str, *, flag: str) -> str:
        return self._answer(InputNeeded, question, flag)

    def choose(
        self,
        question: str,
        choices: Sequence[tuple[str, str]],
        *,
        flag: str,
        default: str | None = None,
    ) -> str:
        return self._answer(InputNeeded, question, flag, tuple(choices), *filter(None, [default]))

    def _answer(self, missing: type, question: str, flag: str, *more: object) -> object:
        self.questions.append((question, flag, *more))
        if not self.answers:
            raise missing(f"{flag} is needed.")
        return self.answers.pop(0)


@dataclass
class FakePortal:
    """A portal in memory: its records, and the calls that it received."""

    offered: Offers
    slots: Sequence[Slot] = ()
    appointments: Sequence[Appointment] = ()
    earlier: Appointment | None = None
    vaccinations: tuple[Vaccination, ...] = ()
    consents: tuple[Consent, ...] = ()
    uses_consent_levels: bool = True
    can_grant: bool = True
    parties: Parties = ALONE
    phones: tuple[str, ...] = ()
    unchanged: bool = False
    calls: list[tuple[object, ...]] = field(default_factory=list)
    flaws: Sequence[str] = ()
    has_all_appointments: bool = True

    @property
    def sent(self) -> list[tuple[object, ...]]:
        """The calls that change something."""
        return [call for call in self.calls if call[0] in WRITES]

    def fetch_parties(self) -> Parties:
        return self.parties

    def fetch_surgeries(self) -> tuple[Surgery, ...]:
        return self.offered.surgeries

    def fetch_patient(self) -> Person:
        return self.parties.patient

    def fetch_phones(self) -> tuple[str, ...]:
        return self.phones

    def fetch_offers(self) -> Offers:
        self.calls.append(("fetch_offers",))
        return self.offered

    def fetch_slots(self, offered: Sequence[Offer], first: date, last: date) -> Iterator[Slot]:
        ids = {each.id for each in offered}
        self.calls.append(("fetch_slots", tuple(each.id for each in offered), first, last))
        return (slot for slot in self.slots if slot.healthcare_service in ids)

    def fetch_booking_facts(self, *, slot: str | None, intent: UUID | None) -> BookingFacts:
        self.calls.append(("fetch_booking_facts", slot, intent))
        slot_asked_for = next((each for each in self.slots if each.id == slot), None)
        earlier = self.earlier if intent else None
        return BookingFacts(self.offered, slot_asked_for, tuple(self.appointments), earlier)

    def fetch_cancellation_facts(self, appointment: str) -> CancellationFacts:
        self.calls.append(("fetch_cancellation_facts", appointment))
        found = next((each for each in self.appointments if each.id == appointment), None)
        return CancellationFacts(self.offered, found)

    def fetch_appointments(self, since: date | None) -> list[Appointment]:
        self.calls.append(("fetch_appointments", since))
        days = [(each, each.start.date() if each.start else None) for each in self.appointments]
        return [each for each, day in days if since is None or day is None or day >= since]

    def fetch_appointment(self, appointment: str) -> Appointment:
        found = next((each for each in self.appointments if each.id == appointment), None)
        if found is None:
            raise NotFound(f"There is no appointment '{appointment}'.")
        return found

    def fetch_vaccinations(self) -> tuple[Vaccination, ...]:
        self.calls.append(("fetch_vaccinations",))
        return self.vaccinations

    def send_booking(
        self, slot: Slot, offer: Offer, reason: str | None, intent: UUID
    ) -> WriteResult[Appointment]:
        self.calls.append(("send_booking", slot.id, offer.id, reason, intent))
        booked = an_appointment("app-9", status="pending", start=None, slot_id=slot.id)
        return WriteResult(replace(booked, start=slot.start, end=slot.end, reason=reason), True)

    def send_enquiry(
        self, offer: Offer, windows: Sequence[Window], reason: str | None, intent: UUID
    ) -> WriteResult[Appointment]:
        self.calls.append(("send_enquiry", offer.id, tuple(windows), reason, intent))
        return WriteResult(an_enquiry("enq-9", requested=tuple(windows), reason=reason), True)

    def send_cancellation(self, appointment: str, intent: UUID) -> WriteResult[Appointment]:
        self.calls.append(("send_cancellation", appointment, intent))
        bare = an_appointment(appointment, status="cancelled", surgery=None)
        return WriteResult(bare, not self.unchanged)

    def fetch_consent_state(self) -> ConsentState:
        self.calls.append(("fetch_consent_state",))
        level = highest_level(self.consents) if self.uses_consent_levels else None
        return ConsentState(self.consents, level, self.can_grant)

    def send_consent_grant(self, intent: UUID) -> WriteResult[Consent]:
        self.calls.append(("send_consent_grant", intent))
        return WriteResult(a_consent(), True)

    def send_consent_withdrawal(self, consent: Consent, intent: UUID) -> WriteResult[Consent]:
        self.calls.append(("send_consent_withdrawal", consent.id, intent))
        return WriteResult(replace(consent, status="inactive"), not self.unchanged)


WRITES = {
    "send_booking",
    "send_enquiry",
    "send_cancellation",
    "send_consent_grant",
    "send_consent_withdrawal",
}


def a_request(service: ServiceName = ServiceName.BOOKING, **changes: object) -> ServiceRequest:
    return replace(ServiceRequest(service, INTENT, repeated=False), **changes)


def a_booking_context(
    portal: FakePortal, asker: ScriptedAsker | None = None, search: SlotSearch | None = None
) -> BookingContext:
    return BookingContext(
        portal, search or a_search(), asker or ScriptedAsker(), lambda slot: f"time {slot.id}"
    )
