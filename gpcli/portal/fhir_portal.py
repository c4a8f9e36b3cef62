"""care.Portal over FHIR: fetch_ methods read from the portal, send_ methods write to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from gpcli.config.read_marks import ReadMarks
from gpcli.errors import Conflict, GpcliError, NotFound, SignInError
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element
from gpcli.fhir.healthcare_service import (
    read_consent,
    write_consent_grant,
    write_consent_withdrawal,
)
from gpcli.fhir.patient import is_about_patient
from gpcli.fhir.scheduling import (
    write_booking,
    write_e_consultation,
    write_enquiry,
)
from gpcli.journal import JournalEntry
from gpcli.model.appointment import Appointment, Slot, Vaccination, Window
from gpcli.model.person import Parties, Person
from gpcli.model.receipt import BookingFacts, CancellationFacts, WriteResult
from gpcli.model.service import (
    BOOKABLE,
    Consent,
    ConsentLevel,
    ConsentState,
    Offer,
    Offers,
    Surgery,
)
from gpcli.portal import queries
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.mapping import (
    NOT_SHOWN,
    SearchResult,
    appointment_not_found,
    or_empty,
    require,
    unwrap,
    unwrap_answered,
)
from gpcli.portal.parties import PartyReader
from gpcli.portal.write.outcome import with_identifier
from gpcli.portal.write.requests import WritePart, build_cancellation_part, thread_part_intents

if TYPE_CHECKING:
    from gpcli.portal.free_slots import FreeSlots
    from gpcli.portal.mailbox import FhirMailbox
    from gpcli.portal.prescriptions import FhirPrescriptions
    from gpcli.portal.raw_requests import RawWrites


_FRESH_FOR = timedelta(seconds=5)
"""For how long a fetched record is changed without being fetched again."""

_SEE_LIST = "gpcli appointments list shows what is there."


class FhirPortal:
    """A portal on behalf of one patient; implements care.Portal."""

    def __init__(self, dependencies: PortalDependencies, read_marks: ReadMarks) -> None:
        self._dependencies = dependencies
        self._read_marks = read_marks
        self._search = dependencies.search
        self.identity = dependencies.identity
        self._patient = dependencies.patient
        self._status_sent = dependencies.portal_profile.status_sent
        self._mapper = dependencies.mapper
        self._now = dependencies.now
        self._parties = PartyReader(dependencies)
        self._last_fetched: tuple[Element | None, datetime] = (None, dependencies.now())

    @cached_property
    def mailbox(self) -> FhirMailbox:
        """The messages to and from the surgery."""
        from gpcli.portal.mailbox import FhirMailbox  # noqa: PLC0415  (start-up: few commands need it)

        return FhirMailbox(self._dependencies, self._read_marks)

    @cached_property
    def prescriptions(self) -> FhirPrescriptions:
        """The prescriptions and their renewals."""
        from gpcli.portal.prescriptions import (  # noqa: PLC0415  (start-up: few commands need it)
            FhirPrescriptions,
        )

        return FhirPrescriptions(self._dependencies)

    @cached_property
    def raw_writes(self) -> RawWrites:
        """The requests that a person has written themselves."""
        from gpcli.portal.raw_requests import RawWrites  # noqa: PLC0415  (start-up: one command)

        return RawWrites(self._dependencies)

    def fetch_parties(self) -> Parties:
        """Return the patient and who acts; the portal is asked at most once."""
        return self._parties.parties

    def fetch_phones(self) -> tuple[str, ...]:
        """Return the patient's telephone numbers; the portal is asked at most once."""
        return self._parties.fetch_phones()

    @property
    def flaws(self) -> Sequence[str]:
        """Phrases on the records that were left out so far since they could not be read."""
        return self._search.flaws

    @property
    def has_all_appointments(self) -> bool:
        """Whether all appointments came that were asked for so far, and could be read."""
        return "Appointment" not in self._search.incomplete | self._mapper.left_out

    @property
    def remarks(self) -> Sequence[str]:
        """Sentences on what the portal says or did besides what was asked for."""
        others = [
            f"The portal sent {number} {kind} of other patients; they are left out."
            for kind, number in self._mapper.others.items()
        ]
        return [*self._search.remarks, *self._mapper.remarks, *others]

    def fetch_outcomes(self, writes: Sequence[JournalEntry]) -> list[GpcliError]:
        """Ask what became of open writes; see `OpenWrites.fetch_outcomes`."""
        return self._dependencies.open_writes.fetch_outcomes(writes)

    def fetch_patient(self) -> Person:
        """Fetch the patient's own record."""
        return self._parties.fetch_patient()

    def fetch_surgeries(self) -> tuple[Surgery, ...]:
        """Fetch the patient's GPs."""
        bundle = self._search.fetch_all(queries.patient_with_gps(self._patient))
        patient = self._mapper.require_patient(bundle)
        self._dependencies.add_roles(bundle, patient)
        return self._mapper.read_surgeries(bundle, patient)

    def fetch_offers(self) -> Offers:
        """Fetch the GPs, their services, prices, consent and permissions, in one round trip."""
        dependencies = self._dependencies
        return dependencies.fetch_offers(self._search.fetch_named(dependencies.offer_queries()))

    def fetch_slots(self, offers: Sequence[Offer], first: date, last: date) -> Iterator[Slot]:
        """Fetch the free times of these offers from the day `first` to `last`, page by page."""
        return self._free_slots.fetch(offers, first, last)

    @cached_property
    def _free_slots(self) -> FreeSlots:
        from gpcli.portal.free_slots import FreeSlots  # noqa: PLC0415  (start-up: few need it)

        return FreeSlots(self._dependencies)

    def fetch_booking_facts(
        self, *, slot: str | None, intent: UUID | None, threads: bool = False
    ) -> BookingFacts:
        """Fetch the facts on which a booking is decided, in one round trip.

        `slot` `None` means an enquiry; `intent` is for what an earlier run with it made, `None` if
        there can't have been one. `threads` looks as well for a thread that it started.
        """
        today = self._now().date()
        named = self._dependencies.offer_queries() | self._upcoming_queries(today)
        if slot:
            named["slot"] = queries.slot(slot)
        if intent:
            named["earlier"] = queries.by_identifier("Appointment", intent)
        if intent and threads:
            header, _ = thread_part_intents(intent)
            named["thread"] = queries.by_identifier("Communication", header)
        results = self._search.fetch_named(named)
        offers = self._dependencies.fetch_offers(results)
        if offers.consent is not ConsentLevel.FULL_ACCESS:
            return BookingFacts(offers, None, (), None)
        for name in ("dated", "undated"):
            unwrap_answered(results[name])
        upcoming = self._read_upcoming(results, today)
        earlier = self._find_earlier(results["earlier"], intent) if intent else None
        return BookingFacts(
            offers=offers,
            slot=self._find_slot(results["slot"], slot, offers, earlier) if slot else None,
            coming=tuple(upcoming),
            earlier=earlier,
            thread=_find_thread(results["thread"], intent) if intent and threads else None,
        )

    def fetch_cancellation_facts(self, appointment: str) -> CancellationFacts:
        """Fetch the facts on which a cancellation is decided, in one round trip.

        The record is kept for `send_cancellation`.
        """
        named = {"appointment": queries.appointment(appointment)}
        results = self._search.fetch_named(self._dependencies.offer_queries() | named)
        offers = self._dependencies.fetch_offers(results)
        result = results["appointment"]
        found = self._find_appointment(result, appointment)
        if found and isinstance(result, Bundle):
            self._last_fetched = result.get(f"Appointment/{appointment}"), self._now()
        return CancellationFacts(offers, found)

    def fetch_appointments(self, since: date | None) -> list[Appointment]:
        """Fetch bookings and enquiries: undated ones first, the others in order of time.

        Dated ones are from the day `since` on; `None` means all.
        """
        results = self._search.fetch_named(self._upcoming_queries(since))
        return self._read_upcoming(results, since)

    def fetched_day_ahead(self) -> AbstractContextManager[None]:
        """Fetch in one round trip the offers, what is coming, the threads and the prescriptions."""
        from gpcli.portal.prescriptions import (  # noqa: PLC0415  (start-up: few commands need it)
            prescriptions_query,
        )

        more = [prescriptions_query(self._patient)]
        return self._fetched_ahead([*self._change_queries(), *more], offers=True)

    def fetched_changes_ahead(self, *, offers: bool = False) -> AbstractContextManager[None]:
        """Fetch in one round trip what is coming, the messages and the requests to renew."""
        return self._fetched_ahead(self._change_queries(), offers=offers)

    def _fetched_ahead(
        self, sent: Sequence[queries.Query], *, offers: bool
    ) -> AbstractContextManager[None]:
        """Fetch what is sent ahead, and the GPs; these with what they offer, where that is due."""
        gps = queries.patient_with_gps(self._patient)
        if not offers:
            return self._search.fetched_ahead({each: each for each in (gps, *sent)})
        named = [*self._dependencies.offer_queries().values(), *sent]
        services = queries.patient_with_services(self._patient)
        return self._search.fetched_ahead({each: each for each in named} | {gps: services})

    def _change_queries(self) -> list[queries.Query]:
        """Return the queries for what can change at the surgery."""
        from gpcli.portal.prescriptions import (  # noqa: PLC0415  (start-up: few commands need it)
            renewals_query,
        )

        return [
            *self._upcoming_queries(self._now().date()).values(),
            queries.communications(self._patient),
            queries.unread_messages(self._patient),
            renewals_query(self._patient),
        ]

    def fetch_appointment(self, appointment: str) -> Appointment:
        """Fetch one booking or enquiry; raise NotFound."""
        bundle = self._search.fetch_all(queries.appointment(appointment))
        return self._mapper.require_appointment(bundle, appointment)

    def fetch_version(self, appointment: str, version: int) -> Appointment | None:
        """Fetch an appointment as it was; `None` = the portal does not keep or show that."""
        if "Appointment" not in self._search.fetch_capabilities().version_reads:
            return None
        try:
            record, _ = self._search.fetch_resource(f"Appointment/{appointment}", version)
            is_own = require(lambda: self._mapper.is_own(record))
            return self._mapper.read_lone_appointment(record) if is_own else None
        except SignInError:
            raise
        except GpcliError:
            return None

    def fetch_vaccinations(self) -> tuple[Vaccination, ...] | None:
        """Fetch the influenza vaccinations on record, newest first; `None` = they aren't shown."""
        try:
            bundle = self._search.fetch_all(queries.vaccinations(self._patient))
        except NOT_SHOWN:
            return None
        if bundle.failure is not None:
            return None
        return tuple(self._mapper.read_flu_vaccinations(bundle))

    def send_booking(
        self, slot: Slot, offer: Offer, reason: str | None, intent: UUID
    ) -> WriteResult[Appointment]:
        """Book a time in the way of the portal and read it back; raise as slot_booking does."""
        from gpcli.portal.write.slot_booking import (  # noqa: PLC0415  (start-up: writes only)
            SlotBooking,
            send_booking,
        )

        body = write_booking(slot, offer, self._patient, reason, intent, self._status_sent)
        part = WritePart(intent, body)
        booking = SlotBooking(self._dependencies, slot.id, part, slot.proposal, slot.has_record)
        written = send_booking(booking, self._require_created)
        self._mapper.add_remarks([written.remark] if written.remark else [])
        return written

    def send_enquiry(
        self,
        offer: Offer,
        windows: Sequence[Window],
        reason: str | None,
        intent: UUID,
        *,
        channel: str | None = None,
        subject: str | None = None,
    ) -> WriteResult[Appointment]:
        """Ask the surgery for a time in one of the `windows`.

        `channel` and `subject` are for an e-consultation.
        """
        enquiry = write_enquiry(offer, self._patient, windows, reason, intent)
        body = enquiry | write_e_consultation(channel, subject)
        outcome = self._dependencies.kernel.create(WritePart(intent, body))
        return WriteResult(self._require_created(outcome.along), outcome.changed)

    def expect_cancellation(self, appointment: str, intent: UUID, after: UUID) -> None:
        """Record in the journal that this cancellation is to follow the write `after`."""
        part = build_cancellation_part(appointment, intent, after)
        self._dependencies.kernel.record_sending(part)

    def drop_cancellation(self, intent: UUID, *, alone: bool) -> None:
        """Record that a cancellation that was expected is not sent."""
        self._dependencies.kernel.record_not_sent(intent, alone=alone)

    def forget_cancellation(self, intent: UUID) -> None:
        """Record that the write before a cancellation that was not sent counts without it."""
        self._dependencies.kernel.record_alone(intent)

    def send_cancellation(self, appointment: str, intent: UUID) -> WriteResult[Appointment]:
        """Cancel a booking or withdraw an enquiry; raise NotFound for another patient's."""
        reference = f"Appointment/{appointment}"
        from gpcli.portal.write.cancelling import (  # noqa: PLC0415  (start-up: writes only)
            Cancellation,
        )

        cancellation = Cancellation(
            self._dependencies, reference, self._is_cancelled, intent, self._find_fresh(reference)
        )
        outcome, remark = cancellation.send()
        self._mapper.add_remarks([remark] if remark else [])
        return WriteResult(self._mapper.read_lone_appointment(outcome.record), outcome.changed)

    def fetch_consent_state(self) -> ConsentState:
        """Fetch the consents that count now, and what level they give.

        Raises: BadResponse also where the portal sent an error in their place.
        """
        results = self._search.fetch_named(self._dependencies.offer_queries())
        offers = self._dependencies.fetch_offers(results)
        found = unwrap_answered(or_empty(results["consents"]))
        return ConsentState(
            consents=self._mapper.read_consents(found),
            level=offers.consent if offers.uses_consent else None,
            can_grant=self._search.fetch_capabilities().can_create("Consent"),
        )

    def send_consent_grant(self, intent: UUID) -> WriteResult[Consent]:
        """Grant consent to Full Access."""
        body = write_consent_grant(self._patient, intent, self._now())
        outcome = self._dependencies.kernel.create(WritePart(intent, body))
        consent = require(lambda: read_consent(outcome.record))
        if not outcome.changed and consent.status != "active":
            raise Conflict(
                f"This --request-id was used before: that consent is {consent.status} now.",
                hint="Use a new --request-id for a new request.",
            )
        return WriteResult(consent, outcome.changed)

    def send_consent_withdrawal(self, consent: Consent, intent: UUID) -> WriteResult[Consent]:
        """Withdraw one consent."""
        outcome = self._dependencies.kernel.update(
            f"Consent/{consent.id}", write_consent_withdrawal, _has_status("inactive"), intent
        )
        return WriteResult(require(lambda: read_consent(outcome.record)), outcome.changed)

    def _is_cancelled(self, record: Element) -> bool:
        """Return whether it is cancelled; raise NotFound for another patient's appointment."""
        if not is_about_patient(record, self._patient):
            raise appointment_not_found(record.require_string("id"))
        return record.string("status") == "cancelled"

    def _upcoming_queries(self, since: date | None) -> dict[str, queries.Query]:
        """Return the queries whose results `_read_upcoming` reads, by name."""
        return {
            "dated": queries.dated_appointments(self._patient, since),
            "undated": queries.undated_appointments(self._patient),
        }

    def _read_upcoming(
        self, results: Mapping[str, SearchResult], since: date | None
    ) -> list[Appointment]:
        dated, undated = unwrap(results["dated"]), unwrap(results["undated"])
        return self._mapper.read_upcoming(dated, undated, since)

    def _find_slot(
        self, result: SearchResult, slot_id: str, offers: Offers, earlier: Appointment | None
    ) -> Slot | None:
        """Return the time with this id, `None` where there is none.

        An earlier run's booking stands whatever the portal shows of the time.
        Raises: NotFound where the portal proposes times, none with this id any more, and no earlier
        run made a booking.
        """
        is_optional = self._free_slots.uses_find or earlier or isinstance(result, NotFound)
        slots = self._mapper.read_slots(or_empty(result) if is_optional else unwrap(result))
        found = next((slot for slot in slots if slot.id == slot_id), None)
        if found is None:
            self._mapper.require_absent(f"Slot/{slot_id}")
        bookable = [each for each in offers.offers if each.name in BOOKABLE]
        if found or earlier or not bookable or not self._free_slots.uses_find:
            return found
        proposed = self._free_slots.fetch_proposed(slot_id, bookable)
        if proposed is None:
            raise NotFound(
                f"The portal does not offer the time '{slot_id}' (any more): it may be gone.",
                hint="gpcli slots lists the free times.",
            )
        return proposed

    def _find_fresh(self, reference: str) -> Element | None:
        """Return the last fetched record if it is this one, fresh, and has a version."""
        record, fetched_at = self._last_fetched
        if record is None or record.relative_reference != reference:
            return None
        if self._now() - fetched_at > _FRESH_FOR:
            return None
        meta = record.child("meta")
        return record if meta and meta.string("versionId") else None

    def _find_appointment(self, result: SearchResult, appointment_id: str) -> Appointment | None:
        try:
            return self._mapper.require_appointment(unwrap(result), appointment_id)
        except NotFound:
            return None

    def _find_earlier(self, result: SearchResult, intent: UUID) -> Appointment | None:
        """Return the appointment that an earlier run with this intent made, if any.

        Raises: Conflict where that run was to cancel it again.
        """
        ours = with_identifier(unwrap(result), "Appointment", intent)
        appointments = self._mapper.read_appointments(ours)
        if not appointments:
            return None
        if not appointments[0].is_over:
            from gpcli.portal.write.slot_booking import (  # noqa: PLC0415  (start-up: writes only)
                require_no_pending_cancellation,
            )

            kernel = self._dependencies.kernel
            require_no_pending_cancellation(kernel, intent, str(appointments[0].id))
        return appointments[0]

    def _require_created(self, bundle: Bundle) -> Appointment:
        """Return the appointment that was created; raise Conflict where the patient has none."""
        for appointment in self._mapper.read_appointments(bundle):
            return appointment
        raise Conflict("What the portal made of the request is not yours.", hint=_SEE_LIST)


def _find_thread(result: SearchResult, intent: UUID) -> str | None:
    """Return the id of the thread that an earlier run with this intent started, if any."""
    header, _ = thread_part_intents(intent)
    headers = with_identifier(or_empty(result), "Communication", header).matches
    return require(lambda: headers[0].require_string("id")) if headers else None


def _has_status(status: str) -> Callable[[Element], bool]:
    return lambda record: record.string("status") == status
