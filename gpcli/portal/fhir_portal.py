"""care.Portal over FHIR: one method per question or errand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from gpcli.config.read_marks import ReadMarks
from gpcli.errors import Conflict, NotFound, Rejected
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.compartment import is_about_patient
from gpcli.fhir.element import Element
from gpcli.fhir.healthcare_service import read_consent, write_consent_grant, write_consent_withdrawal
from gpcli.fhir.patient import read_person
from gpcli.fhir.scheduling import write_e_consultation, write_booking, write_cancellation, write_enquiry
from gpcli.model.appointment import Appointment, Slot, Vaccination, Window
from gpcli.model.person import Parties, Person
from gpcli.model.receipt import BookingFacts, CancellationFacts, WriteResult
from gpcli.model.service import Consent, ConsentLevel, Offer, Offers, Surgery
from gpcli.portal import queries
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.mapping import SearchResult, appointment_not_found, or_empty, require, unwrap
from gpcli.portal.write.outcome import with_identifier
from gpcli.portal.write.requests import WritePart

if TYPE_CHECKING:
    from gpcli.portal.mailbox import FhirMailbox
    from gpcli.portal.prescriptions import FhirPrescriptions


_A_MOMENT = timedelta(seconds=5)
"""How long a record that was read need not be read again before it is changed."""

_LOOK_AT_LIST = "gpcli appointments list shows what is there."


class FhirPortal:
    """A portal on behalf of one patient; implements care.Portal."""

    def __init__(self, context: PortalDependencies, marks: ReadMarks) -> None:
        self._context = context
        self._marks = marks
        self._exchange = context.search
        self.identity = context.identity
        self._patient = context.patient
        self._status_sent = context.portal_profile.status_sent
        self._reader = context.mapper
        self._now = context.now
        self._just_read: tuple[Element | None, datetime] = (None, context.now())

    @cached_property
    def mailbox(self) -> FhirMailbox:
        """Messages to and from the surgery."""
        from gpcli.portal.mailbox import FhirMailbox  # noqa: PLC0415  (most commands need none)

        return FhirMailbox(self._context, self._marks)

    @cached_property
    def prescriptions(self) -> FhirPrescriptions:
        """Prescriptions and their renewal."""
        from gpcli.portal.prescriptions import FhirPrescriptions  # noqa: PLC0415  (as above)

        return FhirPrescriptions(self._context)

    def fetch_parties(self) -> Parties:
        """Return the patient and who acts; the portal is asked at most once."""
        return self._parties

    @cached_property
    def _parties(self) -> Parties:
        identity = self.identity
        name = identity.patient_name or self._reader.patient_name or self.fetch_patient().name
        patient = Person(identity.patient, name)
        if identity.fhir_user is None:
            return Parties(patient, None)
        if not identity.on_behalf:
            return Parties(patient, patient)
        reference = "/".join(identity.fhir_user.split("/")[-2:])
        name = identity.acting_name or self._name_at(reference)
        return Parties(patient, Person(reference.partition("/")[2], name))

    @property
    def flaws(self) -> Sequence[str]:
        """Records that could not be read and were left out so far, one phrase each."""
        return self._exchange.flaws

    def fetch_patient(self) -> Person:
        """The patient's own record."""
        bundle = self._exchange.fetch_all(queries.patient_with_gps(self._patient))
        return require(lambda: read_person(self._reader.require_patient(bundle)))

    def fetch_surgeries(self) -> tuple[Surgery, ...]:
        """The patient's GPs."""
        bundle = self._exchange.fetch_all(queries.patient_with_gps(self._patient))
        return self._reader.read_surgeries(bundle)

    def fetch_offers(self) -> Offers:
        """The GPs, their services, prices, consent and permissions, in one round trip."""
        return self._context.fetch_offers(self._exchange.ask(*self._context.offer_queries()))

    def fetch_slots(self, offers: Sequence[Offer], first: date, last: date) -> Iterator[Slot]:
        """Free times of the given services, page by page."""
        wanted = {offer.id for offer in offers}
        if not wanted:
            return
        for page in self._exchange.fetch_pages(queries.free_slots(sorted(wanted), first, last)):
            yield from self._reader.read_free_slots(page, wanted, first, last)

    def fetch_booking_facts(
        self, *, slot: str | None, intent: UUID | None, threads: bool = False
    ) -> BookingFacts:
        """All that a booking is decided on, in one round trip."""
        today = self._now().date()
        asked = [*self._context.offer_queries(), *self._about_coming(today)]
        asked += [queries.slot(slot)] if slot else []
        asked += _left_by(intent, threads=threads) if intent else []
        answers = self._exchange.ask(*asked)
        offers = self._context.fetch_offers(answers[:3])
        if offers.consent is not ConsentLevel.FULL_ACCESS:
            return BookingFacts(offers, None, (), None)
        coming = self._coming(answers[3:5], today)
        left = answers[6 if slot else 5 :]
        return BookingFacts(
            offers=offers,
            slot=self._slot(answers[5], slot) if slot else None,
            coming=tuple(coming),
            earlier=self._earlier(left[0], intent) if intent else None,
            thread=_thread_of(left[1], intent) if intent and threads else None,
        )

    def fetch_cancellation_facts(self, appointment: str) -> CancellationFacts:
        """All that a cancellation is decided on, in one round trip."""
        answers = self._exchange.ask(
            *self._context.offer_queries(), queries.appointment(appointment)
        )
        offers = self._context.fetch_offers(answers[:3])
        there = self._appointment(answers[3], appointment)
        if there and isinstance(answers[3], Bundle):
            self._just_read = answers[3].get(f"Appointment/{appointment}"), self._now()
        return CancellationFacts(offers, there)

    def fetch_appointments(self, since: date | None) -> list[Appointment]:
        """Bookings and enquiries in order of time, undated enquiries first."""
        return self._coming(self._exchange.ask(*self._about_coming(since)), since)

    def fetch_appointment(self, appointment: str) -> Appointment:
        """One booking or enquiry; raises NotFound."""
        bundle = self._exchange.fetch_all(queries.appointment(appointment))
        return self._reader.require_appointment(bundle, appointment)

    def fetch_vaccinations(self) -> tuple[Vaccination, ...]:
        """Influenza vaccinations on record, newest first."""
        bundle = self._exchange.fetch_all(queries.vaccinations(self._patient))
        return tuple(self._reader.read_flu_vaccinations(bundle))

    def send_booking(
        self, slot: Slot, offer: Offer, reason: str | None, intent: UUID
    ) -> WriteResult[Appointment]:
        """Book a time in the portal's way and read it back; raises what `booking.book` does."""
        from gpcli.portal.write.slot_booking import SlotBooking, send_booking  # noqa: PLC0415  (most commands need none)

        body = write_booking(slot, offer, self._patient, reason, intent, self._status_sent)
        part = WritePart(intent, body)
        return send_booking(SlotBooking(self._context, slot.id, part), self._made)

    def send_enquiry(
        self,
        offer: Offer,
        wished: Sequence[Window],
        reason: str | None,
        intent: UUID,
        *,
        channel: str | None = None,
        subject: str | None = None,
    ) -> WriteResult[Appointment]:
        """Ask the surgery for a time."""
        asked = write_enquiry(offer, self._patient, wished, reason, intent)
        body = asked | write_e_consultation(channel, subject)
        outcome = self._context.kernel.create(WritePart(intent, body))
        return WriteResult(self._made(outcome.along), outcome.changed)

    def send_cancellation(self, appointment: str, intent: UUID) -> WriteResult[Appointment]:
        """Cancel a booking or withdraw an enquiry; raises NotFound for another patient's."""
        reference = f"Appointment/{appointment}"
        fresh = self._fresh(reference)
        outcome = self._context.kernel.update(
            reference, write_cancellation, self._is_cancelled, intent, fresh=fresh
        )
        return WriteResult(self._reader.read_lone_appointment(outcome.record), outcome.changed)

    def fetch_consents(self) -> tuple[Consent, ...]:
        """Active consents."""
        return self._reader.read_consents(self._exchange.fetch_all(queries.consents(self._patient)))

    def send_consent_grant(self, intent: UUID) -> WriteResult[Consent]:
        """Consent to Full Access."""
        body = write_consent_grant(self._patient, intent, self._now())
        outcome = self._context.kernel.create(WritePart(intent, body))
        given = require(lambda: read_consent(outcome.record))
        if not outcome.changed and given.status != "active":
            raise Conflict(
                f"This --request-id was used before: that consent is {given.status} now.",
                hint="Use a new --request-id for a new request.",
            )
        return WriteResult(given, outcome.changed)

    def send_consent_withdrawal(self, consent: Consent, intent: UUID) -> WriteResult[Consent]:
        """End one consent."""
        outcome = self._context.kernel.update(
            f"Consent/{consent.id}", write_consent_withdrawal, _has_status("inactive"), intent
        )
        return WriteResult(require(lambda: read_consent(outcome.record)), outcome.changed)

    def _is_cancelled(self, record: Element) -> bool:
        """Whether it is done already; raises NotFound for what is none of the patient's."""
        if not is_about_patient(record, self._patient):
            raise appointment_not_found(record.require_string("id"))
        return record.string("status") == "cancelled"

    def _name_at(self, reference: str) -> str:
        record, _ = self._exchange.fetch_resource(reference)
        return require(lambda: read_person(record)).name

    def _about_coming(self, since: date | None) -> tuple[queries.Query, ...]:
        patient = self._patient
        return queries.dated_appointments(patient, since), queries.undated_appointments(patient)

    def _coming(self, answers: Sequence[SearchResult], since: date | None) -> list[Appointment]:
        dated, undated = answers
        if isinstance(undated, Rejected):  # a portal that does not know :missing
            undated = self._exchange.fetch_all(queries.waiting_appointments(self._patient))
        return self._reader.read_upcoming(unwrap(dated), unwrap(undated), since)

    def _slot(self, answer: SearchResult, identity: str) -> Slot | None:
        try:
            found = self._reader.read_slots(unwrap(answer))
        except NotFound:
            return None
        return next((slot for slot in found if slot.id == identity), None)

    def _fresh(self, reference: str) -> Element | None:
        """The record as it was read a moment ago, if it is this one and has a version."""
        record, at = self._just_read
        if record is None or record.relative_reference != reference or self._now() - at > _A_MOMENT:
            return None
        meta = record.child("meta")
        return record if meta and meta.string("versionId") else None

    def _appointment(self, answer: SearchResult, identity: str) -> Appointment | None:
        try:
            return self._reader.require_appointment(unwrap(answer), identity)
        except NotFound:
            return None

    def _earlier(self, answer: SearchResult, intent: UUID) -> Appointment | None:
        found = self._reader.read_appointments(with_identifier(unwrap(answer), "Appointment", intent))
        if not found:
            return None
        if not found[0].over:
            from gpcli.portal.write.slot_booking import (  # noqa: PLC0415  (start-up: writes only)
                require_not_to_be_cancelled,
            )

            require_not_to_be_cancelled(self._context.kernel, intent, str(found[0].id))
        return found[0]

    def _made(self, there: Bundle) -> Appointment:
        for made in self._reader.read_appointments(there):
            return made
        raise Conflict("What the portal made of the request is not yours.", hint=_LOOK_AT_LIST)


def _left_by(intent: UUID, *, threads: bool) -> list[queries.Query]:
    """The questions for what `intent` may have left: an appointment, or a thread's header."""
    header, _ = queries.thread_part_intents(intent)
    thread = [queries.by_identifier("Communication", header)] if threads else []
    return [queries.by_identifier("Appointment", intent), *thread]


def _thread_of(answer: SearchResult, intent: UUID) -> str | None:
    header, _ = queries.thread_part_intents(intent)
    found = with_identifier(or_empty(answer), "Communication", header).matches
    return require(lambda: found[0].require_string("id")) if found else None


def _has_status(status: str) -> Callable[[Element], bool]:
    return lambda record: record.string("status") == status
