"""The portal as care sees it: one method per question or errand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Protocol
from uuid import UUID

from gpcli.model.appointment import Appointment, Slot, Vaccination, Window
from gpcli.model.desk import BookingDesk, CancellingDesk, Written
from gpcli.model.person import Parties, Person
from gpcli.model.service import Consent, Offer, Offers
from gpcli.model.surgery import Surgery


class Portal(Protocol):
    """A GP portal on behalf of one patient. Every method may raise any GpcliError of network,
    sign-in or refusal; what else each raises stands with it.
    """

    @property
    def parties(self) -> Parties:
        """Whom this is about and who acts."""

    @property
    def flaws(self) -> Sequence[str]:
        """Records that could not be read and were left out so far, one phrase each."""

    def surgeries(self) -> tuple[Surgery, ...]:
        """The patient's GPs: none, one or two. Needs only basic consent."""

    def patient(self) -> Person:
        """The patient's own record. Needs only basic consent."""

    def offers(self) -> Offers:
        """The GPs, their services, prices, consent and permissions, in one round trip."""

    def slots(self, offers: Sequence[Offer], first: date, last: date) -> Iterator[Slot]:
        """Free times of the given services from `first` to `last` inclusive, in order."""

    def booking_desk(self, *, slot: str | None, intent: UUID | None) -> BookingDesk:
        """What to know before booking."""

    def cancelling_desk(self, appointment: str) -> CancellingDesk:
        """What to know before cancelling."""

    def appointments(self, since: date | None) -> list[Appointment]:
        """Bookings and enquiries in order of time, undated enquiries first."""

    def appointment(self, appointment: str) -> Appointment:
        """One booking or enquiry; raises NotFound."""

    def vaccinations(self) -> tuple[Vaccination, ...]:
        """Influenza vaccinations on record, newest first."""

    def book(
        self, slot: Slot, offer: Offer, reason: str | None, intent: UUID
    ) -> Written[Appointment]:
        """Book a time and read it back; raises SlotTaken, OutcomeUnknown."""

    def enquire(
        self, offer: Offer, wished: Sequence[Window], reason: str | None, intent: UUID
    ) -> Written[Appointment]:
        """Ask the surgery for a time; raises OutcomeUnknown."""

    def cancel(self, appointment: str, intent: UUID) -> Written[Appointment]:
        """Cancel; raises TooLate, Conflict, OutcomeUnknown."""

    def consents(self) -> tuple[Consent, ...]:
        """Active consents."""

    def grant_consent(self, intent: UUID) -> Written[Consent]:
        """Consent to Full Access."""

    def withdraw_consent(self, consent: Consent, intent: UUID) -> Written[Consent]:
        """End one consent."""
