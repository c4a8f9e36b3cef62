"""Writing to a surgery: emergency notice, limits, plan rows, new threads and their repetition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from gpcli.care.confirmation import Asker, Decision, Outcome, Proposal, Record
from gpcli.care.offers import choose_service, filter_by_gp, is_at_gp, require_service
from gpcli.care.portal_protocol import Portal
from gpcli.care.revalidate import build_offer_check
from gpcli.care.service_request import (
    ServiceRequest,
    party_rows,
    require_offer,
)
from gpcli.errors import Declined, InvalidUsage, request_id_conflict
from gpcli.invisible import is_hidden
from gpcli.model.receipt import PlanValue
from gpcli.model.service import (
    Charge,
    Limits,
    Offers,
    Price,
    Service,
    ServiceName,
)
from gpcli.model.thread import (
    AttachedFile,
    Attachment,
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
"""The warning before an administrative message."""

NOT_IN_PERSON = "Only for what needs no examination: you must not need to be seen in person."
"""The limit of e-consultations, said before one is started."""


def emergency_notice(numbers: Mapping[str, str]) -> str:
    """Return whom to call instead; `numbers` has `acute` and, where there is one, `urgent`."""
    acute = f"Not for emergencies: call {numbers['acute']}."
    urgent = numbers.get("urgent")
    if not urgent:
        return acute
    return f"{acute} If it can't wait and the surgery is closed: call {urgent}."


def check_can_wait(asker: Asker, numbers: Mapping[str, str]) -> None:
    """Ask the person, if there is one, whether it can wait.

    Raises: Declined if it can't.
    """
    if not asker.can_ask or asker.confirm("Can it wait for an answer?", flag="--can-wait"):
        return
    call = numbers.get("urgent") or numbers["acute"]
    raise Declined("Nothing was sent.", hint=f"Call the surgery; where it is closed, {call}.")


MAX_TOTAL_BYTES = 20 * 1024 * 1024
"""The most bytes of all files together, whatever a surgery accepts."""

MAX_SHOWN = 60
"""The most characters of a message's first line that a plan shows."""

_KIND = ThreadKind.ADMINISTRATIVE


@dataclass(frozen=True)
class NewThread:
    """The subject and the first message of a thread to start."""

    subject: str
    draft: Draft


@dataclass(frozen=True)
class MessageContext:
    """What writing a message needs: the portal, whom to ask, the clock and the zone of times."""

    portal: Portal
    asker: Asker
    clock: Callable[[], datetime]
    zone: ZoneInfo
    tells_all: bool = False

    @property
    def can_show_text(self) -> bool:
        """Whether a plan tells how the message begins: to a person, and where it `tells_all`.

        That is in a dry run, and where it is only compared with one. The plan of a script's write
        may go to a log, where health data has no place.
        """
        return self.asker.can_ask or self.tells_all


