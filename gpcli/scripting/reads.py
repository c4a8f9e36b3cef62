"""What a script reads of the portal."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from gpcli.care import appointments, booking, inbox, prescription_list
from gpcli.care.offers import list_services
from gpcli.care.slots import SlotSearch, fetch_slots
from gpcli.errors import InvalidUsage
from gpcli.model.appointment import Appointment, FluAnswer, Slot
from gpcli.model.person import Parties
from gpcli.model.prescription import Prescription, Renewal
from gpcli.model.service import Consent, Offers, Service, ServiceName, Surgery
from gpcli.model.thread import (
    Attachment,
    Conversation,
    Thread,
    ThreadKind,
)
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.scripting.calls import Session, check_sendable, public
from gpcli.scripting.time_filter import TimeFilter

ANY_TIME = TimeFilter()
"""The next 28 days."""


class PatientReads:
    """The reads of a PatientPortal."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _portal(self) -> FhirPortal:
        return self._session.context.portal

    @property
    def flaws(self) -> tuple[str, ...]:
        """One phrase for each record so far that was left out because it could not be read."""
        with self._session.use():
            return tuple(dict.fromkeys(self._portal.flaws))

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on what the portal did besides what was asked for."""
        with self._session.use():
            return tuple(self._portal.remarks)

    @public
    def fetch_parties(self) -> Parties:
        """Return the patient and who acts for them; the portal is asked at most once."""
        return self._portal.fetch_parties()

    @public
    def fetch_surgeries(self) -> tuple[Surgery, ...]:
        """Fetch the patient's GPs: none, one or two."""
        return self._portal.fetch_surgeries()

    @public
    def fetch_offers(self) -> Offers:
        """Fetch what tells who offers what; `fetch_services` and `fetch_slots` take it."""
        return self._portal.fetch_offers()

    @public
    def fetch_services(self, offers: Offers | None = None) -> tuple[Service, ...]:
        """Return what each GP offers, or why not: one Service for each GP and service.

        `offers` are those that were fetched before; `None` = they are fetched.
        """
        return list_services(offers or self._portal.fetch_offers(), self._session.context.now())

    @public
    def fetch_slots(
        self,
        times: TimeFilter = ANY_TIME,
        *,
        offers: Offers | None = None,
        gp: str | None = None,
        limit: int | None = None,
    ) -> list[Slot]:
        """Fetch the free times of the patient's GPs, in order, at most `limit`.

        `offers` are those that were fetched before; `None` = they are fetched.
        """
        search, name = self._build_search(times), ServiceName.BOOKING
        return [*fetch_slots(self._portal, name, search, gp=gp, limit=limit, offers=offers)]

    @public
    def fetch_flu(
        self, times: TimeFilter = ANY_TIME, *, gp: str | None = None, limit: int = 10
    ) -> FluAnswer:
        """Fetch who may have the flu vaccine, its price, the last one, and free times."""
        ask, search = self._session.context.ask, self._build_search(times)
        return booking.fetch_flu_answer(self._portal, search, gp, ask, limit)

    @public
    def fetch_appointments(
        self, *, past: bool = False, everything: bool = False, waiting: bool = False
    ) -> list[Appointment]:
        """Fetch the appointments to come and the enquiries under way.

        With `past`, those that have begun, newest first; with `everything`, all in order of time.
        `waiting` keeps only those that the surgery has not confirmed.
        """
        now = self._session.context.now()
        return appointments.fetch_appointments(
            self._portal, now, past=past, everything=everything, waiting=waiting
        )

    @public
    def fetch_appointment(self, appointment: Appointment | str) -> Appointment:
        """Fetch one booking or enquiry as it is now."""
        return self._portal.fetch_appointment(read_id(appointment))

    @public
    def fetch_threads(
        self,
        *,
        unread: bool = False,
        kind: Literal["e-consultation", "administrative"] | None = None,
        since: date | None = None,
        correspondent: str | None = None,
        gp: str | None = None,
        limit: int | None = None,
    ) -> list[Thread]:
        """Fetch the threads of messages: those with something unread first, then the newest.

        `since` is the day of the newest message at the earliest, `correspondent` part of a name.
        Left out are those of which the portal does not tell whether they are asked for.
        """
        name = inbox.check_name_filter(correspondent)
        wanted = None if kind is None else ThreadKind(kind)
        filters = inbox.ThreadFilters(unread, wanted, gp, since, name, limit)
        return [*inbox.find_threads(self._portal, filters).threads]

    @public
    def fetch_conversation(self, thread: Thread | str) -> Conversation:
        """Fetch one thread with its messages; it stays unread."""
        return self._portal.mailbox.fetch_conversation(read_id(thread))

    @public
    def fetch_content(self, attachment: Attachment) -> bytes:
        """Return the bytes of an attachment, fetched where they did not come along."""
        return self._portal.mailbox.fetch_content(attachment)

    @public
    def fetch_prescriptions(
        self,
        *,
        low: bool = False,
        everything: bool = False,
        kind: Literal["medicine", "consumable", "nutrition"] | None = None,
        gp: str | None = None,
    ) -> list[Prescription]:
        """Fetch the prescriptions in force; with `everything` also those of the last 12 months.

        `low` keeps those of which little is left.
        """
        now = self._session.context.now()
        found = prescription_list.fetch_prescriptions(
            self._portal, now, everything=everything, low=low, kind=kind, gp=gp
        )
        return [*found.shown]

    @public
    def fetch_prescription(self, prescription: Prescription | str) -> Prescription:
        """Fetch one prescription, or the one that replaced it."""
        return prescription_list.choose_prescription(
            self._portal, read_id(prescription), self._session.context.ask, read_id
        )

    @public
    def fetch_renewals(self) -> list[Renewal]:
        """Fetch the requests to renew, newest first."""
        return self._portal.prescriptions.fetch_renewals()

    @public
    def fetch_consents(self) -> tuple[Consent, ...]:
        """Fetch the consents that count now."""
        return self._portal.fetch_consent_state().consents

    def _build_search(self, times: TimeFilter, notice: timedelta = timedelta()) -> SlotSearch:
        return times.build_search(self._session.context.now(), self._session.context.zone, notice)


def read_id(record: object) -> str:
    """Return the id of a record, or the id that was given instead; raise InvalidUsage without."""
    identity = record if isinstance(record, str) else getattr(record, "id", None)
    if identity and identity.strip():
        return check_sendable("An id", str(identity))
    raise InvalidUsage("An id is empty.", hint="What was not sent has no id yet.")
