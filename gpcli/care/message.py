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
    if not asker.can_ask or asker.confirm("Can it wait for an answer?", flag="--can-wait"):
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
        return self.asker.can_ask or self.rehearses


@dataclass(frozen=True)
class ThreadAction:
    """One kind of thread to start: what the plan calls it, what sending costs, what to know."""

    kind: ThreadKind
    action: str
    charge: Charge | None
    warnings: tuple[str, ...] = ()


def build_new_thread(
    context: MessageContext,
    service: Service,
    new_thread: NewThread,
    request: ServiceRequest,
    action: ThreadAction,
) -> Proposal[Conversation]:
    """The proposal to start a thread with the surgery of `row`; raises Usage beyond its limits."""
    offer = require_offer(service)
    check_limits(new_thread.draft, offer.limits)
    return Proposal(
        action=action.action,
        rows=(
            *party_rows(context.portal.fetch_parties(), service),
            ("Subject", new_thread.subject),
            *draft_rows(new_thread.draft, shown=context.shows_words),
            ("Answer", service.answer_time),
            *price_rows(service.price),
        ),
        preview=Conversation(_preview_thread(service, new_thread, action.kind, context.zone), ()),
        send=lambda: context.portal.mailbox.send_thread(
            action.kind, offer, new_thread.subject, new_thread.draft, request.intent
        ),
        charge=action.charge,
        warnings=action.warnings,
        revalidate=build_offer_check(context.portal, service, context.clock),
    )


def resolve_repeated_thread(
    earlier: Conversation,
    offers: Offers,
    new_thread: NewThread,
    request: ServiceRequest,
    kind: ThreadKind,
) -> Outcome[Conversation]:
    """The outcome when the same request came before; raises Conflict when it was another."""
    if _is_same(earlier, offers, new_thread, request, kind):
        return Outcome(earlier, changed=False)
    raise request_id_conflict(f"thread {earlier.thread.id}")


def check_half_started(
    earlier: Conversation,
    offers: Offers,
    new_thread: NewThread,
    request: ServiceRequest,
    kind: ThreadKind,
) -> None:
    """Raise Conflict unless a thread whose first message never arrived is the one meant."""
    thread = earlier.thread
    if not _is_about(thread, offers, new_thread, request, kind):
        raise request_id_conflict(f"thread {thread.id}")


def has_subject(thread: Thread, subject: str) -> bool:
    """Whether the thread has this subject, however it is spaced."""
    return is_same_text(thread.subject, subject)


def has_same_content(message: Message, draft: Draft) -> bool:
    """Whether `message` holds the words and the files of `draft`, as far as the portal tells."""
    files = [(attachment.title, attachment.size, attachment.content) for attachment in message.attachments]
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
    for file in draft.attachments:
        _check_attachment(file, limits)


