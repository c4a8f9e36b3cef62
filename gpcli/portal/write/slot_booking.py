"""Take a time in the way that the portal has for it, and make sure that it is ours alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from gpcli.errors import Conflict, GpcliError, NotPermitted, Rejected, SlotTaken
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed, resource
from gpcli.fhir.scheduling import holders, write_cancelled
from gpcli.http.client import HttpResponse
from gpcli.model.appointment import Appointment
from gpcli.model.receipt import WriteResult
from gpcli.portal import queries
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.error_mapping import PROBLEM, error_of
from gpcli.portal.mapping import unwrap
from gpcli.portal.write.kernel import Created, Doubt, WriteKernel
from gpcli.portal.write.outcome import bearing, is_success, refusal_in, require_one, tried

PATH = "Appointment/$book"
STATUS = "pending"
"""What the Appointment of a new booking is sent with, whatever the portal makes of it."""

_CREATED, _UNCLEAR, _UNPROCESSABLE = 201, 500, 422
_ERRORS = frozenset({"error", "fatal"})

_STATUSES = {
    "login": 401,
    "expired": 401,
    "security": 403,
    "forbidden": 403,
    "suppressed": 403,
    "not-found": 404,
    "deleted": 404,
    "conflict": 409,
    "duplicate": 409,
    "multiple-matches": 409,
    "exception": _UNCLEAR,
    "incomplete": _UNCLEAR,
    "lock-error": _UNCLEAR,
    "no-store": _UNCLEAR,
    "timeout": _UNCLEAR,
    "transient": _UNCLEAR,
}
"""Issue type (R4 IssueType) -> the HTTP status that says the same; others are refusals."""


def book_parameters(appointment: Mapping[str, Any]) -> dict[str, Any]:
    """The Parameters that ask for `appointment`."""
    asked = {"name": "appointment-resource", "resource": {**appointment, "status": STATUS}}
    return {"resourceType": "Parameters", "parameter": [asked]}


def as_create(answer: HttpResponse) -> HttpResponse:
    """The answer to `$book` as one to a create: 201 with the Appointment, or why not.

    One that says neither counts as a fault: nobody knows then what was done.
    """
    if not is_success(answer):
        return answer
    try:
        return _read(answer)
    except Malformed:
        return replace(answer, status=_UNCLEAR, body=None)


def _read(answer: HttpResponse) -> HttpResponse:
    found = list(_inside(resource(answer.body)))
    for one in found:
        if one.kind == "Appointment":
            return replace(answer, status=_CREATED, body=dict(one.json))
    for one in found:
        for code in _refusals(one):
            return replace(answer, status=_STATUSES.get(code, _UNPROCESSABLE), body=dict(one.json))
    return replace(answer, status=_UNCLEAR, body=None)


def _inside(one: Element) -> Iterator[Element]:
    """A resource, or what a Bundle or Parameters holds, however wrapped."""
    lists = {"Bundle": "entry", "Parameters": "parameter"}
    if one.kind not in lists:
        yield one
        return
    for part in one.children(lists[one.kind]):
        if "resource" in part.json:
            yield from _inside(resource(part.json["resource"]))


def _refusals(one: Element) -> Iterator[str]:
    """The types of the errors of an OperationOutcome."""
    issues = one.children("issue") if one.kind == "OperationOutcome" else ()
    return (each.text("code") or "" for each in issues if each.text("severity") in _ERRORS)


KIND = "Appointment"
SEE_SLOTS = "gpcli slots lists the free times."
OTHER_WAY = "Set the profile's booking to auto, or ask the people who run the portal."
_LOOK_AT_LIST = "gpcli appointments list shows what is there."
_CONFIRMED = frozenset({"booked", "arrived", "checked-in"})
_NO_SUCH_OPERATION = frozenset({400, 404, 405, 501})
"""What portals answer to an operation that they don't have."""
_UNEXPLAINED = frozenset({Conflict, Rejected})
"""Refusals that may well mean that the time is taken, by a portal that does not say so."""

