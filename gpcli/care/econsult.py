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
    way = {"audio": "phone"}.get(word.strip().lower(), word.strip().lower())
    if way in CHANNEL_LABELS:
        return way
    raise InvalidUsage(
        f"--via '{word}' is not a way to consult the GP.", hint=f"The words are {', '.join(CHANNEL_LABELS)}."
    )


def find_channels(offers: Offers, gp: str | None, now: datetime) -> tuple[str, ...]:
    """The ways that the patient's GPs take, or the one named `gp`; raises NotOffered and its like.

    A GP who names no ways takes them all, as far as anybody knows.
    """
    rows = require_service(filter_by_gp(offers, gp), _SERVICE, now)
    return tuple(way for way in CHANNEL_LABELS if any(_has_channel(row, way) for row in rows))


def find_text_limit(offers: Offers, gp: str | None, way: str, now: datetime) -> int | None:
    """The characters that a GP (the one named `gp`) takes this `way`, `None` = not said.

    Raises NotOffered, or its like, where none does.
    """
    return smallest_text_limit(_require_channel(offers, gp, way, now))


def propose_written_consultation(
    writer: MessageContext, letter: NewThread, request: ServiceRequest
) -> Decision[Conversation]:
    """Start an e-consultation in writing.

    Raises NotOffered, also where the GP takes it only in other ways, and its like; Usage beyond
    the surgery's limits; Conflict when the request id was used for something else, or for another
    way; AlreadyBooked when one with the same subject was begun within the last day and is open;
    InputNeeded when several GPs may be meant.
    """
    desk = writer.portal.mailbox.fetch_thread_facts(request.lookup, _KIND)
    if desk.appointment:
        raise request_id_conflict(desk.appointment)
    if desk.earlier and not desk.half:
        return resolve_repeated_thread(desk.earlier, desk.offers, letter, request, _KIND)
    if desk.earlier:
        check_half_started(desk.earlier, desk.offers, letter, request, _KIND)
    row = _choose_gp(writer, desk.offers, TEXT, request.gp)
    if not (request.another or desk.earlier):
        _check_no_recent_thread(desk.under_way, row, letter, writer.clock())
    errand = ThreadAction(_KIND, "Start an e-consultation in writing", _charge(row))
    return build_new_thread(writer, row, letter, request, errand)


def propose_timed_consultation(
    writer: MessageContext, letter: NewThread, request: ServiceRequest, way: str, search: SlotSearch
) -> Decision[Appointment]:
    """Ask for an e-consultation by phone or video within the times of `search`.

    Raises as `in_writing` does, and AlreadyBooked when one is under way at the same GP.
    """
    desk = writer.portal.fetch_booking_facts(slot=None, intent=request.lookup, threads=True)
    if desk.thread:
        raise request_id_conflict(f"thread {desk.thread}")
    if desk.earlier:
        return _resolve_repeat(desk.earlier, desk, letter, request, way)
    row = _choose_gp(writer, desk.offers, way, request.gp)
    if not request.another:
        _check_none_under_way(desk.coming, row, search.now)
    check_limits(letter.draft, require_offer(row).limits)
    return _build_timed(writer, row, letter, request, way, _wished(search))


def _build_timed(
    writer: MessageContext,
    row: Service,
    letter: NewThread,
    request: ServiceRequest,
    way: str,
    wished: Sequence[Window],
) -> Proposal[Appointment]:
    portal, offer, words = writer.portal, require_offer(row), _reason_text(letter)
    return Proposal(
        action=f"Ask for an e-consultation {CHANNEL_LABELS[way]}",
        rows=(
            *party_rows(portal.fetch_parties(), row),
            *(("Wished", window) for window in wished),
            ("Subject", letter.subject),
            *(draft_rows(letter.draft, shown=writer.shows_words) if letter.draft.text else ()),
            ("Answer", row.answer_time),
            *price_rows(row.price),
        ),
        preview=preview_appointment(
            row,
            request,
            zone=writer.zone.key,
            requested=tuple(wished),
            channel=way,
            reason=words,
            subject=letter.subject,
        ),
        send=lambda: portal.send_enquiry(
            offer, wished, words, request.intent, channel=way, subject=letter.subject
        ),
        charge=_charge(row),
        still_so=build_offer_check(portal, row, writer.clock),
    )


def _choose_gp(writer: MessageContext, offers: Offers, way: str, gp: str | None) -> Service:
    return choose_one(_require_channel(offers, gp, way, writer.clock()), _SERVICE, writer.asker)


def _require_channel(offers: Offers, gp: str | None, way: str, now: datetime) -> list[Service]:
    rows = require_service(filter_by_gp(offers, gp), _SERVICE, now)
    fit = [row for row in rows if _has_channel(row, way)]
    if fit:
        return fit
    taken = [each for each in CHANNEL_LABELS if any(_has_channel(row, each) for row in rows)]
    labels = " and ".join(row.surgery.label for row in rows)
    take = "takes" if len(rows) == 1 else "take"
    others = " or ".join(CHANNEL_LABELS[each] for each in taken) or "in ways that gpcli does not know"
    raise NotOffered(
        f"{labels} {take} e-consultations {others}, not {CHANNEL_LABELS[way]}.",
        hint=f"gpcli econsult start --via {taken[0]}" if taken else "gpcli services",
    )


