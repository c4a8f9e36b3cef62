"""The outbox: what went out and has no known outcome, or is done in part, and settling it.

What went out is in the journal; the portal is asked only to settle.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from gpcli.config.index_format import FROM_ENVIRONMENT
from gpcli.config.kept_requests import KEPT_SECONDS, KeptRequest, KeptRequests
from gpcli.config.private_files import sweep_drafts
from gpcli.errors import Conflict, GpcliError, InvalidUsage, NotFound, NotSignedIn
from gpcli.journal import Journal, JournalEntry, derive_intent
from gpcli.model.receipt import OutboxPart, OutboxRequest, OutboxState, RecordKind

if TYPE_CHECKING:
    from gpcli.app_context import AppContext
    from gpcli.config.offer_index import IndexedPerson
    from gpcli.config.profiles import Profile

_KINDS: dict[str, RecordKind] = {
    "Appointment": "appointment",
    "Communication": "message",
    "Consent": "consent",
    "Slot": "time",
    "Task": "request",
}
"""Resource type of what gpcli writes -> what a patient calls such a record."""

_UNSENT_SECONDS = 3600.0
"""Seconds for which a line is kept whose request is not in the journal: it may be about to be."""

_TEXT_OPTIONS = ("--message", "--message-file")


@dataclass(frozen=True)
class _JournaledRequest:
    """The writes of one request of one account."""

    id: UUID
    account: str
    writes: tuple[JournalEntry, ...]

    def find_state(self, write: JournalEntry, now: datetime) -> OutboxState:
        if write.is_under_way(now):
            return OutboxState.SENDING
        if write.state in {"sending", "unknown"}:
            return OutboxState.UNKNOWN
        return OutboxState.DONE if write.state == "done" else OutboxState.NOT_DONE

    def summarise(self, now: datetime) -> OutboxState:
        lasting = [write for write in self.writes if write.effect != {}] or self.writes
        states = {self.find_state(write, now) for write in lasting}
        for state in (OutboxState.SENDING, OutboxState.UNKNOWN):
            if state in states:
                return state
        return states.pop() if len(states) == 1 else OutboxState.PARTLY_DONE

    def needs_settling(self, now: datetime) -> bool:
        """Return whether its outcome is open, or a whole of it is done in part."""
        state = self.summarise(now)
        if state is not OutboxState.PARTLY_DONE:
            return state is OutboxState.UNKNOWN
        done = {write.intent for write in self.writes if write.state == "done"}
        wholes = [set(write.whole) for write in self.writes if write.whole]
        return any(whole & done and not whole <= done for whole in wholes)


def _read_requests(journal: Journal, *, recent: bool = False) -> list[_JournaledRequest]:
    """Return what the journal has, by request and account, oldest first; raise ConfigError."""
    requests: dict[tuple[UUID, str], list[JournalEntry]] = {}
    for entry in journal.read_entries(recent=recent):
        requests.setdefault((entry.request, entry.account), []).append(entry)
    return [_JournaledRequest(*key, tuple(writes)) for key, writes in requests.items()]


def count_unsettled(context: AppContext) -> int:
    """Return how many requests need settling, besides that of this run; 0 if nothing is known.

    The command lines of those that are settled are forgotten, and what a gpcli that was killed had
    half written of lines and texts.
    """
    for directory in (KeptRequests(context.state_dir).directory, _find_drafts(context)):
        sweep_drafts(directory)
    try:
        found = _read_requests(Journal(context.state_dir), recent=True)
        _forget_settled(context, found)
    except GpcliError:  # whoever needs the journal is told
        return 0
    now, own = context.clock(), _find_own(context)
    return sum(each.id != own and each.needs_settling(now) for each in found)


def _forget_settled(context: AppContext, recent: Iterable[_JournaledRequest]) -> None:
    """Forget the lines of requests that are done, were refused, or are too old, and their drafts.

    A draft stays where its text may not have been sent. `recent` are the latest requests; where
    they are not all that have a line, the whole journal is read. Raises: ConfigError for that.
    """
    kept, now = KeptRequests(context.state_dir), context.clock()
    requests, known = [*kept.list_requests()], {each.id: each for each in recent}
    if any(request not in known for request in requests):
        known = {each.id: each for each in _read_requests(Journal(context.state_dir))}
    for request in requests:
        journaled, line = known.get(request), kept.read(request)
        age = now.timestamp() - line.at if line else KEPT_SECONDS
        if age < (_find_keeping_time(journaled, now) if journaled else _UNSENT_SECONDS):
            continue
        if journaled and journaled.summarise(now) is OutboxState.DONE:
            _delete_draft(context, line)
        kept.delete(request)


def _find_keeping_time(journaled: _JournaledRequest, now: datetime) -> float:
    """Return for how many seconds the line of a request is kept; 0 where nothing is to finish."""
    is_open = journaled.needs_settling(now) or journaled.summarise(now) is OutboxState.SENDING
    states = {write.state for write in journaled.writes}
    is_wanted = is_open or "not_done" in states or {"done", "not_sent"} <= states
    return KEPT_SECONDS if is_wanted else 0.0


def _find_drafts(context: AppContext) -> Path:
    return context.state_dir / "drafts"


def _delete_draft(context: AppContext, kept: KeptRequest | None) -> None:
    if kept is None or kept.draft is None:
        return
    draft = Path(kept.draft)
    if draft.parent == _find_drafts(context):
        with suppress(OSError):
            draft.unlink()


def settle_own(context: AppContext) -> None:
    """Ask the portal what became of an earlier try of this run's request, if that is open.

    It is for a repeat that has found nothing to do, and so has not looked at what the earlier try
    was to make or change.
    """
    own, now = _find_own(context), context.clock()
    with suppress(GpcliError):
        entries = Journal(context.state_dir).read_entries()
        writes = [each for each in entries if each.request == own and each.is_open]
        if writes and not any(each.is_under_way(now) for each in writes):
            context.portal.fetch_outcomes(writes)


def _find_own(context: AppContext) -> UUID | None:
    """Return the id of this run's request; `None` = it has none, or it is not known."""
    with suppress(ValueError):
        request = context.sending.request
        return request.id if request else UUID(context.options.request_id or "")
    return None