_TAKEN = {
    "resourceType": "OperationOutcome",
    "issue": [
        {
            "severity": "error",
            "code": "conflict",
            "details": {
                "coding": [{"system": PROBLEM, "code": "slot-taken"}],
                "text": "The portal shows this time as taken.",
            },
        }
    ],
}


@dataclass(frozen=True)
class Booking:
    """A time to take: the slot's id, the Appointment that takes it, and the intent behind it."""

    context: PortalDependencies
    slot: str
    body: Mapping[str, Any]
    intent: UUID

    @property
    def witness(self) -> queries.Query:
        """The question for all that holds the time, as far as this sign-in may see."""
        return queries.on_slot(self.slot)

    def look(self, *more: queries.Query) -> tuple[Bundle, Bundle]:
        """What bears the intent's identifier, and what holds the time; with it, `more`."""
        asked = queries.by_identifier(KIND, self.intent), self.witness, *more
        there, *others = self.context.exchange.ask(*asked)
        known = Bundle()
        for each in others:
            known.add(each if isinstance(each, Bundle) else Bundle())
        return bearing(unwrap(there), KIND, self.intent), known

    def earlier(self, doubt: Doubt, look: Callable[[], tuple[Bundle, Bundle]]) -> Created | None:
        """What an earlier run with the same intent left, if there was one; as Errands.create."""
        if doubt.held:
            return self.context.kernel.conclude(None, look, doubt)
        there, known = look() if doubt.known else (Bundle(), Bundle())
        return self.left(there, known) if there.matches else None

    def left(self, there: Bundle, known: Bundle) -> Created:
        """What another run with the same intent made; raises Conflict unless it is one record."""
        require_one(there, self.intent, KIND)
        self.context.kernel.end(self.intent, "done")
        return Created(there, known, changed=False)

    def explained(self, answer: HttpResponse) -> HttpResponse:
        """`answer`; a refusal that gives no reason names the taken time, where it is taken."""
        if type(refusal_in(answer)) in _UNEXPLAINED and self._is_taken():
            return replace(answer, status=409, body=_TAKEN)
        return answer

    def _is_taken(self) -> bool:
        seen = tried(lambda: self.context.exchange.whole(queries.slot(self.slot)))
        shown = seen.get(f"Slot/{self.slot}") if seen else None
        return shown is not None and shown.json.get("status") not in {"free", None}

    def give_back(self, made: str) -> None:
        """Cancel what was booked; raises Conflict where that does not work.

        It is in the journal from the beginning, so that no repeat takes the booking for a success.
        """
        kernel, undoing, reference = (
            self.context.kernel,
            _given_back(self.intent),
            f"{KIND}/{made}",
        )
        try:
            kernel.begin(undoing, {"resourceType": KIND, "id": made}, reference)
            kernel.update(reference, write_cancelled, _is_cancelled, undoing)
        except GpcliError as trouble:
            raise _still_there(
                made, self.intent, f"could not be cancelled: {trouble.message}"
            ) from trouble
        kernel.end(undoing, "done")


def book(booking: Booking, read: Callable[[Bundle], Appointment]) -> WriteResult[Appointment]:
    """Take a time and read it back with `read`, which raises Conflict for what isn't ours.

    What turns out to come second, where a portal lets several take one time, is cancelled again.
    Raises SlotTaken, Conflict, NotPermitted where the portal lacks what the profile's way needs,
    Rejected where it ended the booking at once, OutcomeUnknown, or the portal's refusal.
    """
    exchange = booking.context.exchange
    created = _WAYS[way_to_book(booking.context.portal_profile.booking, exchange.can())](booking)
    made = read(created.there)
    if made.slot_id not in {None, booking.slot}:
        raise Conflict(
            f"The portal booked another time than {booking.slot}: {made.id}.", hint=_LOOK_AT_LIST
        )
    if created.changed:
        _require_first(booking, created)
    if made.over:
        raise Rejected(
            f"The portal has your booking, but as {made.status}: {made.id}.", hint=SEE_SLOTS
        )
    return WriteResult(made, created.changed)


