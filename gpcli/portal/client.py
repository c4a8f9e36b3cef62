"""care.Portal over FHIR: one method per question or errand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

from gpcli.errors import NotFound
from gpcli.model.appointment import Appointment, Slot, Vaccination, Window
from gpcli.model.desk import BookingDesk, CancellingDesk, Written
from gpcli.model.person import Identity, Parties, Person
from gpcli.model.service import Consent, ConsentLevel, Offer, Offers, ServiceName
from gpcli.model.surgery import Surgery
from gpcli.portal import queries
from gpcli.portal.errands import Errands
from gpcli.portal.exchange import Exchange
from gpcli.portal.fhir.appointment import write_booking, write_cancelled, write_enquiry
from gpcli.portal.fhir.consent import read_consent, write_grant, write_withdrawn
from gpcli.portal.fhir.element import Element
from gpcli.portal.fhir.surgery import read_person, read_surgeries
from gpcli.portal.reading import Dialect, Found, Reader, must, own, whole


class FhirPortal:
    """A portal on behalf of `parties`; implements care.Portal."""

    def __init__(
        self,
        exchange: Exchange,
        errands: Errands,
        identity: Identity,
        permitted: Callable[[], frozenset[ServiceName]],
        dialect: Dialect,
        now: Callable[[], datetime],
    ) -> None:
        self._exchange = exchange
        self._errands = errands
        self.identity = identity
        self._patient = identity.patient
        self._permitted = permitted
        self._status_sent = dialect.status_sent
        self._reader = Reader(dialect, exchange.flaws)
        self._now = now

    @cached_property
    def parties(self) -> Parties:
        """Whom this is about and who acts."""
        identity = self.identity
        name = identity.patient_name or self._reader.patient_name or self.patient().name
        patient = Person(identity.patient, name)
        if not identity.on_behalf:
            return Parties(patient, patient)
        reference = "/".join((identity.fhir_user or "").split("/")[-2:])
        name = identity.acting_name or self._name_at(reference)
        return Parties(patient, Person(reference.partition("/")[2], name))

    @property
    def flaws(self) -> Sequence[str]:
        """Records that could not be read and were left out so far, one phrase each."""
        return self._exchange.flaws

    def patient(self) -> Person:
        """The patient's own record."""
        bundle = self._exchange.whole(queries.gps(self._patient))
        return must(lambda: read_person(own(bundle)))

    def surgeries(self) -> tuple[Surgery, ...]:
        """The patient's GPs."""
        bundle = self._exchange.whole(queries.gps(self._patient))
        return must(lambda: read_surgeries(bundle, own(bundle)))

    def offers(self) -> Offers:
        """The GPs, their services, prices, consent and permissions, in one round trip."""
        return self._offers(self._exchange.ask(*self._about_offers()))

    def slots(self, offers: Sequence[Offer], first: date, last: date) -> Iterator[Slot]:
        """Free times of the given services, page by page."""
        wanted = {offer.id for offer in offers}
        if not wanted:
            return
        for page in self._exchange.pages(queries.free_slots(sorted(wanted), first, last)):
            for slot in self._reader.slots(page):
                if slot.status == "free" and slot.healthcare_service in wanted:
                    yield slot

    def booking_desk(self, *, slot: str | None, intent: UUID | None) -> BookingDesk:
        """All that a booking is decided on, in one round trip."""
        asked = [*self._about_offers(), *self._about_coming(self._now().date())]
        asked += [queries.slot(slot)] if slot else []
        asked += [queries.by_identifier("Appointment", intent)] if intent else []
        answers = self._exchange.ask(*asked)
        offers = self._offers(answers[:3])
        if offers.consent is not ConsentLevel.FULL_ACCESS:
            return BookingDesk(offers, None, (), None)
        coming = self._reader.appointments(*map(whole, answers[3:5]))
        earlier = self._reader.appointments(whole(answers[-1])) if intent else []
        return BookingDesk(
            offers=offers,
            slot=self._slot(answers[5], slot) if slot else None,
            coming=tuple(coming),
            earlier=earlier[0] if earlier else None,
        )

    def cancelling_desk(self, appointment: str) -> CancellingDesk:
        """All that a cancellation is decided on, in one round trip."""
        answers = self._exchange.ask(*self._about_offers(), queries.appointment(appointment))
        offers = self._offers(answers[:3])
        return CancellingDesk(offers, self._appointment(answers[3], appointment))

    def appointments(self, since: date | None) -> list[Appointment]:
        """Bookings and enquiries in order of time, undated enquiries first."""
        return self._reader.appointments(
            *map(whole, self._exchange.ask(*self._about_coming(since)))
        )

    def appointment(self, appointment: str) -> Appointment:
        """One booking or enquiry; raises NotFound."""
        bundle = self._exchange.whole(queries.appointment(appointment))
        return self._reader.appointment(bundle, appointment)

    def vaccinations(self) -> tuple[Vaccination, ...]:
        """Influenza vaccinations on record, newest first."""
        bundle = self._exchange.whole(queries.vaccinations(self._patient))
        return tuple(self._reader.flu_vaccinations(bundle))

    def book(
        self, slot: Slot, offer: Offer, reason: str | None, intent: UUID
    ) -> Written[Appointment]:
        """Book a time and read it back."""
        return self._make(
            write_booking(slot, offer, self._patient, reason, intent, self._status_sent), intent
        )

    def enquire(
        self, offer: Offer, wished: Sequence[Window], reason: str | None, intent: UUID
    ) -> Written[Appointment]:
        """Ask the surgery for a time."""
        return self._make(write_enquiry(offer, self._patient, wished, reason, intent), intent)

    def cancel(self, appointment: str, intent: UUID) -> Written[Appointment]:
        """Cancel a booking or withdraw an enquiry."""
        record, changed = self._errands.update(
            f"Appointment/{appointment}", write_cancelled, _has_status("cancelled"), intent
        )
        return Written(self._reader.written(record), changed)

    def consents(self) -> tuple[Consent, ...]:
        """Active consents."""
        return self._reader.consents(self._exchange.whole(queries.consents(self._patient)))

    def grant_consent(self, intent: UUID) -> Written[Consent]:
        """Consent to Full Access."""
        body = write_grant(self._patient, intent, self._now())
        there = self._errands.create("Consent", body, intent)
        return Written(self._reader.consents(there)[0], True)

    def withdraw_consent(self, consent: Consent, intent: UUID) -> Written[Consent]:
        """End one consent."""
        record, changed = self._errands.update(
            f"Consent/{consent.id}", write_withdrawn, _has_status("inactive"), intent
        )
        return Written(must(lambda: read_consent(record)), changed)

    def _name_at(self, reference: str) -> str:
        record, _ = self._exchange.read(reference)
        return must(lambda: read_person(record)).name

    def _about_offers(self) -> tuple[queries.Query, ...]:
        patient = self._patient
        return queries.gps_and_services(patient), queries.prices(), queries.consents(patient)

    def _about_coming(self, since: date | None) -> tuple[queries.Query, ...]:
        patient = self._patient
        return queries.dated_appointments(patient, since), queries.waiting_appointments(patient)

    def _offers(self, answers: Sequence[Found]) -> Offers:
        return self._reader.offers(answers, self._permitted())

    def _slot(self, answer: Found, identity: str) -> Slot | None:
        try:
            found = self._reader.slots(whole(answer))
        except NotFound:
            return None
        return next((slot for slot in found if slot.id == identity), None)

    def _appointment(self, answer: Found, identity: str) -> Appointment | None:
        try:
            return self._reader.appointment(whole(answer), identity)
        except NotFound:
            return None

    def _make(self, body: dict[str, object], intent: UUID) -> Written[Appointment]:
        there = self._errands.create("Appointment", body, intent)
        return Written(self._reader.appointments(there)[0], True)


def _has_status(status: str) -> Callable[[Element], bool]:
    return lambda record: record.text("status") == status