def find_own_target(context: AppContext, resource_type: str) -> str | None:
    """Return the id of what an earlier try of this run's request was to change, of this type.

    `None` = there was none, or the line names none; a create changes nothing.
    Raises: ConfigError where the journal can't be read.
    """
    if not context.options.may_be_repeat:
        return None
    own, account = _find_own(context), context.account
    for entry in Journal(context.state_dir).read_entries():
        kind, _, identity = (entry.target or "").partition("/")
        is_own = entry.request == own and entry.account == account
        if is_own and entry.effect and kind == resource_type:
            return identity
    return None


def may_have_been_sent(context: AppContext, *, asked: bool) -> bool:
    """Return whether some of this run's request was, or may have been, sent, now or before.

    With `asked` the portal has just shown nothing of it: then only what it may still carry out
    counts. False where the journal can't be read.
    """
    own, now = _find_own(context), context.clock()
    with suppress(GpcliError):
        found = _read_requests(Journal(context.state_dir))
        writes = [write for each in found if each.id == own for write in each.writes]
        if asked:
            return any(write.is_open and write.time_left(now) for write in writes)
        return any(write.is_open or write.state == "done" for write in writes)
    return False


def read_outbox(context: AppContext) -> list[OutboxRequest]:
    """Return all requests that went out from this computer, oldest first; raise ConfigError.

    Where the line names a profile, they are those of that profile.
    """
    journaled = _read_requests(Journal(context.state_dir))
    described = (_describe(context, each) for each in journaled)
    return [each for each in described if context.options.profile in {None, each.profile}]


