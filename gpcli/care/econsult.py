"""E-consultations: in writing, by phone or by video; withdrawing one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from gpcli.care.appointments import (
    ChoicePrompt,
    build_cancellation,
    check_cancellable,
    choose_appointment,
    late_cancellation_charge,
    no_such_appointment,
)
from gpcli.care.coming_visits import find_coming
from gpcli.care.confirmation import Decision, Outcome, PlanRows, Proposal
from gpcli.care.message import (
    MessageContext,
    NewThread,
    ThreadAction,
    build_new_thread,
    check_half_started,
    check_limits,
    draft_rows,
    has_subject,
    price_rows,
    resolve_repeated_thread,
    smallest_text_limit,
)
from gpcli.care.offers import choose_one, filter_by_gp, is_at_gp, require_service
from gpcli.care.portal_protocol import Portal
from gpcli.care.revalidate import build_offer_check
from gpcli.care.service_request import (
    ServiceRequest,
    check_not_undone,
    party_rows,
    preview_appointment,
    require_offer,
)
from gpcli.care.slots import SlotSearch
from gpcli.errors import (
    AlreadyBooked,
    GpcliError,
    InvalidUsage,
    NotFound,
    NotOffered,
    NotPermitted,
    request_id_conflict,
)
from gpcli.model.appointment import Appointment, Window
from gpcli.model.receipt import BookingFacts
from gpcli.model.service import Channel, Charge, Offers, Service, ServiceName
from gpcli.model.thread import Conversation, Thread, ThreadKind

TEXT: Channel = "text"
PHONE: Channel = "phone"
VIDEO: Channel = "video"
CHANNEL_LABELS: dict[Channel, str] = {TEXT: "in writing", PHONE: "by phone", VIDEO: "by video"}
"""The channels of an e-consultation in words, by the codes of `urn:gpcli:channel`."""

CHANNEL_MEANINGS: dict[Channel, str] = {
    TEXT: "in writing: you write now, and the answer is in gpcli messages",
    PHONE: "by phone: you ask the surgery for a time for a call",
    VIDEO: "by video: you ask the surgery for a time and a link",
}
"""What a person chooses with each channel."""

_RECENT = timedelta(days=1)
"""How long a thread with the same subject counts as the same e-consultation."""

_SERVICE = ServiceName.E_CONSULTATION
_KIND = ThreadKind.E_CONSULTATION


def parse_channel(word: str) -> Channel:
    """Return the channel that `--via` names; `audio` is `phone`.

    Raises: InvalidUsage, naming the known ones.
    """
    wanted = {"audio": "phone"}.get(word.strip().lower(), word.strip().lower())
    for channel in CHANNEL_LABELS:
        if channel == wanted:
            return channel
    raise InvalidUsage(
        f"--via '{word}' is not a way to consult the GP.",
        hint=f"The words are {', '.join(CHANNEL_LABELS)}.",
    )


def group_by_channel(
    offers: Offers, gp: str | None, now: datetime
) -> dict[Channel, tuple[Service, ...]]:
    """Return the e-consultations of the patient's GPs, or the one named `gp`, by their channels.

    A GP who lists no channels is taken to accept all of them; a channel that none takes is left
    out.
    Raises: NotOffered (also if the GPs take none that gpcli knows), OffForNow, ConsentNeeded or
    NotPermitted.
    """
    services = require_service(filter_by_gp(offers, gp), _SERVICE, now)
    grouped = {
        channel: tuple(each for each in services if _has_channel(each, channel))
        for channel in CHANNEL_LABELS
    }
    if not any(grouped.values()):
        _require_channel(offers, gp, TEXT, now)
    return {channel: those for channel, those in grouped.items() if those}


def find_text_limit(offers: Offers, gp: str | None, channel: Channel, now: datetime) -> int | None:
    """Return how many characters every GP (or the one named `gp`) takes by `channel`.

    `None` = not said.
    Raises: NotOffered, OffForNow, ConsentNeeded or NotPermitted.
    """
    return smallest_text_limit(_require_channel(offers, gp, channel, now))


def propose_written_consultation(
    context: MessageContext, new_thread: NewThread, request: ServiceRequest
) -> Decision[Conversation]:
    """Propose to start an e-consultation in writing.

    Raises: NotOffered (also if the GP takes other channels only), OffForNow, ConsentNeeded or
    NotPermitted; InvalidUsage beyond the surgery's limits; Conflict if the request id was used for
    something else, or for another channel; AlreadyBooked if one with the same subject was started
    within the last day and is open; InputNeeded if several GPs may be meant.
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
    action = ThreadAction(_KIND, "Start an e-consultation in writing", _build_charge(service))
    return build_new_thread(context, service, new_thread, request, action)


