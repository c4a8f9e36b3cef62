"""What runs with `--write` left at a portal, and undoing it.

Everything that a run makes is labelled (`label`), so the next one finds what a run left that was
killed, whichever machine that ran on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from gpcli.config.private_files import edit_private_file, hold_lock, make_private_directory
from gpcli.errors import GpcliError, TimedOut
from gpcli.fhir.element import Element
from gpcli.portal import queries
from gpcli.portal.prescriptions import renewals_query
from gpcli.portal.queries import Query
from gpcli.smoke.check import CheckFailed, NotTried, Probe, SmokeRun
from gpcli.smoke.excerpt import word_error
from gpcli.smoke.label import REASON, SYSTEM
from gpcli.smoke.record_checks import OPEN_STATUSES

LEASE = timedelta(seconds=60)
"""How long what another machine's run made may be in use: only then does it count as left."""

_LATE_LOOKS, _LATE_SECONDS = 10, 0.5
"""How often, and how far apart, to look for what had no answer: it may arrive late."""

_UNSETTLED = "perhaps an errand that had no answer: it may still arrive"

_POLL_SECONDS = 1.0
_WAITING = (
    f"Another run may be at work for this patient: what it made is waited for, "
    f"{LEASE.seconds} s from when it was made."
)
_MAX_WAIT = timedelta(minutes=5)
"""How long to wait for the runs of other machines."""

_ALIVE = {
    "Appointment": OPEN_STATUSES,
    "Task": frozenset({"draft", "requested", "received", "accepted", "ready", "in-progress"}),
}
"""Resource type -> the statuses of what has not been undone."""


@dataclass(frozen=True)
class Leftover:
    """A record with the label of a run, which was not undone.

    `run` is empty where the portal has lost the label, and only the words for the surgery are left.
    `received` is, for a message that the run marked, when it had been received before; empty for
    what the run made itself. `made` is when the label was given, `None` = it does not tell.
    """

    record: Element
    run: str
    made: datetime | None
    received: str = ""

    @property
    def reference(self) -> str:
        """The record's reference, `Type/id`."""
        return self.record.relative_reference


@contextmanager
def hold_writing(run: SmokeRun) -> Iterator[None]:
    """Keep other runs of this machine from writing for the same person while the body runs.

    A run that writes nothing, or for nobody, keeps none. Whatever the body made and left is undone
    afterwards, also where it was interrupted.
    Raises: TimedOut where another run is still at it at the end of the time limit.
    """
    try:
        account = run.context.account if run.write != "none" else None
    except GpcliError:
        account = None  # a check says why
    if account is None:
        yield
        return
    directory = make_private_directory(run.context.state_dir, "smoke")
    lock, doing = directory / f"{account}.lock", "runs smoke --write for this person"
    with hold_lock(lock, doing, run.context.settings.timeout):
        notes = directory / f"{account}.runs"
        run.dead_runs = frozenset(_change_notes(notes, add=[run.label.run]))
        try:
            yield
        finally:
            if not run.label.is_given:
                _change_notes(notes, remove=[run.label.run])
            elif not _undo_rest(run) and not run.is_unsettled:
                _change_notes(notes, remove=[run.label.run, *run.dead_runs])


def _undo_rest(run: SmokeRun) -> list[str]:
    """Undo what the run made and did not undo; warn of what can't be, and return it."""
    told = set(run.left)
    remaining = undo_own(run.probe)
    for each in remaining:
        if each not in told:
            run.context.output.warning(f"Left at the portal, for the next run to undo: {each}")
    return remaining


def _change_notes(path: Path, add: Iterable[str] = (), remove: Iterable[str] = ()) -> list[str]:
    """Change which runs of this machine were not finished, and return those before the change."""
    with edit_private_file(path) as file:
        before = (file.content or b"").decode("ascii", "replace").split()
        after = [each for each in (*before, *add) if each not in set(remove)]
        file.content = "".join(f"{each}\n" for each in after).encode()
    return before


def fetch_leftovers(probe: Probe) -> list[Leftover]:
    """Fetch the records that carry a label and were not undone; those that stay are left out."""
    today = probe.run.context.now().date() - timedelta(days=1)
    wanted = (
        queries.dated_appointments(probe.patient, today),
        queries.undated_appointments(probe.patient),
        renewals_query(probe.patient),
        queries.communications(probe.patient),
    )
    found: dict[str, Leftover] = {}
    for query in wanted:
        for record in _fetch_records(probe, query):
            leftover = _read_leftover(record)
            if leftover is not None:
                found[leftover.reference] = leftover
    return list(found.values())


def _fetch_records(probe: Probe, query: Query) -> list[Element]:
    try:
        return list(probe.fetch_matches(query))
    except NotTried:
        return []


def _read_leftover(record: Element) -> Leftover | None:
    """Return what a record is to a run; `None` = none made it, or it has been undone."""
    meta = record.child("meta")
    tags = meta.children("tag") if meta else ()
    codes = [each.string("code") or "" for each in tags if each.string("system") == SYSTEM]
    if codes:
        return _build_leftover(record, codes[0])
    values = [value for system, value in record.identifier_pairs() if system == SYSTEM]
    if not values and REASON in _read_words(record):
        values = [""]
    is_alive = record.string("status") in _ALIVE.get(record.resource_type, ())
    return _build_leftover(record, values[0]) if values and is_alive else None