@dataclass(frozen=True)
class ThreadAction:
    """One kind of thread to start, and its proposal's `action`, `charge` and `warnings`."""

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
    """Build the proposal to start a thread with the surgery of `service`.

    Raises: InvalidUsage beyond the surgery's limits.
    """
    offer = require_offer(service)
    check_limits(new_thread.draft, offer.limits)
    return Proposal(
        action=action.action,
        rows=(
            *party_rows(context.portal.fetch_parties(), service),
            ("Subject", new_thread.subject),
            *draft_rows(new_thread.draft, shown=context.can_show_text),
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
        content=(("Surgery", offer.id), *draft_content(new_thread.draft)),
    )


def resolve_repeated_thread(
    earlier: Conversation,
    offers: Offers,
    new_thread: NewThread,
    request: ServiceRequest,
    kind: ThreadKind,
) -> Outcome[Conversation]:
    """Return the Outcome of a request that was sent before: `earlier`.

    Raises: Conflict if the request id started another thread.
    """
    thread, messages = earlier.thread, earlier.messages
    is_same_thread = _is_requested_thread(thread, offers, new_thread, request, kind)
    if is_same_thread and messages and has_same_content(messages[0], new_thread.draft):
        return Outcome(earlier, changed=False)
    raise request_id_conflict(f"thread {thread.id}")


def check_half_started(
    earlier: Conversation,
    offers: Offers,
    new_thread: NewThread,
    request: ServiceRequest,
    kind: ThreadKind,
) -> None:
    """Raise Conflict unless `earlier`, a thread without its first message, is the one requested."""
    thread = earlier.thread
    if not _is_requested_thread(thread, offers, new_thread, request, kind):
        raise request_id_conflict(f"thread {thread.id}")


def has_subject(thread: Thread, subject: str) -> bool:
    """Return whether the thread has this subject; spacing does not count."""
    return is_same_text(thread.subject, subject)


def has_same_content(message: Message, draft: Draft) -> bool:
    """Return whether `message` has the words and files of `draft`, as far as the portal tells."""
    return (
        is_same_text(message.own_text, draft.text)
        and len(message.attachments) == len(draft.attachments)
        and all(map(_is_same_file, message.attachments, draft.attachments))
    )


def find_answer_time(decision: Decision[Record]) -> str | None:
    """Return the surgery's own words on when it answers, if the plan has them."""
    found = dict(decision.rows).get("Answer") if isinstance(decision, Proposal) else None
    return found if isinstance(found, str) else None


def check_limits(draft: Draft, limits: Limits) -> None:
    """Raise InvalidUsage for text or files beyond the surgery's limits."""
    length = len(draft.text)
    if limits.text is not None and length > limits.text:
        raise InvalidUsage(
            f"The message has {_format_length(length)}; the surgery takes {limits.text}.",
            hint="Make it shorter.",
        )
    for file in draft.attachments:
        _check_attachment(file, limits)


def check_files(files: Sequence[AttachedFile]) -> tuple[AttachedFile, ...]:
    """Return the files to attach.

    Raises: TypeError unless each has text, text and bytes; InvalidUsage for a name that is empty or
    has invisible characters, for an empty file, and where they are too big together.
    """
    for file in files:
        if not isinstance(file.content, bytes):
            raise TypeError(
                f"AttachedFile takes bytes as content, not {type(file.content).__name__}"
            )
        for text in (file.name, file.content_type):
            if not isinstance(text, str):
                raise TypeError(f"AttachedFile takes str, not {type(text).__name__}")
        if not file.name.strip() or any(map(is_hidden, file.name)):
            raise InvalidUsage("The name of an attachment is empty, or has invisible characters.")
        if not file.content:
            raise InvalidUsage(f"'{file.name}' is empty.")
    if sum(len(file.content) for file in files) > MAX_TOTAL_BYTES:
        raise too_much_error()
    return tuple(files)


def too_much_error() -> InvalidUsage:
    """Return the error for attachments that are too big together."""
    return InvalidUsage(f"The attachments have more than {MAX_TOTAL_BYTES} bytes together.")


def smallest_text_limit(services: Sequence[Service]) -> int | None:
    """Return how many characters all of `services` take; `None` = not said."""
    limits = [require_offer(service).limits.text for service in services]
    return min((limit for limit in limits if limit is not None), default=None)


def describe_text_limit(length: int | None) -> str | None:
    """Return a sentence on how long a message may be; `None` = no limit is known."""
    return None if length is None else f"The surgery takes {_format_length(length)} at most."


def _format_length(length: int) -> str:
    """Return `1 character`, `38 characters`."""
    return "1 character" if length == 1 else f"{length} characters"


def draft_rows(draft: Draft, *, shown: bool) -> Iterator[tuple[str, PlanValue]]:
    """Yield the plan's rows on a message; `shown` tells whether to show how it begins."""
    count = _format_length(len(draft.text))
    yield "Message", f"{_shorten(draft.text)} ({count})" if shown else count
    for file in draft.attachments:
        yield "Attachment", f"{file.name} ({file.content_type}, {len(file.content)} bytes)"


def draft_content(draft: Draft) -> Iterator[tuple[str, object]]:
    """Yield all of a message: what is bound of it, and the rows only begin to tell."""
    yield "Message", draft.text
    yield "Attachment", draft.attachments


def price_rows(price: Price | None) -> Iterator[tuple[str, PlanValue]]:
    """Yield the plan's rows on the price: the range, then each rate that leads to it."""
    yield "Price", price
    for rate in price.worded_rates if price else ():
        yield "Rate", rate


def _shorten(text: str) -> str:
    first = text.strip().partition("\n")[0].strip()
    return first if len(first) <= MAX_SHOWN else f"{first[:MAX_SHOWN].rstrip()}…"


def _preview_thread(
    service: Service, new_thread: NewThread, kind: ThreadKind, zone: ZoneInfo
) -> Thread:
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


def _is_requested_thread(
    thread: Thread, offers: Offers, new_thread: NewThread, request: ServiceRequest, kind: ThreadKind
) -> bool:
    at_gp = is_at_gp(thread.surgery_id, offers.surgeries, request.gp)
    return at_gp and thread.kind == kind and has_subject(thread, new_thread.subject)


def _is_same_file(attachment: Attachment, file: AttachedFile) -> bool:
    same_bytes = attachment.content in {None, file.content}
    same_size = attachment.size in {None, len(file.content)}
    return same_bytes and same_size and attachment.title == file.name


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


def fetch_text_limit(context: MessageContext, gp: str | None) -> int | None:
    """Fetch how many characters the surgery's reception takes; `None` = not said.

    Raises: NotOffered, OffForNow, ConsentNeeded or NotPermitted.
    """
    offers = filter_by_gp(context.portal.fetch_offers(), gp)
    return smallest_text_limit(require_service(offers, ServiceName.CONTACT, context.clock()))


def propose_contact(
    context: MessageContext, new_thread: NewThread, request: ServiceRequest
) -> Decision[Conversation]:
    """Propose to write to the surgery's reception.

    Raises: NotOffered, OffForNow, ConsentNeeded or NotPermitted; InvalidUsage beyond the surgery's
    limits; Conflict if the request id was used for something else; InputNeeded if several surgeries
    may be meant.
    """
    facts = context.portal.mailbox.fetch_thread_facts(request.lookup, _KIND)
    if facts.earlier and not facts.half:
        return resolve_repeated_thread(facts.earlier, facts.offers, new_thread, request, _KIND)
    if facts.earlier:
        check_half_started(facts.earlier, facts.offers, new_thread, request, _KIND)
    service = choose_service(
        facts.offers, ServiceName.CONTACT, context.clock(), request.gp, context.asker
    )
    return build_new_thread(context, service, new_thread, request, _contact_action(service))


def _contact_action(service: Service) -> ThreadAction:
    costs = service.price is not None and service.price.at_sending
    charge = Charge("A message to the surgery", service.price) if costs else None
    return ThreadAction(_KIND, "Write to the surgery's reception", charge)
