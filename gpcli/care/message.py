"""Writing to a surgery: safety words, limits, what the plan shows, and a repeat of the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from gpcli.care.confirmation import Asker, Charge, Decision, Outcome, Proposal, Record
from gpcli.care.offers import filter_by_gp, find_surgeries, choose_service, require_service
from gpcli.care.portal_protocol import Portal
from gpcli.care.revalidate import build_offer_check
from gpcli.care.service_request import ServiceRequest, require_offer, request_id_conflict, party_rows
from gpcli.errors import Declined, InvalidUsage
from gpcli.model.receipt import PlanValue
from gpcli.model.service import Limits, Offers, Price, Rate, Service, ServiceName, Surcharge
from gpcli.model.thread import (
    AttachedFile,
    Conversation,
    Draft,
    Message,
    Thread,
    ThreadKind,
    is_same_text,
)

RECEPTION = (
    "The reception reads this and gives no health care. A medical question may be passed on to "
    "the doctor and charged as an e-consultation."
)
"""What is different about administrative messages."""


def emergency_notice(numbers: Mapping[str, str]) -> str:
    """Whom to call instead: `numbers` has `acute` and, where there is one, `urgent`."""
    acute = f"Not for emergencies: call {numbers['acute']}."
    urgent = numbers.get("urgent")
    if not urgent:
        return acute
    return f"{acute} If it can't wait and the surgery is closed: call {urgent}."


def check_can_wait(asker: Asker, numbers: Mapping[str, str]) -> None:
    """Ask the person, where there is one; raises Declined when it can't wait."""
    if not asker.allowed or asker.yes("Can it wait for an answer?", flag="--can-wait"):
        return
    call = numbers.get("urgent") or numbers["acute"]
    raise Declined("Nothing was sent.", hint=f"Call the surgery; where it is closed, {call}.")


MAX_SHOWN = 60
"""Characters of a message's first line that a plan shows."""

Rows = tuple[tuple[str, PlanValue], ...]


@dataclass(frozen=True)
class NewThread:
    """What starts a thread."""

    subject: str
    draft: Draft


@dataclass(frozen=True)
class MessageContext:
    """Who writes: through which portal, whom to ask, by which clock and in which zone.

    `rehearses` says that nothing will be sent.
    """

    portal: Portal
    asker: Asker
    clock: Callable[[], datetime]
    zone: ZoneInfo
    rehearses: bool = False

    @property
    def shows_words(self) -> bool:
        """Whether a plan shows how the message begins: to a person, and to who rehearses.

        What a script sends does not stand in the log that its plans may go to.
        """
        return self.asker.allowed or self.rehearses


@dataclass(frozen=True)
class ThreadAction:
    """One kind of thread to start: what the plan calls it, what sending costs, what to know."""

    kind: ThreadKind
    action: str
    charge: Charge | None
    warnings: tuple[str, ...] = ()


def build_new_thread(
    writer: MessageContext,
    row: Service,
    letter: NewThread,
    request: ServiceRequest,
    errand: ThreadAction,
) -> Proposal[Conversation]:
    """The proposal to start a thread with the surgery of `row`; raises Usage beyond its limits."""
    offer = require_offer(row)
    check_limits(letter.draft, offer.limits)
    return Proposal(
        action=errand.action,
        rows=(
            *party_rows(writer.portal.fetch_parties(), row),
            ("Subject", letter.subject),
            *draft_rows(letter.draft, shown=writer.shows_words),
            ("Answer", row.answer_time),
            *price_rows(row.price),
        ),
        preview=Conversation(_preview_thread(row, letter, errand.kind, writer.zone), ()),
        send=lambda: writer.portal.mailbox.send_thread(
            errand.kind, offer, letter.subject, letter.draft, request.intent
        ),
        charge=errand.charge,
        warnings=errand.warnings,
        still_so=build_offer_check(writer.portal, row, writer.clock),
    )


