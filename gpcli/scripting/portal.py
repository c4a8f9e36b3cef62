"""The portal on behalf of one patient, as a script sees it: what it reads, and plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

from gpcli.care import (
    appointments,
    booking,
    consent,
    econsult,
    inbox,
    move,
    prescription_list,
    renewals,
)
from gpcli.care.confirmation import Decision
from gpcli.care.message import (
    NOT_IN_PERSON,
    RECEPTION,
    MessageContext,
    NewThread,
    check_files,
    propose_contact,
)
from gpcli.care.move import Move
from gpcli.care.read_status import ReadMarkResult, fetch_conversations, propose_read_marks
from gpcli.care.renewal_request import RenewalContext, RenewalPlan, RenewalRequest
from gpcli.care.service_request import BookingChoice, BookingContext, ServiceRequest
from gpcli.care.slots import SlotSearch
from gpcli.care.written_text import parse_message_text, parse_subject
from gpcli.model.appointment import Appointment, Slot
from gpcli.model.prescription import Prescription, Renewal, RenewalReceipt
from gpcli.model.receipt import AppointmentReceipt, ConsentReceipt, MoveReceipt
from gpcli.model.service import Consent, ServiceName
from gpcli.model.thread import (
    AttachedFile,
    Conversation,
    Draft,
    Message,
    MessageReceipt,
    Thread,
    ThreadReceipt,
)
from gpcli.scripting.calls import public
from gpcli.scripting.errands import (
    Errand,
    Result_co,
    build_appointment_errand,
    build_consent_errand,
    build_move_errand,
    build_read_mark_errand,
    build_renewal_errand,
    build_reply_errand,
    build_thread_errand,
    build_withdrawal_errand,
    find_record,
)
from gpcli.scripting.plan import Plan
from gpcli.scripting.reads import ANY_TIME, PatientReads, read_id
from gpcli.scripting.time_filter import TimeFilter

USUAL_NOTICE = timedelta(hours=2)
"""How soon a time may start that a plan takes by itself, unless a TimeFilter says otherwise."""


class PatientPortal(PatientReads):
    """A portal on behalf of one patient, as `gpcli.connect()` gives it.

    A method that begins with `fetch_` reads, one with `plan_` makes a Plan, and only `Plan.send`
    sends. Where the command line takes an id, the record that has it does too. `gp` names one of
    several GPs. `request_id` names an errand: a later plan with the same one finds what this one
    has done. Several threads may use it: their calls take turns. Each call has the whole time
    limit. It raises a GpcliError where it can't do what it is for, TypeError for an argument of the
    wrong type.
    """

    @public
    def plan_booking(
        self,
        slot: Slot | str | TimeFilter,
        *,
        reason: str | None = None,
        another: bool = False,
        gp: str | None = None,
        request_id: str | None = None,
    ) -> Plan[AppointmentReceipt]:
        """Plan to book a slot, or the first free one that passes a TimeFilter.

        With `another` the first is taken even beside a coming booking.
        """
        return self._plan_slot(ServiceName.BOOKING, slot, reason, another, gp, request_id)

    @public
    def plan_flu_vaccination(
        self,
        slot: Slot | str | TimeFilter,
        *,
        reason: str | None = None,
        another: bool = False,
        gp: str | None = None,
        request_id: str | None = None,
    ) -> Plan[AppointmentReceipt]:
        """Plan to book a time for flu vaccination, as `plan_booking`."""
        return self._plan_slot(ServiceName.FLU_VACCINATION, slot, reason, another, gp, request_id)

    def _plan_slot(
        self,
        service: ServiceName,
        wanted: Slot | str | TimeFilter,
        reason: str | None,
        another: bool,
        gp: str | None,
        request_id: str | None,
    ) -> Plan[AppointmentReceipt]:
        slot_id = None if isinstance(wanted, TimeFilter) else read_id(wanted)
        times = wanted if isinstance(wanted, TimeFilter) else ANY_TIME

        def propose(intent: UUID, repeated: bool) -> Decision[Appointment]:
            nonlocal slot_id
            request = ServiceRequest(service, intent, repeated, reason, gp, another)
            choice = BookingChoice(slot_id, first=slot_id is None)
            search = self._build_search(times, USUAL_NOTICE)
            decision = booking.propose_booking(self._booking_context(search), request, choice)
            slot_id = slot_id or find_record(decision).slot_id  # once found, it stays
            return decision

        command = "book" if service is ServiceName.BOOKING else "flu"
        return self._plan(build_appointment_errand(command, propose), request_id)

    @public
    def plan_move(
        self,
        appointment: Appointment | str,
        slot: Slot | str | TimeFilter,
        *,
        reason: str | None = None,
        another: bool = False,
        gp: str | None = None,
        request_id: str | None = None,
    ) -> Plan[MoveReceipt]:
        """Plan to book a slot, as `plan_booking`, and then to cancel what it replaces.

        That stays where the surgery has still to confirm the new time: a later plan with the same
        `request_id` cancels it then. Its reason stays, unless another is given.
        """
        old = read_id(appointment)
        slot_id = None if isinstance(slot, TimeFilter) else read_id(slot)
        times, clock = slot if isinstance(slot, TimeFilter) else ANY_TIME, self._session.context.now

        def propose(intent: UUID, repeated: bool) -> Decision[Move]:
            nonlocal slot_id
            service = ServiceName.BOOKING
            request = ServiceRequest(service, intent, repeated, reason, gp, another)
            choice = BookingChoice(slot_id, first=slot_id is None)
            context = self._booking_context(self._build_search(times, USUAL_NOTICE))
            decision = move.propose_move(context, request, choice, old, clock)
            slot_id = slot_id or find_record(decision).slot_id  # once found, it stays
            return decision

        return self._plan(build_move_errand(propose), request_id)

    @public
    def plan_enquiry(
        self,
        times: TimeFilter = ANY_TIME,
        *,
        reason: str | None = None,
        another: bool = False,
        gp: str | None = None,
        request_id: str | None = None,
    ) -> Plan[AppointmentReceipt]:
        """Plan to ask the surgery for a time within `times`; `another` even beside an enquiry."""

        def propose(intent: UUID, repeated: bool) -> Decision[Appointment]:
            request = ServiceRequest(ServiceName.BOOKING, intent, repeated, reason, gp, another)
            context = self._booking_context(self._build_search(times))
            return booking.propose_booking(context, request, BookingChoice(enquiry=True))

        return self._plan(build_appointment_errand("book", propose), request_id)

    @public
    def plan_cancellation(
        self,
        appointment: Appointment | str,
        *,
        gp: str | None = None,
        request_id: str | None = None,
    ) -> Plan[AppointmentReceipt]:
        """Plan to cancel a booking or withdraw an enquiry, which has to be at `gp`."""
        wanted, clock = read_id(appointment), self._session.context.now

        def propose(intent: UUID, repeated: bool) -> Decision[Appointment]:
            return appointments.propose_cancellation(self._portal, wanted, intent, clock, gp=gp)

        return self._plan(build_appointment_errand("cancel", propose), request_id)

    @public
    def plan_econsult(
        self,
        subject: str,
        text: str,
        *,
        attachments: Sequence[AttachedFile] = (),
        another: bool = False,
        gp: str | None = None,
        request_id: str | None = None,
    ) -> Plan[ThreadReceipt]:
        """Plan an e-consultation in writing.

        `another` allows one beside an open one of the same subject.
        """
        written = _build_new_thread(subject, text, attachments)

        def propose(intent: UUID, repeated: bool) -> Decision[Conversation]:
            service = ServiceName.E_CONSULTATION
            request = ServiceRequest(service, intent, repeated, gp=gp, another=another)
            return econsult.propose_written_consultation(self._message_context(), written, request)

        return Plan(
            self._session,
            build_thread_errand("econsult start", propose, self._emergency, NOT_IN_PERSON),
            request_id,
        )

    @public
    def plan_econsult_at(
        self,
        channel: Literal["phone", "video"],
        subject: str,
        text: str = "",
        *,
        times: TimeFilter = ANY_TIME,
        another: bool = False,
        gp: str | None = None,
        request_id: str | None = None,
    ) -> Plan[AppointmentReceipt]:
        """Plan to ask for an e-consultation by phone or video within `times`.

        `another` allows one beside one that is under way.
        """
        written = _build_new_thread(subject, text)

        def propose(intent: UUID, repeated: bool) -> Decision[Appointment]:
            service = ServiceName.E_CONSULTATION
            request = ServiceRequest(service, intent, repeated, gp=gp, another=another)
            return econsult.propose_timed_consultation(
                self._message_context(), written, request, channel, self._build_search(times)
            )

        errand = build_appointment_errand("econsult start", propose, self._emergency)
        return self._plan(errand, request_id)

    @public
    def plan_econsult_withdrawal(
        self, appointment: Appointment | str, *, request_id: str | None = None
    ) -> Plan[AppointmentReceipt]:
        """Plan to withdraw an e-consultation by phone or video."""
        wanted, clock = read_id(appointment), self._session.context.now

        def propose(intent: UUID, repeated: bool) -> Decision[Appointment]:
            return econsult.propose_econsult_withdrawal(self._portal, wanted, intent, clock)

        errand = build_appointment_errand("econsult withdraw", propose)
        return self._plan(errand, request_id)

    @public
    def plan_contact(
        self,
        subject: str,
        text: str,
        *,
        attachments: Sequence[AttachedFile] = (),
        gp: str | None = None,
        request_id: str | None = None,
    ) -> Plan[ThreadReceipt]:
        """Plan to write to the surgery's reception about administrative matters."""
        written = _build_new_thread(subject, text, attachments)

        def propose(intent: UUID, repeated: bool) -> Decision[Conversation]:
            request = ServiceRequest(ServiceName.CONTACT, intent, repeated, gp=gp)
            return propose_contact(self._message_context(), written, request)

        return Plan(
            self._session,
            build_thread_errand("contact", propose, self._emergency, RECEPTION),
            request_id,
        )

    @public
    def plan_reply(
        self,
        thread: Thread | str,
        text: str,
        *,
        attachments: Sequence[AttachedFile] = (),
        request_id: str | None = None,
    ) -> Plan[MessageReceipt]:
        """Plan to write in a thread."""
        wanted, draft = (
            read_id(thread),
            Draft(parse_message_text(text, "text"), check_files(attachments)),
        )

        def propose(intent: UUID, repeated: bool) -> Decision[Message]:
            lookup = intent if repeated else None
            facts = inbox.fetch_reply_facts(self._portal, wanted, lookup)
            return inbox.propose_reply(self._message_context(), facts, draft, intent)

        return self._plan(build_reply_errand(propose), request_id)

    @public
    def plan_read_marks(
        self, threads: Sequence[Thread | Message | str], *, request_id: str | None = None
    ) -> Plan[tuple[MessageReceipt, ...]]:
        """Plan to mark all that is unread in threads, or single messages, as read."""
        wanted = [read_id(each) for each in threads]

        def propose(intent: UUID, repeated: bool) -> Decision[ReadMarkResult]:
            found = fetch_conversations(self._portal.mailbox, wanted)
            return propose_read_marks(self._portal, found, intent)

        return self._plan(build_read_mark_errand(propose), request_id)

    @public
    def plan_renewal(
        self,
        prescriptions: Sequence[Prescription | str] | None = None,
        *,
        low: bool = False,
        note: str | None = None,
        gp: str | None = None,
        request_id: str | None = None,
    ) -> Plan[tuple[RenewalReceipt, ...]]:
        """Plan to ask for the renewal of prescriptions, or with `low` of all that run out.

        What `low` leaves out is in the plan's notices.
        """
        ids = None if prescriptions is None else tuple(map(read_id, prescriptions))
        note = None if note is None else parse_message_text(note, "note")
        context = self._session.context

        def propose(intent: UUID, repeated: bool) -> Decision[RenewalPlan]:
            nonlocal ids, low
            request = RenewalRequest(intent, repeated, ids, low, note, gp)
            renewal = RenewalContext(self._portal, context.now, context.ask, read_id)
            decision = renewals.propose_renewal(renewal, request)
            if low:  # what was selected stays
                ids, low = tuple(item.id for item in find_record(decision).items), False
            return decision

        return Plan(self._session, build_renewal_errand(propose, context.zone.key), request_id)

    @public
    def plan_renewal_withdrawal(
        self, renewal: Renewal | RenewalReceipt | str, *, request_id: str | None = None
    ) -> Plan[RenewalReceipt]:
        """Plan to take back a request that the surgery has not handled."""
        wanted = read_id(renewal)

        def propose(intent: UUID, repeated: bool) -> Decision[Renewal]:
            return prescription_list.propose_renewal_withdrawal(self._portal, wanted, intent)

        return self._plan(build_withdrawal_errand(propose), request_id)

    @public
    def plan_consent_grant(self, *, request_id: str | None = None) -> Plan[ConsentReceipt]:
        """Plan to consent to Full Access."""

        def propose(intent: UUID, repeated: bool) -> Decision[Consent]:
            return consent.propose_consent_grant(self._portal, intent)

        return Plan(self._session, build_consent_errand("consent grant", propose), request_id)

    @public
    def plan_consent_withdrawal(self, *, request_id: str | None = None) -> Plan[ConsentReceipt]:
        """Plan to withdraw consent, which deletes data at the portal.

        It is sent only with `send(confirm="withdraw")`.
        """

        def propose(intent: UUID, repeated: bool) -> Decision[Consent]:
            return consent.propose_consent_withdrawal(self._portal, intent)

        return Plan(self._session, build_consent_errand("consent withdraw", propose), request_id)

    def _plan(self, errand: Errand[Result_co], request_id: str | None) -> Plan[Result_co]:
        return Plan(self._session, errand, request_id)

    @property
    def _emergency(self) -> Mapping[str, str]:
        return self._session.context.profile.emergency

    def _booking_context(self, search: SlotSearch) -> BookingContext:
        return BookingContext(self._portal, search, self._session.context.ask, read_id)

    def _message_context(self) -> MessageContext:
        context = self._session.context
        return MessageContext(self._portal, context.ask, context.now, context.zone)


def _build_new_thread(
    subject: str, text: str, attachments: Sequence[AttachedFile] | None = None
) -> NewThread:
    """Return a new thread; without `attachments` (`None`) its text may be empty."""
    needs_text = attachments is not None or text.strip()
    parsed = parse_message_text(text, "text") if needs_text else ""
    return NewThread(parse_subject(subject), Draft(parsed, check_files(attachments or ())))