def require_ours(kernel: WriteKernel, intent: UUID, made: str) -> None:
    """Raise Conflict for a living booking that an earlier run with this intent was to cancel."""
    undoing = _given_back(intent)
    if kernel.doubt(KIND, undoing, undoing, conditional=False).known:
        raise _still_there(made, intent, "has still to be cancelled.")


def _given_back(intent: UUID) -> UUID:
    return uuid5(intent, "given back")


def _still_there(made: str, intent: UUID, how: str) -> Conflict:
    return Conflict(
        f"The time is not yours, and your booking {made} of it {how}",
        hint=f"Try gpcli cancel {made}, or call the surgery.",
        request_id=str(intent),
    )


def way_to_book(asked: str, can: Capabilities) -> str:
    """`asked`, a profile's `booking`; `auto` is `operation` if the portal has it, else `post`."""
    if asked != "auto":
        return asked
    return "operation" if can.book_operation else "post"


def _post(booking: Booking) -> Created:
    """Create the Appointment; the portal guards the slot."""
    kernel = booking.context.kernel
    return kernel.create(
        KIND, booking.body, booking.intent, booking.witness, through=booking.explained
    )


def _operation(booking: Booking) -> Created:
    """Ask for it with `$book`, which no portal recognises when it comes again."""
    kernel, client = booking.context.kernel, booking.context.exchange.client
    intent = booking.intent
    doubt = kernel.doubt(KIND, intent, intent, conditional=False)
    if earlier := booking.earlier(doubt, booking.look):
        return earlier
    asked, headers = book_parameters(booking.body), {"X-Request-ID": str(intent)}
    answer = kernel.sent(
        {intent: booking.body}, lambda: client.send("POST", PATH, asked, headers=headers)
    )
    _require_operation(booking, answer)
    told = booking.explained(as_create(answer)) if answer else None
    return kernel.conclude(told, booking.look, doubt)


def _require_operation(booking: Booking, answer: HttpResponse | None) -> None:
    """Raise NotPermitted for the answer of a portal that has no `$book`, nor says so."""
    if answer is None or answer.status not in _NO_SUCH_OPERATION:
        return
    if booking.context.exchange.can().book_operation:
        return
    booking.context.kernel.end(booking.intent, "refused")
    raise NotPermitted(
        "This profile books by operation, and the portal does not list Appointment/$book. "
        f"{error_of(answer).message}",
        hint=OTHER_WAY,
    )


def _transaction(booking: Booking) -> Created:
    from gpcli.portal.write.slot_transaction import take  # noqa: PLC0415  (few portals need it)

    return take(booking)


_WAYS: Mapping[str, Callable[[Booking], Created]] = {
    "post": _post,
    "operation": _operation,
    "transaction": _transaction,
}


def _require_first(booking: Booking, created: Created) -> None:
    """Raise SlotTaken, with ours cancelled, where another booking of the time came before ours.

    In the portal's own order, so that no two clients find themselves first.
    """
    (ours,) = created.there.matches
    rivals = holders(created.known, booking.slot) - {ours.json["id"]}
    others = (each for each in created.known.matches if each.json.get("id") in rivals)
    if not any(map(partial(_came_first, ours=ours), others)):
        return
    booking.give_back(ours.json["id"])
    raise SlotTaken(
        "Another booking of this time came first; the one just made was cancelled again.",
        hint=SEE_SLOTS,
        request_id=str(booking.intent),
    )


def _came_first(rival: Element, ours: Element) -> bool:
    """Whether `rival` goes before `ours`: confirmed ones do, then what was stored first.

    Where the portal does not tell when, or of both the same, it does: of two that look one after
    the other, both may not stay.
    """
    theirs, own = _stored(rival), _stored(ours)
    if theirs is None or own is None:
        return True
    return (_waits(rival), theirs) <= (_waits(ours), own)


def _waits(one: Element) -> bool:
    return one.json.get("status") not in _CONFIRMED


def _stored(one: Element) -> datetime | None:
    try:
        meta = one.child("meta")
        stored = meta.instant("lastUpdated") if meta else None
        return stored.astimezone(UTC) if stored else None
    except Malformed:
        return None


def _is_cancelled(record: Element) -> bool:
    return record.text("status") == "cancelled"