def resolve_repeated_thread(
    earlier: Conversation,
    offers: Offers,
    letter: NewThread,
    request: ServiceRequest,
    kind: ThreadKind,
) -> Outcome[Conversation]:
    """The outcome when the same request came before; raises Conflict when it was another."""
    if _is_same(earlier, offers, letter, request, kind):
        return Outcome(earlier, changed=False)
    raise request_id_conflict(f"thread {earlier.thread.id}")


def check_half_started(
    earlier: Conversation,
    offers: Offers,
    letter: NewThread,
    request: ServiceRequest,
    kind: ThreadKind,
) -> None:
    """Raise Conflict unless a thread whose first message never arrived is the one meant."""
    thread = earlier.thread
    if not _is_about(thread, offers, letter, request, kind):
        raise request_id_conflict(f"thread {thread.id}")


def has_subject(thread: Thread, subject: str) -> bool:
    """Whether the thread has this subject, however it is spaced."""
    return is_same_text(thread.subject, subject)


def has_same_content(message: Message, draft: Draft) -> bool:
    """Whether `message` holds the words and the files of `draft`, as far as the portal tells."""
    files = [(one.title, one.size, one.content) for one in message.attachments]
    return (
        is_same_text(message.text, draft.text)
        and len(files) == len(draft.attachments)
        and all(map(_is_same_file, files, draft.attachments))
    )


def find_answer_time(decision: Decision[Record]) -> str | None:
    """The surgery's own words on when it answers, where the plan has them."""
    found = dict(decision.rows).get("Answer") if isinstance(decision, Proposal) else None
    return found if isinstance(found, str) else None


def check_limits(draft: Draft, limits: Limits) -> None:
    """Raise Usage for what the surgery does not take: its text, then each file."""
    length = len(draft.text)
    if limits.text is not None and length > limits.text:
        raise InvalidUsage(
            f"The message has {format_length(length)}; the surgery takes {limits.text}.",
            hint="Make it shorter.",
        )
    for enclosure in draft.attachments:
        _check_attachment(enclosure, limits)


def smallest_text_limit(rows: Sequence[Service]) -> int | None:
    """How long a message may be for each of `rows`, in characters, `None` = not said."""
    return min(
        (each for row in rows if (each := require_offer(row).limits.text) is not None), default=None
    )


def describe_text_limit(length: int | None) -> str | None:
    """How long a message may be, for who is to write one."""
    return None if length is None else f"The surgery takes {format_length(length)} at most."


def format_length(length: int) -> str:
    """`1 character`, `38 characters`."""
    return "1 character" if length == 1 else f"{length} characters"


def draft_rows(draft: Draft, *, shown: bool) -> Iterator[tuple[str, PlanValue]]:
    """The lines of a plan on the message; `shown` tells whether to show how it begins."""
    count = format_length(len(draft.text))
    yield "Message", f"{_shorten(draft.text)} ({count})" if shown else count
    for each in draft.attachments:
        yield "Attachment", f"{each.name} ({each.content_type}, {len(each.content)} bytes)"


def price_rows(price: Price | None) -> Iterator[tuple[str, PlanValue]]:
    """The lines of a plan on what it costs: the range, then each rate that leads to it."""
    yield "Price", price
    if price is None or (len(price.rates) == 1 and not price.rates[0].surcharges):
        return
    for rate in price.rates:
        yield "Rate", _format_rate(rate, price.currency)


def _format_rate(rate: Rate, currency: str) -> str:
    when = f"{rate.applies}: " if rate.applies else ""
    extra = ", ".join(_format_surcharge(each, currency) for each in rate.surcharges)
    amount = f"{currency} {rate.amount:f}" if rate.amount else "free"
    return f"{when}{amount} (with {extra})" if extra else f"{when}{amount}"


def _format_surcharge(part: Surcharge, currency: str) -> str:
    return f"{part.name or 'a surcharge'} {currency} {part.amount:f}"


