"""E-consultations with the GP: in writing, by phone or video; joining and withdrawing one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from gpcli.care.appointments import ChoicePrompt, build_cancellation, late_cancellation_charge, no_such_appointment, choose_appointment, check_cancellable
from gpcli.care.confirmation import Charge, Decision, Outcome, Proposal
from gpcli.care.message import (
    MessageContext,
    NewThread,
    ThreadAction,
    check_half_started,
    check_limits,
    draft_rows,
    smallest_text_limit,
    has_subject,
    price_rows,
    resolve_repeated_thread,
    build_new_thread,
)
from gpcli.care.offers import filter_by_gp, find_surgeries, choose_one, require_service
from gpcli.care.portal_protocol import Portal
from gpcli.care.revalidate import build_offer_check
from gpcli.care.service_request import (
    ServiceRequest,
    require_offer,
    preview_appointment,
    check_not_undone,
    request_id_conflict,
    party_rows,
)
from gpcli.care.slots import SlotSearch
from gpcli.errors import AlreadyBooked, GpcliError, InvalidUsage, NotFound, NotOffered, Rejected
from gpcli.model.appointment import Appointment, Window
from gpcli.model.receipt import BookingFacts
from gpcli.model.service import Offers, Service, ServiceName
from gpcli.model.thread import Conversation, Thread, ThreadKind

TEXT = "text"
CHANNEL_LABELS = {TEXT: "in writing", "phone": "by phone", "video": "by video"}
"""The ways of an e-consultation, by the codes of `urn:gpcli:channel`, in words."""

_RECENT = timedelta(days=1)
"""How long one with the same subject is taken for the same."""

_SERVICE = ServiceName.E_CONSULTATION
_KIND = ThreadKind.E_CONSULTATION


def parse_channel(word: str) -> str:
    """The way that `--via` names; `audio` is the phone. Raises Usage naming them all."""
    channel = {"audio": "phone"}.get(word.strip().lower(), word.strip().lower())
    if channel in CHANNEL_LABELS:
        return channel
    raise InvalidUsage(
        f"--via '{word}' is not a way to consult the GP.", hint=f"The words are {', '.join(CHANNEL_LABELS)}."
    )


def find_channels(offers: Offers, gp: str | None, now: datetime) -> tuple[str, ...]:
    """The ways that the patient's GPs take, or the one named `gp`; raises NotOffered and its like.

    A GP who names no ways takes them all, as far as anybody knows.
    """
    services = require_service(filter_by_gp(offers, gp), _SERVICE, now)
    return tuple(channel for channel in CHANNEL_LABELS if any(_has_channel(service, channel) for service in services))


def find_text_limit(offers: Offers, gp: str | None, channel: str, now: datetime) -> int | None:
    """The characters that a GP (the one named `gp`) takes this `way`, `None` = not said.

    Raises NotOffered, or its like, where none does.
    """
    return smallest_text_limit(_require_channel(offers, gp, channel, now))


def propose_written_consultation(
    context: MessageContext, new_thread: NewThread, request: ServiceRequest
) -> Decision[Conversation]:
    """Start an e-consultation in writing.

    Raises NotOffered, also where the GP takes it only in other ways, and its like; Usage beyond
    the surgery's limits; Conflict when the request id was used for something else, or for another
    way; AlreadyBooked when one with the same subject was begun within the last day and is open;
    InputNeeded when several GPs may be meant.
    """
    facts = context.portal.mailbox.fetch_thread_facts(request.lookup, _KIND)
    if facts.appointment:
        raise request_id_conflict(facts.appointment)
    if facts.earlier and not facts.half:
        return resolve_repeated_thread(facts.earlier, facts.offers, new_thread, request, _KIND)
    if facts.earlier:
        check_half_started(facts.earlier, facts.offers, new_thread, request, _KIND)
    service = _choose_gp(context, facts.offers, TEXT, request.gp)
    if not (request.another or facts.earlier):
        _check_no_recent_thread(facts.under_way, service, new_thread, context.clock())
    action = ThreadAction(_KIND, "Start an e-consultation in writing", _charge(service))
    return build_new_thread(context, service, new_thread, request, action)


def propose_timed_consultation(
    context: MessageContext, new_thread: NewThread, request: ServiceRequest, channel: str, search: SlotSearch
) -> Decision[Appointment]:
    """Ask for an e-consultation by phone or video within the times of `search`.

    Raises as `in_writing` does, and AlreadyBooked when one is under way at the same GP.
    """
    facts = context.portal.fetch_booking_facts(slot=None, intent=request.lookup, threads=True)
    if facts.thread:
        raise request_id_conflict(f"thread {facts.thread}")
    if facts.earlier:
        return _resolve_repeat(facts.earlier, facts, new_thread, request, channel)
    service = _choose_gp(context, facts.offers, channel, request.gp)
    if not request.another:
        _check_none_under_way(facts.coming, service, search.now)
    check_limits(new_thread.draft, require_offer(service).limits)
    return _build_timed(context, service, new_thread, request, channel, _wished(search))


def _build_timed(
    context: MessageContext,
    service: Service,
    new_thread: NewThread,
    request: ServiceRequest,
    channel: str,
    wished: Sequence[Window],
) -> Proposal[Appointment]:
    portal, offer, reason = context.portal, require_offer(service), _reason_text(new_thread)
    return Proposal(
        action=f"Ask for an e-consultation {CHANNEL_LABELS[channel]}",
        rows=(
            *party_rows(portal.fetch_parties(), service),
            *(("Wished", window) for window in wished),
            ("Subject", new_thread.subject),
            *(draft_rows(new_thread.draft, shown=context.shows_words) if new_thread.draft.text else ()),
            ("Answer", service.answer_time),
            *price_rows(service.price),
        ),
        preview=preview_appointment(
            service,
            request,
            zone=context.zone.key,
            requested=tuple(wished),
            channel=channel,
            reason=reason,
            subject=new_thread.subject,
        ),
        send=lambda: portal.send_enquiry(
            offer, wished, reason, request.intent, channel=channel, subject=new_thread.subject
        ),
        charge=_charge(service),
        revalidate=build_offer_check(portal, service, context.clock),
    )


def _choose_gp(context: MessageContext, offers: Offers, channel: str, gp: str | None) -> Service:
    return choose_one(_require_channel(offers, gp, channel, context.clock()), _SERVICE, context.asker)


def _require_channel(offers: Offers, gp: str | None, channel: str, now: datetime) -> list[Service]:
    services = require_service(filter_by_gp(offers, gp), _SERVICE, now)
    fitting = [service for service in services if _has_channel(service, channel)]
    if fitting:
        return fitting
    taken = [channel_taken for channel_taken in CHANNEL_LABELS if any(_has_channel(service, channel_taken) for service in services)]
    labels = " and ".join(service.surgery.label for service in services)
    take = "takes" if len(services) == 1 else "take"
    others = " or ".join(CHANNEL_LABELS[channel_taken] for channel_taken in taken) or "in ways that gpcli does not know"
    raise NotOffered(
        f"{labels} {take} e-consultations {others}, not {CHANNEL_LABELS[channel]}.",
        hint=f"gpcli econsult start --via {taken[0]}" if taken else "gpcli services",
    )


def _has_channel(service: Service, channel: str) -> bool:
    return not service.channels or channel in service.channels


def _charge(service: Service) -> Charge:
    return Charge("An e-consultation", service.price)


def _wished(search: SlotSearch) -> list[Window]:
    wished = search.filters.coming_windows(search.zone, search.now)
    if not wished:
        raise InvalidUsage("All of the wished time is past.", hint="Give a later --from or --to.")
    return wished


def _check_none_under_way(coming: Sequence[Appointment], service: Service, now: datetime) -> None:
    for appointment in coming:
        same_gp = appointment.surgery_id in {None, service.surgery.id}
        to_come = not appointment.over and (appointment.start is None or appointment.start > now)
        if appointment.service == _SERVICE and same_gp and to_come:
            raise AlreadyBooked(
                f"There is already an e-consultation under way: {appointment.id}.",
                hint=f"gpcli appointments show {appointment.id}; to ask for one more, add --another.",
            )


def _check_no_recent_thread(
    under_way: Sequence[Thread], service: Service, new_thread: NewThread, now: datetime
) -> None:
    for thread in under_way:
        same_gp = thread.surgery_id in {None, service.surgery.id}
        is_recent = thread.started is None or now - thread.started < _RECENT
        if same_gp and is_recent and has_subject(thread, new_thread.subject):
            raise AlreadyBooked(
                "An e-consultation with the same subject was started within the last day: "
                f"{thread.id}.",
                hint=f"gpcli messages reply {thread.id} adds to it; for one more, add --another.",
            )


def _resolve_repeat(
    earlier: Appointment, facts: BookingFacts, new_thread: NewThread, request: ServiceRequest, channel: str
) -> Outcome[Appointment]:
    ids = {one.id for one in find_surgeries(facts.offers.surgeries, request.gp)}
    appointment = request.gp is None or earlier.surgery_id in {None, *ids}
    same_subject = earlier.subject in {None, new_thread.subject}
    same_words = same_subject and (earlier.reason or "").strip() == _reason_text(new_thread)
    if appointment and same_words and (earlier.service, earlier.channel) == (_SERVICE, channel):
        check_not_undone(earlier)
        return Outcome(earlier, changed=False)
    raise request_id_conflict(str(earlier.id))


def _reason_text(new_thread: NewThread) -> str:
    """What stands with the request for a time: the message, or the subject for want of one."""
    return new_thread.draft.text or new_thread.subject


VIDEO = "video"


def fetch_join_link(portal: Portal, appointment_id: str) -> tuple[Appointment, str]:
    """A video consultation, and the link to it as the portal writes it.

    Raises NotFound; Rejected while the surgery has not confirmed it or given no link, when it is
    over, and when it is no video consultation.
    """
    appointment = portal.fetch_appointment(appointment_id)
    hint = f"gpcli appointments show {appointment.id}"
    if appointment.over:
        how = "cancelled" if appointment.status == "cancelled" else "over"
        raise Rejected(f"{appointment.id} is {how}.", hint=hint)
    if appointment.channel not in {VIDEO, None}:
        raise Rejected(f"{appointment.id} is not by video but {appointment.channel}.", hint=hint)
    if appointment.waiting:
        raise Rejected(f"The surgery has not confirmed {appointment.id} yet.", hint=hint)
    if appointment.join_url is None:
        raise Rejected(f"The surgery has given no link to {appointment.id} yet.", hint=hint)
    return appointment, appointment.join_url


def propose_econsult_withdrawal(
    portal: Portal, appointment_id: str, intent: UUID, clock: Callable[[], datetime]
) -> Decision[Appointment]:
    """Withdraw an e-consultation by phone or video, whatever the GP offers now.

    Raises NotFound; TooLate when it has begun; Usage for one in writing, and for an appointment
    that is no e-consultation.
    """
    now = clock()
    facts = portal.fetch_cancellation_facts(appointment_id)
    appointment = facts.appointment
    if appointment is None:
        raise _missing_error(portal, appointment_id)
    if not _is_econsultation(appointment):
        raise InvalidUsage(f"{appointment.id} is not an e-consultation.", hint=f"gpcli cancel {appointment.id}")
    if (outcome := check_cancellable(appointment, now)) is not None:
        return outcome

    def decide_again() -> Decision[Appointment]:
        return propose_econsult_withdrawal(portal, appointment_id, intent, clock)

    charge = late_cancellation_charge(appointment, facts.offers, now)
    action = "Withdraw this e-consultation"
    return build_cancellation(portal, appointment, intent, action=action, charge=charge, decide_again=decide_again)


def _missing_error(portal: Portal, identity: str) -> GpcliError:
    """What is wrong with an id that is no appointment: it may be a thread's."""
    try:
        thread = portal.mailbox.fetch_conversation(identity).thread
    except NotFound:
        return no_such_appointment(identity)
    if thread.kind != ThreadKind.E_CONSULTATION:
        return no_such_appointment(identity)
    return InvalidUsage(
        "An e-consultation in writing can't be withdrawn.",
        hint=f"Tell the surgery: gpcli messages reply {thread.id}",
    )


def _can_join(appointment: Appointment, now: datetime) -> bool:
    """Whether the surgery has confirmed it and given its link, and it has not ended."""
    return appointment.join_url is not None and not appointment.waiting and (appointment.end is None or appointment.end > now)


def _is_econsultation(appointment: Appointment) -> bool:
    return appointment.service == ServiceName.E_CONSULTATION


choose_to_join = partial(
    choose_appointment,
    prompt=ChoicePrompt(_can_join, "Which e-consultation?", "There is none to choose from."),
)
"""`appointments.pick` among video consultations that can be joined."""

choose_to_withdraw = partial(
    choose_appointment,
    prompt=ChoicePrompt(
        lambda appointment, now: _is_econsultation(appointment),
        "Which e-consultation?",
        "There is none to choose from.",
    ),
)
"""`appointments.pick` among e-consultations under way."""