def smallest_text_limit(services: Sequence[Service]) -> int | None:
    """How long a message may be for each of `rows`, in characters, `None` = not said."""
    return min(
        (limit for service in services if (limit := require_offer(service).limits.text) is not None), default=None
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
    for file in draft.attachments:
        yield "Attachment", f"{file.name} ({file.content_type}, {len(file.content)} bytes)"


def price_rows(price: Price | None) -> Iterator[tuple[str, PlanValue]]:
    """The lines of a plan on what it costs: the range, then each rate that leads to it."""
    yield "Price", price
    if price is None or (len(price.rates) == 1 and not price.rates[0].surcharges):
        return
    for rate in price.rates:
        yield "Rate", _format_rate(rate, price.currency)


def _format_rate(rate: Rate, currency: str) -> str:
    when = f"{rate.applies}: " if rate.applies else ""
    extra = ", ".join(_format_surcharge(surcharge, currency) for surcharge in rate.surcharges)
    amount = f"{currency} {rate.amount:f}" if rate.amount else "free"
    return f"{when}{amount} (with {extra})" if extra else f"{when}{amount}"


def _format_surcharge(surcharge: Surcharge, currency: str) -> str:
    return f"{surcharge.name or 'a surcharge'} {currency} {surcharge.amount:f}"


def _shorten(text: str) -> str:
    first = text.strip().partition("\n")[0].strip()
    return first if len(first) <= MAX_SHOWN else f"{first[:MAX_SHOWN].rstrip()}…"


def _preview_thread(service: Service, new_thread: NewThread, kind: ThreadKind, zone: ZoneInfo) -> Thread:
    return Thread(
        id=None,
        kind=kind,
        subject=new_thread.subject,
        status="preparation",
        closed_because=None,
        surgery=service.surgery.name,
        practitioner=service.surgery.gp,
        started=None,
        last=None,
        message_count=1,
        unread_count=0,
        zone=zone.key,
        surgery_id=service.surgery.id,
    )


def _is_same(
    earlier: Conversation,
    offers: Offers,
    new_thread: NewThread,
    request: ServiceRequest,
    kind: ThreadKind,
) -> bool:
    thread = earlier.thread
    return (
        _is_about(thread, offers, new_thread, request, kind)
        and bool(earlier.messages)
        and has_same_content(earlier.messages[0], new_thread.draft)
    )


def _is_about(
    thread: Thread, offers: Offers, new_thread: NewThread, request: ServiceRequest, kind: ThreadKind
) -> bool:
    ids = {one.id for one in find_surgeries(offers.surgeries, request.gp)}
    there = request.gp is None or thread.surgery_id in {None, *ids}
    return there and thread.kind == kind and has_subject(thread, new_thread.subject)


def _is_same_file(attached: tuple[str | None, int | None, bytes | None], file: AttachedFile) -> bool:
    title, size, content = attached
    is_same_bytes = content is None or content == file.content
    return is_same_bytes and title == file.name and size in {None, len(file.content)}


def _check_attachment(file: AttachedFile, limits: Limits) -> None:
    size = len(file.content)
    if limits.attachment is not None and size > limits.attachment:
        raise InvalidUsage(
            f"{file.name} has {size} bytes; the surgery takes {limits.attachment}.",
            hint="Make it smaller.",
        )
    if limits.types and not _is_accepted(limits.types, file.content_type):
        raise InvalidUsage(
            f"The surgery does not take {file.name}: it is {file.content_type}.",
            hint=f"It takes {', '.join(limits.types)}.",
        )


def _is_accepted(types: tuple[str, ...], written: str) -> bool:
    family = f"{written.partition('/')[0]}/*"
    return bool({written, family, "*/*"} & {accepted.casefold() for accepted in types})


CONTACT_KIND = ThreadKind.ADMINISTRATIVE


def fetch_text_limit(context: MessageContext, gp: str | None) -> int | None:
    """The characters that the surgery takes, `None` = not said; raises NotOffered and its like."""
    offers = filter_by_gp(context.portal.fetch_offers(), gp)
    return smallest_text_limit(require_service(offers, ServiceName.CONTACT, context.clock()))


def propose_contact(
    context: MessageContext, new_thread: NewThread, request: ServiceRequest
) -> Decision[Conversation]:
    """Write to the reception.

    Raises NotOffered and its like; Usage beyond the surgery's limits; Conflict when the request id
    was used for something else; InputNeeded when several surgeries may be meant.
    """
    facts = context.portal.mailbox.fetch_thread_facts(request.lookup, CONTACT_KIND)
    if facts.earlier and not facts.half:
        return resolve_repeated_thread(facts.earlier, facts.offers, new_thread, request, CONTACT_KIND)
    if facts.earlier:
        check_half_started(facts.earlier, facts.offers, new_thread, request, CONTACT_KIND)
    service = choose_service(facts.offers, ServiceName.CONTACT, context.clock(), request.gp, context.asker)
    return build_new_thread(context, service, new_thread, request, _contact_action(service))


def _contact_action(service: Service) -> ThreadAction:
    costs = service.price is not None and service.price.at_sending
    charge = Charge("A message to the surgery", service.price) if costs else None
    return ThreadAction(CONTACT_KIND, "Write to the surgery's reception", charge)
