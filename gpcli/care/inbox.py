"""Threads with the surgery: list them, reply, mark messages as read, name attachments' files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from gpcli.care.confirmation import Asker, Decision, Outcome, PlanRows, Proposal
from gpcli.care.message import (
    RECEPTION,
    MessageContext,
    check_limits,
    describe_text_limit,
    draft_content,
    draft_rows,
    has_same_content,
)
from gpcli.care.offers import find_surgeries
from gpcli.care.portal_protocol import Mailbox, Portal
from gpcli.errors import (
    AlreadyAnswered,
    InputNeeded,
    InvalidUsage,
    NotFound,
    request_id_conflict,
)
from gpcli.invisible import is_hidden
from gpcli.model.service import Limits, Offers, ServiceName
from gpcli.model.thread import (
    Attachment,
    Conversation,
    Draft,
    Message,
    ReplyFacts,
    Thread,
    ThreadKind,
)

MAX_NAME_BYTES = 120
"""The most bytes of a file name, in UTF-8, before its extension."""

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "application/dicom": (".dcm",),
    "application/msword": (".doc",),
    "application/pdf": (".pdf",),
    "application/rtf": (".rtf",),
    "application/vnd.oasis.opendocument.text": (".odt",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (".docx",),
    "audio/mpeg": (".mp3",),
    "image/gif": (".gif",),
    "image/heic": (".heic",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/tiff": (".tif", ".tiff"),
    "image/webp": (".webp",),
    "text/csv": (".csv",),
    "text/plain": (".txt",),
    "video/mp4": (".mp4",),
}
"""The extensions of files by media type, the default one first."""

UNKNOWN_EXTENSIONS = (".bin",)
"""The extensions of files of any other media type."""

STARTING_SERVICES: dict[str | None, ServiceName] = {
    ThreadKind.E_CONSULTATION: ServiceName.E_CONSULTATION,
    ThreadKind.ADMINISTRATIVE: ServiceName.CONTACT,
}
"""The service that starts each kind of thread."""

_MAX_NAMED = 5
"""The most threads that a notice names."""

_BEGIN_ANEW = "gpcli contact and gpcli econsult start begin a new one."

_SEE_THREADS = "gpcli messages list shows the threads."

_SEPARATORS = re.compile(r"[/\\:]")
_FORBIDDEN = re.compile(r'[<>"|?*]')
_RESERVED = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])", re.IGNORECASE)


def build_file_names(attachments: Sequence[Attachment]) -> dict[str, str]:
    """Return a file name for each attachment's id, unique also where case does not count."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for attachment in attachments:
        name = _make_unique(safe_file_name(attachment.title, attachment.content_type), taken)
        taken.add(name.casefold())
        names[attachment.id] = name
    return names


def safe_file_name(title: str | None, content_type: str | None) -> str:
    """Return a file name that is safe on any system.

    It is the last part of `title`, with an extension that fits `content_type` whatever the title
    says.
    """
    media_type = (content_type or "").partition(";")[0].strip().casefold()
    endings = EXTENSIONS.get(media_type, UNKNOWN_EXTENSIONS)
    stem = _clean_stem(_SEPARATORS.split(title or "")[-1])
    ending = next((extension for extension in endings if stem.casefold().endswith(extension)), None)
    base = stem[: -len(ending)] if ending else stem
    return f"{_shorten_stem(base)}{ending or endings[0]}"


def _clean_stem(title: str) -> str:
    composed = unicodedata.normalize("NFC", title)
    visible = "".join(
        character
        for character in composed
        if character == " " or not (is_hidden(character) or character.isspace())
    )
    return _FORBIDDEN.sub("_", visible).strip(" .").lstrip("-")


def _shorten_stem(stem: str) -> str:
    cut = stem.encode()[:MAX_NAME_BYTES].decode(errors="ignore").strip(" .").lstrip("-. ")
    if _RESERVED.fullmatch(cut.partition(".")[0].strip()):
        return f"_{cut}"
    return cut or "attachment"


def _make_unique(name: str, taken: set[str]) -> str:
    stem, dot, ending = name.rpartition(".")
    number = 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem} ({number}){dot}{ending}"
    return name


def parse_thread_kind(word: str) -> ThreadKind:
    """Return the kind of thread that `--kind` names.

    Raises: InvalidUsage, naming the known ones.
    """
    if word in set(ThreadKind):
        return ThreadKind(word)
    known = ", ".join(ThreadKind)
    raise InvalidUsage(f"--kind '{word}' is not a kind of thread.", hint=f"The kinds are {known}.")


