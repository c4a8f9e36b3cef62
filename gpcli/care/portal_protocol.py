"""The Portal protocol: what care needs of a GP portal, one method per read or write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import date
    from uuid import UUID

    from gpcli.errors import GpcliError
    from gpcli.model.appointment import Appointment, Slot, Vaccination, Window
    from gpcli.model.person import Parties, Person
    from gpcli.model.prescription import Prescription, Renewal, RenewalFacts, RenewalOutcome
    from gpcli.model.receipt import BookingFacts, CancellationFacts, WriteResult
    from gpcli.model.service import Consent, ConsentState, Offer, Offers, Surgery
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
        """Fetch all threads in one round trip: those with unread messages first, then newest."""

    def fetch_conversations(self) -> list[Conversation]:
        """Fetch all threads with their messages, these without texts and files, in one round trip.

        They are in the order of `fetch_threads`.
        """

    def fetch_conversation(self, thread: str) -> Conversation:
        """Fetch one thread with its messages.

        Raises: NotFound.
        """

    def fetch_thread_facts(self, intent: UUID | None, kind: ThreadKind) -> ThreadFacts:
        """Fetch what starting a thread of this kind is decided on.

        `intent` is the one to look for, of an earlier try; `None` = there was none.
        """

    def fetch_reply_facts(self, thread: str, intent: UUID | None) -> ReplyFacts:
        """Fetch what a reply in `thread` is decided on; `intent` as in `fetch_thread_facts`."""

    def send_thread(
        self, kind: ThreadKind, offer: Offer, subject: str, draft: Draft, intent: UUID
    ) -> WriteResult[Conversation]:
        """Start a thread and read it back; complete one whose first message never arrived.

        Raises: OutcomeUnknown, or the portal's refusal.
        """

    def send_reply(
        self, conversation: Conversation, draft: Draft, intent: UUID
    ) -> WriteResult[Message]:
        """Send a message in an existing thread.

        Raises: AlreadyAnswered if the thread is closed, OutcomeUnknown.
        """

    def send_read_mark(self, message: Message, intent: UUID) -> WriteResult[Message]:
        """Mark a message as read at the portal, or on this machine where the portal refuses."""

    def fetch_content(self, attachment: Attachment) -> bytes:
        """Return the bytes of an attachment, fetched where they did not come inline.

        Raises: NotFound, BadResponse.
        """


class Prescriptions(Protocol):
    """The patient's prescriptions and the requests to renew them."""

    def fetch_prescriptions(self) -> list[Prescription]:
        """Fetch the newest prescription of each chain, also expired ones; sorted by name.

        What the portal sends besides is among them: `Prescription.is_prescribed` tells.
        """

    def fetch_named(self, ids: Sequence[str]) -> dict[str, Prescription | GpcliError]:
        """Fetch prescriptions by their ids, whatever their status, or for each why there is none.

        That is NotFound; BadResponse for one that can't be read; the portal's refusal.
        """

    def fetch_renewals(self) -> list[Renewal]:
        """Fetch the requests to renew, newest first."""

    def fetch_renewal(self, renewal: str) -> Renewal:
        """Fetch one request to renew.

        Raises: NotFound.
        """

    def fetch_renewal_facts(self) -> RenewalFacts:
        """Fetch what renewing is decided on, in one round trip."""

    def send_renewals(
        self, prescriptions: Sequence[Prescription], note: str | None, intent: UUID
    ) -> list[RenewalOutcome]:
        """Request the renewal of each prescription, all together; return the outcomes in order.

        The intent of each request is `uuid5(intent, id of the prescription)`. Where a request is
        refused because another run made one meanwhile, the outcome is that request, unchanged.
        """

    def send_withdrawal(self, renewal: str, intent: UUID) -> WriteResult[Renewal]:
        """Withdraw a request to renew.

        Raises: AlreadyAnswered, Conflict, OutcomeUnknown.
        """