def _read_words(record: Element) -> list[str | None]:
    """Return the words of a record for the surgery, one of which may be the reason of a run."""
    notes = [each.string("text") for each in record.children("note")]
    return [record.string("comment"), record.string("description"), *notes]


def _build_leftover(record: Element, label: str) -> Leftover:
    made, _, rest = label.partition("/")
    run, _, received = rest.partition("/")
    try:
        time = datetime.fromisoformat(made)
    except ValueError:
        time = None
    return Leftover(record, run, time if time and time.tzinfo else None, received)


def undo(probe: Probe, leftover: Leftover) -> None:
    """Undo what a run left; raise as the portal's client does."""
    record = leftover.record
    record_id = record.require_string("id")
    if record.resource_type == "Appointment":
        probe.portal.send_cancellation(record_id, uuid4())
    elif record.resource_type == "Task":
        probe.portal.prescriptions.send_withdrawal(record_id, uuid4())
    else:
        restore_message(probe, record_id, leftover.received)


def restore_message(probe: Probe, message: str, received: str) -> None:
    """Make a message as it was before the run marked it: received at `received`, without a tag.

    Raises: CheckFailed where the portal refuses that.
    """
    reference = f"Communication/{message}"
    record = probe.read_record(probe.client.get(reference))
    if record.string("received") not in {None, received}:
        _put_message(probe, without_received(record))
    _put_message(probe, {**_without_label(record.json), "received": received})


def without_received(message: Element) -> dict[str, Any]:
    """Return the JSON of a message as one that was not received."""
    return {name: value for name, value in message.json.items() if name != "received"}


def _put_message(probe: Probe, body: Mapping[str, Any]) -> None:
    response = probe.put(body)
    if not response.is_success:
        raise CheckFailed(f"a message can't be made as it was: status {response.status}", "left")


def _without_label(message: Mapping[str, Any]) -> dict[str, Any]:
    meta = message.get("meta", {})
    tags = [each for each in meta.get("tag", ()) if each.get("system") != SYSTEM]
    rest = {name: value for name, value in meta.items() if name != "tag"}
    return {**message, "meta": {**rest, "tag": tags} if tags else rest}


def undo_own(probe: Probe) -> list[str]:
    """Undo what this run made, and runs of this machine that were killed; return as `undo_all`.

    What had no answer, as where the run was interrupted, is waited for some seconds.
    """
    label, runs = probe.run.label, {probe.run.label.run, "", *probe.run.dead_runs}
    remaining = undo_all(probe, runs)
    with probe.run.context.output.progress("Waiting for what had no answer"):
        for _ in range(_LATE_LOOKS):
            if remaining or not label.unanswered:
                return remaining
            probe.run.context.sleep(_LATE_SECONDS)
            remaining = undo_all(probe, runs)
    if label.unanswered and not remaining:
        label.unanswered.clear()
        probe.run.is_unsettled = True
        remaining = [_UNSETTLED]
        probe.run.left += remaining
    return remaining


def undo_all(probe: Probe, runs: Iterable[str]) -> list[str]:
    """Undo what these runs left; return what could not be undone, which is noted in the run."""
    probe.begin()
    chosen, remaining = set(runs), list[str]()
    try:
        leftovers = [each for each in fetch_leftovers(probe) if each.run in chosen]
    except (GpcliError, CheckFailed) as error:
        remaining = [
            f"perhaps what this run made: the portal could not be asked ({_word_reason(error)})"
        ]
        leftovers = []
    for leftover in leftovers:
        probe.run.label.note_arrival(leftover.record)
        try:
            undo(probe, leftover)
        except (GpcliError, CheckFailed) as error:
            remaining.append(f"{leftover.reference}: {_word_reason(error)}")
        else:
            probe.run.undone += not _is_own(leftover, probe.run)
    probe.run.left += [each for each in remaining if each not in probe.run.left]
    return remaining


def _word_reason(error: GpcliError | CheckFailed) -> str:
    """Return why something could not be undone, as a clause, without the portal's own words."""
    return word_error(error).rstrip(".") if isinstance(error, GpcliError) else str(error)


def _is_own(leftover: Leftover, run: SmokeRun) -> bool:
    """Return whether this run made it: without a label, that is so once it has made something."""
    return leftover.run == run.label.run or (not leftover.run and run.label.is_given)


def wait_for_others(probe: Probe) -> list[Leftover]:
    """Return what earlier runs left, once nothing of it can be in use by a run elsewhere.

    Raises: TimedOut where runs elsewhere do not end.
    """
    now, output, is_told = probe.run.context.clock, probe.run.context.output, False
    end = now() + _MAX_WAIT
    while True:
        leftovers = [each for each in fetch_leftovers(probe) if each.run != probe.run.label.run]
        others = [each for each in leftovers if each.run not in probe.run.dead_runs]
        if not any(each.made and each.made + LEASE > now() for each in others):
            return leftovers
        if not is_told:
            output.notice(_WAITING)
            is_told = True
        if now() > end:
            raise TimedOut(
                "Other runs of gpcli smoke --write for this patient do not end.",
                hint="Let one job at a time write for one patient.",
            )
        probe.run.context.sleep(_POLL_SECONDS)
        probe.begin()