def find_request(
    context: AppContext, requests: Sequence[OutboxRequest], wanted: str
) -> OutboxRequest:
    """Return the request whose id is `wanted`, or the only one whose id begins with it.

    Its id is also what `--request-id` gave, where that stands in its line, or is of somebody who
    signs in here.
    Raises: NotFound, InvalidUsage where several requests have the id, or one that begins with it.
    """
    exact = [each for each in requests if wanted in {each.request_id, each.own_id}]
    exact = exact or _find_derived(context, requests, wanted)
    found = exact or [each for each in requests if wanted and each.request_id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if exact:
        raise InvalidUsage(
            f"Several requests have the id '{wanted}', by different commands or for different "
            "people.",
            hint="gpcli outbox list --all shows another id of each.",
        )
    if found:
        raise InvalidUsage(f"Several requests have an id that begins with '{wanted}'.")
    raise NotFound(
        f"There is no request '{wanted}' in the outbox.",
        hint="gpcli outbox list --all shows what went out from this computer.",
    )


def _find_derived(
    context: AppContext, requests: Sequence[OutboxRequest], wanted: str
) -> list[OutboxRequest]:
    """Return the requests that `--request-id` `wanted` stands for, for whoever signs in here."""
    sign_ins = _list_sign_ins(context) if wanted else []
    derived = {
        str(derive_intent(wanted, profile, partial(str, patient), command))
        for profile, patient in sign_ins
        for command in {each.command or "" for each in requests}
    }
    return [each for each in requests if each.request_id in derived]


def _list_sign_ins(context: AppContext) -> list[tuple[Profile, str]]:
    """Return each profile that can be read, with the id of each patient who signs in there."""
    found: list[tuple[Profile, str]] = []
    with suppress(GpcliError):
        profile, patient = context.profile, context.settings.patient
        people = context.index.read_people(context.index_key)
        found += ((profile, each) for each in (patient, *(one.patient for one in people)) if each)
    with suppress(GpcliError):
        profiles = context.config.profiles
        found += (
            (profiles[name], each.patient)
            for name in profiles
            for each in context.index.read_people(name)
        )
    return found


def _describe(context: AppContext, journaled: _JournaledRequest) -> OutboxRequest:
    now, first = context.clock(), journaled.writes[0]
    state = journaled.summarise(now)
    people = context.index.read_people(first.profile)
    own = next((each for each in people if each.account == journaled.account), None)
    parts = [
        OutboxPart(
            _name_kind(write),
            write.target.partition("/")[2] if write.target else None,
            journaled.find_state(write, now),
        )
        for write in journaled.writes
    ]
    is_unfinished = state not in {OutboxState.DONE, OutboxState.SENDING}
    kept = KeptRequests(context.state_dir).read(journaled.id) if is_unfinished else None
    repeat = None
    if kept:
        sender = _list_sender_options(context, first.profile, own, len(people)) if own else []
        repeat = _format_line(kept, str(journaled.id), sender)
    return OutboxRequest(
        request_id=str(journaled.id),
        command=first.command or None,
        state=state,
        sent=_parse_time(first.began),
        profile=first.profile,
        patient=own.name if own else None,
        needs_settling=journaled.needs_settling(now),
        can_be_found=all(write.can_be_found for write in journaled.writes),
        parts=tuple(parts),
        repeat=repeat,
        own_id=kept.request_id if kept else None,
    )


def _name_kind(write: JournalEntry) -> RecordKind:
    """Return what a patient calls the record of a write; the first of a thread is its header."""
    return (
        "thread" if write.intent in write.whole[:1] else _KINDS.get(write.resource_type, "record")
    )


def _parse_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # no time that gpcli wrote
        return None


def _list_sender_options(
    context: AppContext, profile: str, person: IndexedPerson, people: int
) -> list[tuple[str, str]]:
    """Return the options that name a profile, and the person, where the line alone may not.

    `people` is how many are signed in at the profile.
    """
    is_used = False
    with suppress(GpcliError):
        is_used = context.profile.name == profile and len(context.config.profiles) == 1
    named = [] if is_used else [("--profile", profile)]
    return [*named, ("--as", person.patient)] if people > 1 else named


def _format_line(kept: KeptRequest, request_id: str, sender: Iterable[tuple[str, str]]) -> str:
    """Format the line that repeats a request, from where it was typed.

    The options `sender` are added where the line has them not.
    """
    argv = [*kept.argv]
    given = {word.partition("=")[0] for word in argv}
    argv += (word for pair in sender if pair[0] not in given for word in pair)
    if kept.draft and Path(kept.draft).exists():
        argv = [*_without_options(argv, _TEXT_OPTIONS), "--message-file", kept.draft]
    argv = [*_without_options(argv, ("--request-id",)), "--request-id", request_id]
    line = shlex.join(["gpcli", *argv])
    with suppress(OSError):
        if kept.directory == str(Path.cwd()):
            return line
    return f"cd {shlex.quote(kept.directory)} && {line}"


def _without_options(argv: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """Yield a command line without the options `names` and their values."""
    words = iter(argv)
    for word in words:
        if word in names:
            next(words, None)
        elif word.partition("=")[0] not in names:
            yield word


def settle(
    context: AppContext,
    chosen: Sequence[OutboxRequest],
    open_sign_in: Callable[[str, str], AppContext],
) -> list[GpcliError]:
    """Ask the portals what became of requests; return why some of it can't be told.

    What is not known yet, and may still be done by the portal, stays as it is. `open_sign_in`
    returns the context of another sign-in, by its profile and account.
    Raises: ConfigError for the journal.
    """
    wanted = {each.request_id for each in chosen}
    now, failures = context.clock(), []
    by_sign_in: dict[tuple[str, str], list[JournalEntry]] = {}
    for journaled in _read_requests(Journal(context.state_dir)):
        for write in journaled.writes if str(journaled.id) in wanted else ():
            if (write.is_open or write.is_left) and not write.is_under_way(now):
                by_sign_in.setdefault((write.profile, write.account), []).append(write)
    for (profile, account), writes in by_sign_in.items():
        try:
            sign_in = _find_sign_in(context, profile, account, open_sign_in)
            failures += sign_in.portal.fetch_outcomes(writes)
        except GpcliError as error:
            failures.append(error)
    return failures


def find_latest_end(context: AppContext, request_ids: Collection[str]) -> datetime | None:
    """Return until when the portal may still carry out one of these; `None` = it can't any more."""
    now = context.clock()
    entries = Journal(context.state_dir).read_entries()
    ours = (entry for entry in entries if entry.is_open and str(entry.request) in request_ids)
    ends = [
        (now + time_left).astimezone(datetime.fromisoformat(entry.at).tzinfo)
        for entry in ours
        if (time_left := entry.time_left(now))
    ]
    return max(ends, default=None)


def _find_sign_in(
    context: AppContext,
    profile: str,
    account: str,
    open_sign_in: Callable[[str, str], AppContext],
) -> AppContext:
    """Return the context of the sign-in that made a request; raise NotSignedIn if it is gone."""
    if any(each.account == account for each in context.index.read_people(profile)):
        return open_sign_in(profile, account)
    with suppress(GpcliError):
        if context.account == account:  # a machine's
            return context
    if profile == FROM_ENVIRONMENT:
        raise NotSignedIn(
            "It was sent with other variables than these (GPCLI_PORTAL, GPCLI_PATIENT).",
            hint="Set those with which it was sent.",
        )
    raise NotSignedIn(
        f"Whoever sent it is not signed in at {profile} any more.", hint="gpcli login signs in."
    )


def mark(context: AppContext, request: OutboxRequest, *, is_done: bool) -> None:
    """Record what a person has found out about a request.

    Raises: Conflict where it is settled, or being sent; ConfigError for the journal.
    """
    if request.state is OutboxState.SENDING:
        raise Conflict(f"Another gpcli is sending {request.request_id} at this moment.")
    if not request.needs_settling:
        raise Conflict(f"{request.request_id} is settled: {request.state.replace('_', ' ')}.")
    journal, at = Journal(context.state_dir), context.clock().isoformat(timespec="seconds")
    for entry in journal.read_entries():
        if str(entry.request) == request.request_id and entry.state != "done":
            journal.record_state(entry.intent, "done" if is_done else "not_done", at)
