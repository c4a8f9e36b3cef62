"""Taking a time at a portal that leaves its guard to clients: Slot and Appointment together.

The Slot is put back busy on the condition that it is as it was read (`ifMatch`), in one
transaction with the Appointment (R4 http.html, transaction). Portals that do not roll back may do
only a half of it: that half is undone, or named. A second identifier, of this run alone, tells
what it made from what another run of the same request made.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from uuid import uuid4, uuid5

from gpcli.errors import Conflict, GpcliError, NotPermitted, SlotTaken
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import UUID_SYSTEM, Element, resource
from gpcli.http.client import HttpResponse
from gpcli.portal import queries
from gpcli.portal.error_mapping import error_of
from gpcli.portal.mapping import require
from gpcli.portal.search import answer_in
from gpcli.portal.write.kernel import Created
from gpcli.portal.write.outcome import (
    create_entry,
    entry_url,
    if_match,
    is_final,
    is_success,
    refusal_in,
    require_one,
    tried,
)
from gpcli.portal.write.slot_booking import KIND, OTHER_WAY, SEE_SLOTS, Booking


class Half(NamedTuple):
    """What became of one entry of a transaction, and the version that it left."""

    answer: HttpResponse
    etag: str | None


def take(booking: Booking) -> Created:
    """Take the slot and create the Appointment; what `booking.book` raises."""
    context, intent = booking.context, booking.intent
    kernel, client = context.kernel, context.exchange.client
    doubt = kernel.doubt(KIND, intent, intent)
    look = partial(_look, booking)
    if earlier := booking.earlier(doubt, look):
        return _kept(booking, earlier)
    record, etag = _slot(booking)
    if record.json.get("status") != "free":
        return _there_before(booking)
    marked, headers = _marked(booking), {"X-Request-ID": str(intent)}
    body = _bundle(marked, record, etag)
    answer = kernel.sent(
        {intent: booking.body},
        lambda: client.send("POST", "", body, headers=headers, retry=doubt.wait is None),
    )
    told = _of_both(marked, record, answer)
    if told and refusal_in(told):
        return _refused(marked, told)
    return _kept(booking, kernel.conclude(told, look, doubt))


def _slot(booking: Booking) -> tuple[Element, str]:
    """The Slot as a whole, and the version that it has; raises NotPermitted without one."""
    exchange = booking.context.exchange
    if not exchange.can().transaction:
        raise NotPermitted(
            "The portal takes no transactions, and this profile books by transaction.",
            hint=OTHER_WAY,
        )
    record, answer = exchange.read(f"Slot/{booking.slot}")
    condition = if_match(record, answer.headers.get("ETag"))
    if not condition:
        raise NotPermitted(
            "The portal keeps no versions of its times, so two people could book the same one; "
            "nothing was sent.",
            hint=OTHER_WAY,
        )
    return record, condition["If-Match"]


def _marked(booking: Booking) -> Booking:
    """The same booking, with an identifier that no other run has."""
    mark = {"system": UUID_SYSTEM, "value": uuid4().urn}
    identifiers = [*booking.body["identifier"], mark]
    return replace(booking, body={**booking.body, "identifier": identifiers})


def _run_behind(booking: Booking, there: Element) -> str | None:
    """`this` run, `another` of the same request, or `None` where the portal lost the mark."""
    values = {each.json.get("value") for each in there.children("identifier")}
    if booking.body["identifier"][-1]["value"] in values:
        return "this"
    urns = [value for value in values if isinstance(value, str) and value.startswith("urn:uuid:")]
    return "another" if len(urns) > 1 else None


def _bundle(booking: Booking, record: Element, etag: str) -> dict[str, Any]:
    reference = f"Slot/{booking.slot}"
    busy = {
        "fullUrl": f"{booking.context.exchange.client.base}/{reference}",
        "resource": {**record.json, "status": "busy"},
        "request": {"method": "PUT", "url": reference, "ifMatch": etag},
    }
    made = {"fullUrl": entry_url(booking.intent), **create_entry(booking.intent, booking.body)}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [busy, made]}


def _there_before(booking: Booking) -> Created:
    """What an earlier run with the same intent made of a time that is not free any more."""
    there, known = _look(booking)
    if there.matches:
        return booking.left(there, known)
    raise SlotTaken(f"The time {booking.slot} is taken.", hint=SEE_SLOTS)


def _look(booking: Booking) -> tuple[Bundle, Bundle]:
    """What bears the intent's identifier; and what holds the time, with the Slot itself."""
    return booking.look(queries.slot(booking.slot))