@dataclass(frozen=True)
class ThreadFilters:
    """Which threads to list.

    Those with something `unread`, of a `kind`, with a message on `since` or later; `correspondent`
    is part of a name on the surgery's side, `gp` names one GP. `limit` is the most threads; `None`
    = all.
    """

    unread: bool = False
    kind: ThreadKind | None = None
    gp: str | None = None
    since: date | None = None
    correspondent: str | None = None
    limit: int | None = None

    def matches(self, thread: Thread, at_gp: Collection[str] = ()) -> bool | None:
        """Return whether `thread` passes all filters; `None` = the portal tells too little.

        `at_gp` has the ids of the surgeries that `gp` names.
        """
        answers = (
            not self.unread or _has_unread(thread),
            self.kind is None or _is_of_kind(thread, self.kind),
            self.since is None or _is_since(thread, self.since),
            self.correspondent is None or _has_correspondent(thread, self.correspondent),
            self.gp is None or _is_at_gp(thread, at_gp),
        )
        return False if False in answers else None if None in answers else True


@dataclass(frozen=True)
class FoundThreads:
    """The threads that pass the filters.

    `undecided` are those that the portal tells too little of, so that they are left out.
    """

    threads: tuple[Thread, ...]
    undecided: tuple[Thread, ...] = ()


def find_threads(portal: Portal, filters: ThreadFilters) -> FoundThreads:
    """Fetch the threads that pass `filters`: those with something unread first, then the newest.

    Raises: NotFound if no GP is called `filters.gp`.
    """
    threads = portal.mailbox.fetch_threads()
    at_gp = (
        ()
        if filters.gp is None
        else [surgery.id for surgery in find_surgeries(portal.fetch_surgeries(), filters.gp)]
    )
    answers = [(thread, filters.matches(thread, at_gp)) for thread in threads]
    found = [thread for thread, passes in answers if passes]
    undecided = tuple(thread for thread, passes in answers if passes is None)
    return FoundThreads(tuple(found[: filters.limit]), undecided)


def describe_undecided(threads: Sequence[Thread]) -> str:
    """Return a sentence on threads that a filter left out since the portal tells too little."""
    ids = ", ".join(str(thread.id) for thread in threads[:_MAX_NAMED])
    more = f" and {len(threads) - _MAX_NAMED} more" if len(threads) > _MAX_NAMED else ""
    return (
        f"Left out, since the portal does not tell whether they are asked for: {ids}{more}. "
        "gpcli messages list without filters has them."
    )


def describe_unplaced(conversation: Conversation) -> str | None:
    """Return a sentence on messages whose place nothing tells; `None` where there are none.

    Nothing tells it without a time, unless they say what they answer, or are alone.
    """
    ids = {str(message.id) for message in conversation.messages}
    unplaced = [
        str(message.id)
        for message in conversation.messages
        if message.known_since is None and message.in_response_to not in ids
    ]
    if not unplaced or len(ids) == 1:
        return None
    return (
        "The portal does not tell when these were sent, so they may stand in the wrong place: "
        f"{', '.join(unplaced)}."
    )


def check_name_filter(name: str | None) -> str | None:
    """Return what `--with` names; `None` = it was not given.

    Raises: InvalidUsage if it is empty.
    """
    if name is not None and not name.strip():
        raise InvalidUsage("--with needs a name that is not empty.")
    return name


def choose_thread(
    mailbox: Mailbox,
    thread_id: str | None,
    asker: Asker,
    label: Callable[[Thread], str],
    accepts: Callable[[Thread], bool] = lambda _: True,
) -> str:
    """Return the id given, or let the person choose a thread, those with something unread first.

    `accepts` tells which threads are offered, `label` words one for the list. Enter takes the only
    one with something unread.
    Raises: InputNeeded if nobody can be asked, or there is nothing to choose from.
    """
    if thread_id is not None and thread_id.strip():
        return thread_id
    if thread_id is not None or not asker.can_ask:
        raise InputNeeded("A thread's id is needed.", hint=_SEE_THREADS)
    found = [thread for thread in mailbox.fetch_threads() if accepts(thread)]
    if not found:
        raise InputNeeded("There is no thread to choose from.", hint=_SEE_THREADS)
    choices = [(str(thread.id), label(thread)) for thread in found]
    unread = [str(thread.id) for thread in found if _has_unread(thread)]
    default = unread[0] if len(unread) == 1 else None
    return asker.choose("Which thread?", choices, flag="THREAD", default=default)


