"""The portal as care sees it: one method per question or errand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from uuid import UUID

    from gpcli.model.appointment import Appointment, Slot, Vaccination, Window
    from gpcli.model.person import Parties, Person
    from gpcli.model.prescription import Prescription, Renewal, RenewalFacts, RenewalOutcome
    from gpcli.model.receipt import BookingFacts, CancellationFacts, WriteResult
    from gpcli.model.service import Consent, Offer, Offers, Surgery
    from gpcli.model.thread import (
        Attachment,
        Conversation,
        Draft,
        Message,
        ReplyFacts,
        Thread,
        ThreadFacts,
        ThreadKind,
    )


class Mailbox(Protocol):
    """The threads of messages with the surgery."""

    def fetch_threads(self) -> list[Thread]:
        """All threads, those with something unread first, then the newest; in one round trip."""

    def fetch_conversation(self, thread: str) -> Conversation:
        """One thread with its messages; raises NotFound."""

    def fetch_thread_facts(self, intent: UUID | None, kind: ThreadKind) -> ThreadFacts:
        """What to know before a thread of this kind is started."""

    def fetch_reply_facts(self, thread: str, intent: UUID | None) -> ReplyFacts:
        """What to know before a reply."""

    def send_thread(
        self, kind: ThreadKind, offer: Offer, subject: str, draft: Draft, intent: UUID
    ) -> WriteResult[Conversation]:
        """Start a thread and read it back; completes one whose first message never arrived.

        Raises OutcomeUnknown, or the portal's refusal.
        """

    def send_reply(
        self, conversation: Conversation, draft: Draft, intent: UUID
    ) -> WriteResult[Message]:
        """Write in a thread; raises AlreadyAnswered when it is closed, OutcomeUnknown."""

    def send_read_mark(self, message: Message, intent: UUID) -> WriteResult[Message]:
        """Have the portal know that it is read, or where it lets nobody, this machine."""

    def fetch_content(self, attachment: Attachment) -> bytes:
        """The bytes of an attachment; raises NotFound, BadResponse."""


class Prescriptions(Protocol):
    """The patient's prescriptions and the requests to renew them."""

    def fetch_prescriptions(self) -> list[Prescription]:
        """The newest of each chain, also expired ones, by name; in one round trip."""

    def fetch_renewals(self) -> list[Renewal]:
        """Requests to renew, newest first."""

    def fetch_renewal(self, renewal: str) -> Renewal:
        """One request; raises NotFound."""

    def fetch_renewal_facts(self) -> RenewalFacts:
        """What to know before renewing, in one round trip."""

    def send_renewals(
        self, prescriptions: Sequence[Prescription], note: str | None, intent: UUID
    ) -> list[RenewalOutcome]:
        """Ask to renew each, sent together; how each ended, in the same order.

        Each has an intent of its own, `uuid5(intent, id of the prescription)`. What is refused
        because another run has asked for it meanwhile is as that run has left it, unchanged.
        """

    def send_withdrawal(self, renewal: str, intent: UUID) -> WriteResult[Renewal]:
        """Take a request back; raises AlreadyAnswered, Conflict, OutcomeUnknown."""


class Portal(Protocol):
    """A GP portal on behalf of one patient. Every method may raise any GpcliError of network,
    sign-in or refusal; what else each raises stands with it.
    """

    @property
    def mailbox(self) -> Mailbox:
        """Messages to and from the surgery."""

    @property
    def prescriptions(self) -> Prescriptions:
        """Prescriptions and their renewal."""

    @property
    def flaws(self) -> Sequence[str]:
        """Records that could not be read and were left out so far, one phrase each."""

    def fetch_parties(self) -> Parties:
        """Return the patient and who acts; the portal is asked at most once."""

    def fetch_surgeries(self) -> tuple[Surgery, ...]:
        """The patient's GPs: none, one or two. Needs only basic consent."""

    def fetch_patient(self) -> Person:
        """The patient's own record. Needs only basic consent."""

    def fetch_offers(self) -> Offers:
        """The GPs, their services, prices, consent and permissions, in one round trip."""

    def fetch_slots(self, offers: Sequence[Offer], first: date, last: date) -> Iterator[Slot]:
        """Free times of the given services from `first` to `last` inclusive, in order."""

    def fetch_booking_facts(
        self, *, slot: str | None, intent: UUID | None, threads: bool = False
    ) -> BookingFacts:
        """What to know before booking; with `threads`, also whether `intent` started a thread."""

    def fetch_cancellation_facts(self, appointment: str) -> CancellationFacts:
        """What to know before cancelling."""

    def fetch_appointments(self, since: date | None) -> list[Appointment]:
        """Bookings and enquiries in order of time, undated enquiries first."""

    def fetch_appointment(self, appointment: str) -> Appointment:
        """One booking or enquiry; raises NotFound."""

    def fetch_vaccinations(self) -> tuple[Vaccination, ...]:
        """Influenza vaccinations on record, newest first."""

    def send_booking(
        self, slot: Slot, offer: Offer, reason: str | None, intent: UUID
    ) -> WriteResult[Appointment]:
        """Book a time and read it back; raises SlotTaken, OutcomeUnknown."""

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
        """Ask the surgery for a time, through `channel`; raises OutcomeUnknown."""

    def send_cancellation(self, appointment: str, intent: UUID) -> WriteResult[Appointment]:
        """Cancel; raises TooLate, Conflict, OutcomeUnknown."""

    def fetch_consents(self) -> tuple[Consent, ...]:
        """Active consents."""

    def send_consent_grant(self, intent: UUID) -> WriteResult[Consent]:
        """Consent to Full Access."""

    def send_consent_withdrawal(self, consent: Consent, intent: UUID) -> WriteResult[Consent]:
        """End one consent."""