def propose_timed_consultation(
    context: MessageContext,
    new_thread: NewThread,
    request: ServiceRequest,
    channel: Channel,
    search: SlotSearch,
) -> Decision[Appointment]:
    """Propose to ask for an e-consultation by phone or video within the windows of `search`.

    Raises: as `propose_written_consultation`, and AlreadyBooked if one is under way at the same GP.
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
    return _build_timed(context, service, new_thread, request, channel, search.require_windows())


def _build_timed(
    context: MessageContext,
    service: Service,
    new_thread: NewThread,
    request: ServiceRequest,
    channel: Channel,
    windows: Sequence[Window],
) -> Proposal[Appointment]:
    portal, offer = context.portal, require_offer(service)
    draft, reason = new_thread.draft, _reason_text(new_thread)
    return Proposal(
        action=f"Ask for an e-consultation {CHANNEL_LABELS[channel]}",
        rows=(
            *party_rows(portal.fetch_parties(), service),
            *(("Wished", window) for window in windows),
            *(_call_rows(context, service) if channel == PHONE else ()),
            ("On e-consultations", service.details),
            ("Subject", new_thread.subject),
            *(draft_rows(draft, shown=context.can_show_text) if draft.text else ()),
            ("Answer", service.answer_time),
            *price_rows(service.price),
        ),
        preview=preview_appointment(
            service,
            request,
            zone=context.zone.key,
            requested=tuple(windows),
            channel=channel,
            reason=reason,
            subject=new_thread.subject,
        ),
        send=lambda: portal.send_enquiry(
            offer, windows, reason, request.intent, channel=channel, subject=new_thread.subject
        ),
        charge=_build_charge(service),
        revalidate=build_offer_check(portal, service, context.clock),
        content=(("Surgery", offer.id), ("Way", channel), ("Message", reason)),
    )


def _call_rows(context: MessageContext, service: Service) -> PlanRows:
    """Return the plan's rows on the call: the number that the portal has.

    Who calls whom is only in the surgery's own words; where there are none, that is said.
    """
    has_words = service.details or service.answer_time
    return (
        ("Phone", _format_phones(context.portal.fetch_phones(), shown=context.can_show_text)),
        ("Who calls", None if has_words else "the portal does not say"),
    )


def _format_phones(phones: Sequence[str], *, shown: bool) -> str:
    """Return the first of the patient's numbers, unless not `shown`, and how many more there are.

    It says that they are the portal's: on which of them the surgery calls, nobody has told.
    """
    if not phones:
        return "the portal gives none: write it in the message"
    if not shown:
        return f"the portal has {'one' if len(phones) == 1 else len(phones)}"
    others = f" (and {len(phones) - 1} more)" if len(phones) > 1 else ""
    return f"{phones[0]}{others}, as the portal has it"


def _choose_gp(
    context: MessageContext, offers: Offers, channel: Channel, gp: str | None
) -> Service:
    services = _require_channel(offers, gp, channel, context.clock())
    return choose_one(services, _SERVICE, context.asker)


def _require_channel(
    offers: Offers, gp: str | None, channel: Channel, now: datetime
) -> list[Service]:
    services = require_service(filter_by_gp(offers, gp), _SERVICE, now)
    fitting = [service for service in services if _has_channel(service, channel)]
    if fitting:
        return fitting
    channels = _list_channels(services)
    labels = " and ".join(service.surgery.label for service in services)
    take = "takes" if len(services) == 1 else "take"
    others = " or ".join(CHANNEL_LABELS[other] for other in channels)
    raise NotOffered(
        f"{labels} {take} e-consultations {others or 'in ways that gpcli does not know'}, "
        f"not {CHANNEL_LABELS[channel]}.",
        hint=f"gpcli econsult start --via {channels[0]}" if channels else "gpcli services",
    )


def _list_channels(services: Sequence[Service]) -> tuple[Channel, ...]:
    return tuple(
        channel
        for channel in CHANNEL_LABELS
        if any(_has_channel(service, channel) for service in services)
    )


def _has_channel(service: Service, channel: Channel) -> bool:
    return not service.channels or channel in service.channels


def _build_charge(service: Service) -> Charge:
    return Charge("An e-consultation", service.price)


def _check_none_under_way(coming: Sequence[Appointment], service: Service, now: datetime) -> None:
    under_way = find_coming(coming, service, now)
    if under_way:
        raise AlreadyBooked(
            f"There is already an e-consultation under way: {under_way.id}.",
            hint=f"gpcli appointments show {under_way.id}; to ask for one more, add --another.",
        )


def _check_no_recent_thread(
    under_way: Sequence[Thread], service: Service, new_thread: NewThread, now: datetime
) -> None:
    for thread in under_way:
        same_gp = thread.surgery_id in {None, service.surgery.id}
        is_recent = thread.started is None or now - thread.started < _RECENT
        if same_gp and is_recent and has_subject(thread, new_thread.subject):
            begun = "is open" if thread.started is None else "was started within the last day"
            raise AlreadyBooked(
                f"An e-consultation with the same subject {begun}: {thread.id}.",
                hint=f"gpcli messages reply {thread.id} adds to it; for one more, add --another.",
            )


def _resolve_repeat(
    earlier: Appointment,
    facts: BookingFacts,
    new_thread: NewThread,
    request: ServiceRequest,
    channel: Channel,
) -> Outcome[Appointment]:
    """Return the Outcome of a request that was sent before.

    Raises: Conflict if it asked for something else, or has been undone since.
    """
    at_gp = is_at_gp(earlier.surgery_id, facts.offers.surgeries, request.gp)
    same_subject = earlier.subject in {None, new_thread.subject}
    same_text = same_subject and (earlier.reason or "").strip() == _reason_text(new_thread)
    if at_gp and same_text and (earlier.service, earlier.channel) == (_SERVICE, channel):
        check_not_undone(earlier)
        return Outcome(earlier, changed=False)
    raise request_id_conflict(str(earlier.id))


def _reason_text(new_thread: NewThread) -> str:
    """Return the message, or the subject where there is no message."""
    return new_thread.draft.text or new_thread.subject


def propose_econsult_withdrawal(
    portal: Portal, appointment_id: str, intent: UUID, clock: Callable[[], datetime]
) -> Decision[Appointment]:
    """Propose to withdraw an e-consultation by phone or video, whatever the GP offers now.

    Raises: NotFound; TooLate if it has begun; InvalidUsage for one in writing, and for an
    appointment that is no e-consultation.
    """
    now = clock()
    facts = portal.fetch_cancellation_facts(appointment_id)
    appointment = facts.appointment
    if appointment is None:
        raise _missing_error(portal, appointment_id)
    if not _is_econsultation(appointment):
        raise InvalidUsage(
            f"{appointment.id} is not an e-consultation.", hint=f"gpcli cancel {appointment.id}"
        )
    if (outcome := check_cancellable(appointment, now)) is not None:
        return outcome

    def decide_again() -> Decision[Appointment]:
        return propose_econsult_withdrawal(portal, appointment_id, intent, clock)

    charge = late_cancellation_charge(appointment, facts.offers, now)
    action = "Withdraw this e-consultation"
    return build_cancellation(
        portal, appointment, intent, action=action, charge=charge, decide_again=decide_again
    )


def find_written(portal: Portal, identity: str) -> Thread | None:
    """Return the e-consultation in writing with this id; `None` where there is none."""
    try:
        thread = portal.mailbox.fetch_conversation(identity).thread
    except (NotFound, NotPermitted):  # the latter: at a portal that shows no threads
        return None
    return thread if thread.kind == ThreadKind.E_CONSULTATION else None


def _missing_error(portal: Portal, identity: str) -> GpcliError:
    """Return the error for an id that is no appointment; it may be a thread's."""
    thread = find_written(portal, identity)
    if thread is None:
        return no_such_appointment(identity)
    return InvalidUsage(
        "An e-consultation in writing can't be withdrawn.",
        hint=f"Tell the surgery: gpcli messages reply {thread.id}",
    )


def _is_econsultation(appointment: Appointment) -> bool:
    return appointment.service == ServiceName.E_CONSULTATION


TO_WITHDRAW = ChoicePrompt(
    lambda appointment, now: True,
    "Which e-consultation?",
    "There is none to choose from.",
    is_kind=_is_econsultation,
)

choose_to_withdraw = partial(choose_appointment, prompt=TO_WITHDRAW)
"""Choose one of the e-consultations under way, as `choose_appointment`."""