def _kept(booking: Booking, created: Created) -> Created:
    """`created`, if the time went with it; else it is cancelled again: others could take it."""
    slot = created.known.get(f"Slot/{booking.slot}")
    if slot is None or slot.json.get("status") != "free" or not created.changed:
        return created
    booking.give_back(require(lambda: created.there.matches[0].need("id")))
    raise Conflict(
        "The portal made the booking but left the time free for others, so the booking was "
        "cancelled again.",
        hint=f"Call the surgery. {OTHER_WAY}",
        request_id=str(booking.intent),
    )


def _of_both(booking: Booking, record: Element, answer: HttpResponse | None) -> HttpResponse | None:
    """The answer to both entries as one to the create.

    `None` where nobody knows what was done. Raises the refusal where only the Slot was changed.
    """
    if answer is None or not is_success(answer):
        return booking.explained(answer) if answer else None
    slot, made = _halves(answer)
    if slot is None or made is None:
        return None
    if is_success(slot.answer) and is_success(made.answer):
        return made.answer
    refused = made if is_success(slot.answer) else slot
    if not is_final(refused.answer):
        return None
    if not is_success(slot.answer):
        return booking.explained(slot.answer)
    seen = tried(partial(_look, booking))
    if seen is None or seen[0].matches:
        return None
    raise _without_appointment(booking, record, slot, made)


def _halves(answer: HttpResponse) -> tuple[Half | None, Half | None]:
    """What became of the Slot and of the Appointment."""
    try:
        slot, made = (_half(each, answer) for each in resource(answer.body).children("entry"))
    except ValueError:
        return None, None
    return slot, made


def _half(entry: Element, answer: HttpResponse) -> Half:
    response = entry.child("response")
    return Half(answer_in(entry, answer), response.text("etag") if response else None)


def _refused(booking: Booking, answer: HttpResponse) -> Created:
    """What another run of this request made; else raises the refusal.

    What this one left behind without the time is cancelled first.
    """
    seen = tried(partial(_look, booking))
    there, known = seen or (Bundle(), Bundle())
    booking.context.kernel.end(booking.intent, "done" if there.matches else "refused")
    if not there.matches:
        raise error_of(answer)
    require_one(there, booking.intent, KIND)
    made, run = require(lambda: there.matches[0].need("id")), _run_behind(booking, there.matches[0])
    if run == "another":
        return Created(there, known, changed=False)
    if run is None:
        raise _left(booking, made)
    booking.give_back(made)
    raise error_of(answer)


def _left(booking: Booking, made: str) -> Conflict:
    return Conflict(
        f"The portal refused to take the time, but shows a booking of it: {made}.",
        hint=f"gpcli appointments show {made} tells how it stands, gpcli cancel {made} ends it.",
        request_id=str(booking.intent),
    )


def _without_appointment(booking: Booking, record: Element, slot: Half, made: Half) -> GpcliError:
    """The time was taken, but no booking made of it: it is set free again."""
    booking.context.kernel.end(booking.intent, "refused")
    refusal = error_of(made.answer)
    freed = _set_free(booking, record, slot.etag)
    ending = "The time is free again." if freed else "The surgery may have to free the time again."
    refusal.hint = f"{refusal.hint} {ending}".strip()
    return refusal


def _set_free(booking: Booking, record: Element, etag: str | None) -> bool:
    """Put the Slot back as it was, if it is still as we left it; whether that worked."""
    if not etag:
        return False
    kernel, client = booking.context.kernel, booking.context.exchange.client
    intent, reference = uuid5(booking.intent, "set free"), f"Slot/{booking.slot}"
    headers = {"If-Match": etag, "X-Request-ID": str(intent)}
    body = dict(record.json)
    try:
        answer = kernel.sent(
            {intent: body}, lambda: client.send("PUT", reference, body, headers=headers), reference
        )
    except GpcliError:  # it was not sent
        return False
    freed = answer is not None and is_success(answer)
    kernel.end(intent, "done" if freed else "refused" if refusal_in(answer) else "unknown")
    return freed