def _has_channel(row: Service, way: str) -> bool:
    return not row.channels or way in row.channels


def _charge(row: Service) -> Charge:
    return Charge("An e-consultation", row.price)


def _wished(search: SlotSearch) -> list[Window]:
    wished = search.wanted.yet_to_come(search.zone, search.now)
    if not wished:
        raise InvalidUsage("All of the wished time is past.", hint="Give a later --from or --to.")
    return wished


def _check_none_under_way(coming: Sequence[Appointment], row: Service, now: datetime) -> None:
    for each in coming:
        same_gp = each.surgery_id in {None, row.surgery.id}
        to_come = not each.over and (each.start is None or each.start > now)
        if each.service == _SERVICE and same_gp and to_come:
            raise AlreadyBooked(
                f"There is already an e-consultation under way: {each.id}.",
                hint=f"gpcli appointments show {each.id}; to ask for one more, add --another.",
            )


def _check_no_recent_thread(
    under_way: Sequence[Thread], row: Service, letter: NewThread, now: datetime
) -> None:
    for each in under_way:
        same_gp = each.surgery_id in {None, row.surgery.id}
        lately = each.started is None or now - each.started < _RECENT
        if same_gp and lately and has_subject(each, letter.subject):
            raise AlreadyBooked(
                "An e-consultation with the same subject was started within the last day: "
                f"{each.id}.",
                hint=f"gpcli messages reply {each.id} adds to it; for one more, add --another.",
            )


def _resolve_repeat(
    earlier: Appointment, desk: BookingFacts, letter: NewThread, request: ServiceRequest, way: str
) -> Outcome[Appointment]:
    ids = {one.id for one in find_surgeries(desk.offers.surgeries, request.gp)}
    there = request.gp is None or earlier.surgery_id in {None, *ids}
    same_subject = earlier.subject in {None, letter.subject}
    same_words = same_subject and (earlier.reason or "").strip() == _reason_text(letter)
    if there and same_words and (earlier.service, earlier.channel) == (_SERVICE, way):
        check_not_undone(earlier)
        return Outcome(earlier, changed=False)
    raise request_id_conflict(str(earlier.id))


def _reason_text(letter: NewThread) -> str:
    """What stands with the request for a time: the message, or the subject for want of one."""
    return letter.draft.text or letter.subject


VIDEO = "video"


def fetch_join_link(portal: Portal, appointment_id: str) -> tuple[Appointment, str]:
    """A video consultation, and the link to it as the portal writes it.

    Raises NotFound; Rejected while the surgery has not confirmed it or given no link, when it is
    over, and when it is no video consultation.
    """
    there = portal.fetch_appointment(appointment_id)
    hint = f"gpcli appointments show {there.id}"
    if there.over:
        how = "cancelled" if there.status == "cancelled" else "over"
        raise Rejected(f"{there.id} is {how}.", hint=hint)
    if there.channel not in {VIDEO, None}:
        raise Rejected(f"{there.id} is not by video but {there.channel}.", hint=hint)
    if there.waiting:
        raise Rejected(f"The surgery has not confirmed {there.id} yet.", hint=hint)
    if there.join_url is None:
        raise Rejected(f"The surgery has given no link to {there.id} yet.", hint=hint)
    return there, there.join_url


def propose_econsult_withdrawal(
    portal: Portal, appointment_id: str, intent: UUID, clock: Callable[[], datetime]
) -> Decision[Appointment]:
    """Withdraw an e-consultation by phone or video, whatever the GP offers now.

    Raises NotFound; TooLate when it has begun; Usage for one in writing, and for an appointment
    that is no e-consultation.
    """
    now = clock()
    desk = portal.fetch_cancellation_facts(appointment_id)
    there = desk.appointment
    if there is None:
        raise _missing_error(portal, appointment_id)
    if not _is_econsultation(there):
        raise InvalidUsage(f"{there.id} is not an e-consultation.", hint=f"gpcli cancel {there.id}")
    if (outcome := check_cancellable(there, now)) is not None:
        return outcome

    def again() -> Decision[Appointment]:
        return propose_econsult_withdrawal(portal, appointment_id, intent, clock)

    charge = late_cancellation_charge(there, desk.offers, now)
    action = "Withdraw this e-consultation"
    return build_cancellation(portal, there, intent, action=action, charge=charge, again=again)


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


def _can_join(one: Appointment, now: datetime) -> bool:
    """Whether the surgery has confirmed it and given its link, and it has not ended."""
    return one.join_url is not None and not one.waiting and (one.end is None or one.end > now)


def _is_econsultation(one: Appointment) -> bool:
    return one.service == ServiceName.E_CONSULTATION


choose_to_join = partial(
    choose_appointment,
    picking=ChoicePrompt(_can_join, "Which e-consultation?", "There is none to choose from."),
)
"""`appointments.pick` among video consultations that can be joined."""

choose_to_withdraw = partial(
    choose_appointment,
    picking=ChoicePrompt(
        lambda one, now: _is_econsultation(one),
        "Which e-consultation?",
        "There is none to choose from.",
    ),
)
"""`appointments.pick` among e-consultations under way."""