class Portal(Protocol):
    """A GP portal on behalf of one patient.

    Every method may raise any GpcliError of network, sign-in or refusal; each docstring names
    what else it raises.
    """

    @property
    def mailbox(self) -> Mailbox:
        """The messages to and from the surgery."""

    @property
    def prescriptions(self) -> Prescriptions:
        """The prescriptions and their renewal."""

    @property
    def flaws(self) -> Sequence[str]:
        """One phrase for each record so far that was left out because it could not be read."""

    @property
    def has_all_appointments(self) -> bool:
        """Whether all appointments came that were asked for so far, and could be read."""

    @property
    def remarks(self) -> Sequence[str]:
        """Sentences on what the portal did besides what was asked for, for the person to know."""

    def fetch_parties(self) -> Parties:
        """Return the patient and who acts for them; the portal is asked at most once."""

    def fetch_surgeries(self) -> tuple[Surgery, ...]:
        """Fetch the patient's GPs: none, one or two. Needs only basic consent."""

    def fetch_patient(self) -> Person:
        """Fetch the patient's own record. Needs only basic consent."""

    def fetch_phones(self) -> tuple[str, ...]:
        """Return the patient's telephone numbers at the portal, the first to be called first.

        The portal is asked only where it has not sent the patient's record before.
        Raises: NotFound.
        """

    def fetch_offers(self) -> Offers:
        """Fetch the GPs, their services, prices, consent and permissions, in one round trip."""

    def fetch_slots(self, offers: Sequence[Offer], first: date, last: date) -> Iterator[Slot]:
        """Fetch the free slots of `offers` from `first` to `last` (inclusive), in order."""

    def fetch_booking_facts(
        self, *, slot: str | None, intent: UUID | None, threads: bool = False
    ) -> BookingFacts:
        """Fetch what a booking is decided on.

        `slot` is the id of the wanted one, `None` = none yet. `intent` is the one to look for, of
        an earlier try; with `threads`, also for a thread that it started.
        """

    def fetch_cancellation_facts(self, appointment: str) -> CancellationFacts:
        """Fetch what a cancellation is decided on."""

    def fetch_appointments(self, since: date | None) -> list[Appointment]:
        """Fetch bookings and enquiries by time, undated enquiries first.

        `since` is the first day; `None` = all.
        """

    def fetched_day_ahead(self) -> AbstractContextManager[None]:
        """Fetch in one round trip what the other methods return of a day.

        That is what `fetch_offers`, `fetch_appointments` from today on,
        `mailbox.fetch_conversations` and `prescriptions.fetch_prescriptions` return in its body,
        without asking the portal; and what `fetched_changes_ahead` is for.
        """

    def fetched_changes_ahead(self, *, offers: bool = False) -> AbstractContextManager[None]:
        """Fetch in one round trip what the other methods return of what can change at the surgery.

        That is what `fetch_appointments` from today on, `mailbox.fetch_conversations` and
        `prescriptions.fetch_renewals` return in its body, without asking the portal; with `offers`
        also `fetch_offers`.
        """

    def fetch_appointment(self, appointment: str) -> Appointment:
        """Fetch one booking or enquiry.

        Raises: NotFound.
        """

    def fetch_version(self, appointment: str, version: int) -> Appointment | None:
        """Fetch an appointment as it was; `None` = the portal does not keep or show that."""

    def fetch_vaccinations(self) -> tuple[Vaccination, ...] | None:
        """Fetch the influenza vaccinations on record, newest first; `None` = they aren't shown."""

    def send_booking(
        self, slot: Slot, offer: Offer, reason: str | None, intent: UUID
    ) -> WriteResult[Appointment]:
        """Book a slot and read the booking back.

        Raises: SlotTaken, OutcomeUnknown.
        """

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
        """Ask the surgery for an appointment within `windows`, through `channel`.

        Raises: OutcomeUnknown.
        """

    def expect_cancellation(self, appointment: str, intent: UUID, after: UUID) -> None:
        """Note, should this run die, that this cancellation is to follow the write `after`.

        The two count only together. `drop_cancellation` takes it back, if it comes to nothing.
        """

    def drop_cancellation(self, intent: UUID, *, alone: bool) -> None:
        """Note that a cancellation that was expected is not sent.

        `alone`: the write before it counts without it.
        """

    def forget_cancellation(self, intent: UUID) -> None:
        """Record that the write before a cancellation that was not sent counts without it.

        Where there was none, nothing is recorded.
        """

    def send_cancellation(self, appointment: str, intent: UUID) -> WriteResult[Appointment]:
        """Cancel an appointment.

        Raises: TooLate, Conflict, OutcomeUnknown.
        """

    def fetch_consent_state(self) -> ConsentState:
        """Fetch the consents that count now, and what level they give."""

    def send_consent_grant(self, intent: UUID) -> WriteResult[Consent]:
        """Grant consent to Full Access."""

    def send_consent_withdrawal(self, consent: Consent, intent: UUID) -> WriteResult[Consent]:
        """Withdraw one consent."""