def fetch_reply_facts(portal: Portal, thread: str, lookup: UUID | None) -> ReplyFacts:
    """Fetch what a reply in `thread` is decided on; `lookup` is the intent to look for.

    Raises: NotFound; AlreadyAnswered if the thread is closed and the reply was not sent before.
    """
    facts = portal.mailbox.fetch_reply_facts(thread, lookup)
    if facts.conversation is None:
        raise NotFound(f"There is no thread '{thread}'.", hint=_SEE_THREADS)
    if facts.earlier is None:
        _check_open(facts.conversation.thread)
        _check_stands(facts.conversation, thread)
    return facts


def describe_reply(facts: ReplyFacts) -> tuple[str, ...]:
    """Return lines that say whom a reply goes to, its subject and the surgery's limit."""
    thread = _require_conversation(facts).thread
    where = ", ".join(filter(None, (thread.practitioner, thread.surgery)))
    subject = f"Subject: {thread.subject}" if thread.subject else f"Thread: {thread.id}"
    longest = _find_limits(facts.offers, thread).text
    lines = (where and f"To: {where}", subject, describe_text_limit(longest))
    return tuple(line for line in lines if line)


def propose_reply(
    context: MessageContext, facts: ReplyFacts, draft: Draft, intent: UUID
) -> Decision[Message]:
    """Propose to reply in the thread of `facts`, which `fetch_reply_facts` returned.

    Raises: InvalidUsage beyond the surgery's limits; Conflict if the request id sent something
    else.
    """
    conversation = _require_conversation(facts)
    if facts.earlier:
        return _resolve_repeat(facts.earlier, conversation.thread, draft)
    check_limits(draft, _find_limits(facts.offers, conversation.thread))
    administrative = conversation.thread.kind == ThreadKind.ADMINISTRATIVE
    return Proposal(
        action="Reply",
        rows=(
            *_thread_rows(context.portal, conversation.thread),
            *draft_rows(draft, shown=context.can_show_text),
        ),
        preview=_preview_message(context.portal, conversation, draft),
        send=lambda: context.portal.mailbox.send_reply(conversation, draft, intent),
        warnings=(RECEPTION,) if administrative else (),
        content=(*_place_content(conversation), *draft_content(draft)),
    )


def _place_content(conversation: Conversation) -> Iterator[tuple[str, object]]:
    """Yield where a reply goes: its thread, and the surgery's message that it is an answer to."""
    latest = conversation.latest_from_surgery
    yield "the thread", conversation.thread.id
    yield "the message that it answers", latest.id if latest else None


def select_attachments(conversation: Conversation, ids: Sequence[str]) -> list[Attachment]:
    """Return the attachments with these ids, each once; if `ids` is empty, all not withdrawn.

    Raises: NotFound, also for one that was withdrawn.
    """
    known = {
        attachment.id: attachment
        for message in conversation.messages
        for attachment in message.attachments
    }
    unknown = next((identity for identity in ids if identity not in known), None)
    if unknown is not None:
        raise NotFound(
            f"Nothing called '{unknown}' is attached to this thread.",
            hint=f"What is attached: {', '.join(known)}." if known else "Nothing is attached.",
        )
    if not ids:
        return [attachment for attachment in known.values() if not attachment.is_withdrawn]
    for identity in ids:
        if known[identity].is_withdrawn:
            raise NotFound(
                f"{identity} was withdrawn: whoever made it has said that it is wrong.",
                hint=f"gpcli messages show {conversation.thread.id} shows what else there is.",
            )
    return [known[identity] for identity in dict.fromkeys(ids)]


def withdrawn_attachments(conversation: Conversation) -> list[Attachment]:
    """Return the attachments that whoever made them has said to be wrong."""
    return [
        attachment
        for message in conversation.messages
        for attachment in message.attachments
        if attachment.is_withdrawn
    ]


def _thread_rows(portal: Portal, thread: Thread) -> PlanRows:
    """Return the plan's rows on an existing thread and whom it is about."""
    parties = portal.fetch_parties()
    return (
        ("Thread", thread_label(thread)),
        ("To", ", ".join(filter(None, (thread.practitioner, thread.surgery)))),
        ("For", parties.patient.name),
        ("By", parties.on_behalf_by.name if parties.on_behalf_by else None),
    )