def _shorten(text: str) -> str:
    first = text.strip().partition("\n")[0].strip()
    return first if len(first) <= MAX_SHOWN else f"{first[:MAX_SHOWN].rstrip()}…"


def _preview_thread(row: Service, letter: NewThread, kind: ThreadKind, zone: ZoneInfo) -> Thread:
    return Thread(
        id=None,
        kind=kind,
        subject=letter.subject,
        status="preparation",
        closed_because=None,
        surgery=row.surgery.name,
        practitioner=row.surgery.gp,
        started=None,
        last=None,
        message_count=1,
        unread_count=0,
        zone=zone.key,
        surgery_id=row.surgery.id,
    )


def _is_same(
    earlier: Conversation,
    offers: Offers,
    letter: NewThread,
    request: ServiceRequest,
    kind: ThreadKind,
) -> bool:
    thread = earlier.thread
    return (
        _is_about(thread, offers, letter, request, kind)
        and bool(earlier.messages)
        and has_same_content(earlier.messages[0], letter.draft)
    )


def _is_about(
    thread: Thread, offers: Offers, letter: NewThread, request: ServiceRequest, kind: ThreadKind
) -> bool:
    ids = {one.id for one in find_surgeries(offers.surgeries, request.gp)}
    there = request.gp is None or thread.surgery_id in {None, *ids}
    return there and thread.kind == kind and has_subject(thread, letter.subject)


def _is_same_file(there: tuple[str | None, int | None, bytes | None], meant: AttachedFile) -> bool:
    title, size, content = there
    told = content is None or content == meant.content
    return told and title == meant.name and size in {None, len(meant.content)}


def _check_attachment(enclosure: AttachedFile, limits: Limits) -> None:
    size = len(enclosure.content)
    if limits.attachment is not None and size > limits.attachment:
        raise InvalidUsage(
            f"{enclosure.name} has {size} bytes; the surgery takes {limits.attachment}.",
            hint="Make it smaller.",
        )
    if limits.types and not _is_accepted(limits.types, enclosure.content_type):
        raise InvalidUsage(
            f"The surgery does not take {enclosure.name}: it is {enclosure.content_type}.",
            hint=f"It takes {', '.join(limits.types)}.",
        )


def _is_accepted(types: tuple[str, ...], written: str) -> bool:
    family = f"{written.partition('/')[0]}/*"
    return bool({written, family, "*/*"} & {each.casefold() for each in types})


CONTACT_KIND = ThreadKind.ADMINISTRATIVE


def fetch_text_limit(writer: MessageContext, gp: str | None) -> int | None:
    """The characters that the surgery takes, `None` = not said; raises NotOffered and its like."""
    offers = filter_by_gp(writer.portal.fetch_offers(), gp)
    return smallest_text_limit(require_service(offers, ServiceName.CONTACT, writer.clock()))


def propose_contact(
    writer: MessageContext, letter: NewThread, request: ServiceRequest
) -> Decision[Conversation]:
    """Write to the reception.

    Raises NotOffered and its like; Usage beyond the surgery's limits; Conflict when the request id
    was used for something else; InputNeeded when several surgeries may be meant.
    """
    desk = writer.portal.mailbox.fetch_thread_facts(request.lookup, CONTACT_KIND)
    if desk.earlier and not desk.half:
        return resolve_repeated_thread(desk.earlier, desk.offers, letter, request, CONTACT_KIND)
    if desk.earlier:
        check_half_started(desk.earlier, desk.offers, letter, request, CONTACT_KIND)
    row = choose_service(desk.offers, ServiceName.CONTACT, writer.clock(), request.gp, writer.asker)
    return build_new_thread(writer, row, letter, request, _contact_action(row))


def _contact_action(row: Service) -> ThreadAction:
    costs = row.price is not None and row.price.at_sending
    charge = Charge("A message to the surgery", row.price) if costs else None
    return ThreadAction(CONTACT_KIND, "Write to the surgery's reception", charge)