def thread_label(thread: Thread) -> str:
    """Return a thread's subject and id in one phrase."""
    return f"{thread.subject} ({thread.id})" if thread.subject else str(thread.id)


def _has_unread(thread: Thread) -> bool | None:
    return None if thread.unread_count is None else thread.unread_count > 0


def _is_of_kind(thread: Thread, kind: ThreadKind) -> bool | None:
    """Return whether it is of that kind; `None` = its kind is none of ours, or not told."""
    return thread.kind == kind if thread.kind in set(ThreadKind) else None


def _is_since(thread: Thread, day: date) -> bool | None:
    """Return whether its newest message is of that day or later; `None` = not known."""
    last = thread.last
    days = [last.astimezone(ZoneInfo(thread.zone)).date()] if last else []
    if thread.last_date and len(thread.last_date) == len("2027-01-31"):
        days.append(date.fromisoformat(thread.last_date))
    return max(days) >= day if days else None


def _has_correspondent(thread: Thread, name: str) -> bool | None:
    """Return whether a name on the surgery's side has `name` in it; `None` = there is no name."""
    names = " ".join(filter(None, (thread.practitioner, thread.surgery)))
    return name.strip().casefold() in names.casefold() if names else None


def _is_at_gp(thread: Thread, at_gp: Collection[str]) -> bool | None:
    """Return whether it is with one of these surgeries; `None` = the portal does not say whose."""
    return None if thread.surgery_id is None else thread.surgery_id in at_gp


def _check_open(thread: Thread) -> None:
    """Raise AlreadyAnswered if the thread is closed.

    The reason for closing it may tell of health, so the error does not repeat it.
    """
    if not thread.is_closed:
        return
    if thread.is_withdrawn:
        raise AlreadyAnswered(
            f"Thread {thread.id} was withdrawn by who began it.", hint=_BEGIN_ANEW
        )
    if thread.kind not in set(ThreadKind):
        raise AlreadyAnswered(
            f"Thread {thread.id} takes no reply: its status is {thread.status}.", hint=_BEGIN_ANEW
        )
    administrative = thread.kind == ThreadKind.ADMINISTRATIVE
    command = "gpcli contact" if administrative else "gpcli econsult start"
    raise AlreadyAnswered(
        f"The surgery has closed thread {thread.id}.",
        hint=f"gpcli messages show {thread.id} may say why; {command} begins a new one.",
    )


def _check_stands(conversation: Conversation, identity: str) -> None:
    """Raise AlreadyAnswered if `identity` names a message that its sender has withdrawn."""
    for message in conversation.messages:
        if message.id == identity and message.is_withdrawn:
            raise AlreadyAnswered(
                f"Message {message.id} was withdrawn by its sender.",
                hint=f"gpcli messages reply {conversation.thread.id} writes in its thread.",
            )


def _require_conversation(facts: ReplyFacts) -> Conversation:
    assert facts.conversation is not None, "fetch_reply_facts raises where there is none"  # noqa: S101
    return facts.conversation


def _resolve_repeat(earlier: Message, thread: Thread, draft: Draft) -> Outcome[Message]:
    if has_same_content(earlier, draft) and earlier.thread_id in {None, thread.id}:
        return Outcome(earlier, changed=False)
    raise request_id_conflict(f"message {earlier.id}")


def _find_limits(offers: Offers, thread: Thread) -> Limits:
    """Return the limits for threads of this kind; no limits if no offer starts such threads."""
    service = STARTING_SERVICES.get(thread.kind)
    for offer in offers.offers:
        if offer.name is service and thread.surgery_id in {None, offer.surgery.id}:
            return offer.limits
    return Limits()


def _preview_message(portal: Portal, conversation: Conversation, draft: Draft) -> Message:
    parties = portal.fetch_parties()
    latest = conversation.latest_from_surgery
    return Message(
        id=None,
        thread_id=conversation.thread.id,
        sent=None,
        sender=(parties.acting_user or parties.patient).name,
        mine=True,
        unread=False,
        text=draft.text,
        attachments=tuple(
            Attachment(str(number), file.name, file.content_type, len(file.content), file.content)
            for number, file in enumerate(draft.attachments, start=1)
        ),
        in_response_to=latest.id if latest else None,
        status="preparation",
    )
