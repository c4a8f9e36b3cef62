"""Checks of errands: each is done, its effect is read back, and it is undone."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from gpcli.care.prescription_list import WITHDRAWN, is_in_use
from gpcli.care.renewal_warnings import STRICT_GROUPS
from gpcli.care.slots import DAYS_AHEAD
from gpcli.config.profile_keys import SENT_STATUSES
from gpcli.errors import NotAllowed, OutcomeUnknown, Rejected, SlotTaken
from gpcli.fhir.bundle import read_bundle
from gpcli.fhir.element import UUID_SYSTEM, Element, Malformed
from gpcli.fhir.patient import is_about_patient, is_synthetic
from gpcli.http.client import HttpResponse
from gpcli.http.send import TRACE_ID
from gpcli.model.appointment import Slot, Window
from gpcli.model.prescription import Prescription
from gpcli.model.service import Offer, ServiceName
from gpcli.model.smoke import Writing
from gpcli.model.thread import Draft, ThreadKind
from gpcli.portal import queries
from gpcli.portal.prescriptions import renewals_query
from gpcli.portal.queries import Query
from gpcli.smoke import contract
from gpcli.smoke.check import (
    CheckFailed,
    Doubtful,
    NotTried,
    Probe,
    SmokeCheck,
    TrialBooking,
    tell_number,
)
from gpcli.smoke.label import REASON, SYSTEM, SentCreate
from gpcli.smoke.leftovers import (
    restore_message,
    undo_all,
    undo_own,
    wait_for_others,
    without_received,
)
from gpcli.smoke.record_checks import require_offered

_EARLIEST = timedelta(days=2)
"""Times that are nearer are left to patients, where there are others."""

_TAKEN = frozenset({409, 412})
"""Statuses with which a portal may refuse a time that is taken, or a change of an old version."""

LEFTOVERS = "leftovers"
"""The name of the check that comes before all that write."""

_MAX_RACES = 3
"""How many times that are said to be free are asked for until one is."""

_MAX_PRESCRIPTIONS = 3
"""How many prescriptions are tried until one may be renewed."""


def check_leftovers(probe: Probe) -> str:
    """Undo what earlier runs left."""
    leftovers = wait_for_others(probe)
    if not leftovers:
        return "earlier runs left nothing"
    remaining = undo_all(probe, {each.run for each in leftovers})
    if remaining:
        raise CheckFailed(f"what an earlier run left can't be undone: {remaining[0]}", "left")
    return f"{tell_number(len(leftovers), 'record')} of earlier runs undone"


def check_test_patient(probe: Probe) -> str:
    """Look whether the patient is one for tests: only for those anything is written."""
    record = probe.read_record(probe.get(f"Patient/{probe.patient}"))
    if not is_synthetic(record, probe.run.synthetic_rules):
        raise CheckFailed(
            "nothing tells that this is a test patient, so nothing is written: the profile's table "
            "synthetic says which are (gpcli help smoke)",
            "not_permitted",
        )
    return "the patient is one for tests"


def check_book(probe: Probe) -> str:
    """Book a free time, and read the booking back."""
    booking = _book(probe, ServiceName.BOOKING)
    probe.facts.booking = booking
    return f"a time was booked: {booking.record.string('status')}"


def _book(probe: Probe, name: ServiceName) -> TrialBooking:
    services = require_offered(probe, name)
    _require_undoable(probe)
    offers, taken = [each.offer for each in services if each.offer], set[str]()
    for _ in range(_MAX_RACES):
        slot, offer = _find_free_time(probe, offers, taken)
        try:
            return _book_time(probe, slot, offer)
        except SlotTaken:  # somebody else was faster, as happens to patients
            taken.add(slot.id)
    raise CheckFailed(f"{_MAX_RACES} times that are said to be free are taken", SlotTaken.code)


def _book_time(probe: Probe, slot: Slot, offer: Offer) -> TrialBooking:
    intent = uuid4()
    probe.client.creates.clear()
    probe.portal.send_booking(slot, offer, REASON, intent)
    record = _find_created(probe, "Appointment", intent)
    _require_answered(probe, "a booking")
    for name_, wanted in (("start", slot.start), ("end", slot.end)):
        if record.instant(name_) != wanted:
            raise CheckFailed(f"the booking has another {name_} than the time that was booked")
    if record.string("status") not in SENT_STATUSES:
        raise CheckFailed(f"the booking has the status {record.string('status')}")
    if REASON not in (record.string("comment"), record.string("description")):
        raise CheckFailed("the booking has lost the reason for it")
    if slot.has_record and f"Slot/{slot.id}" not in record.references("slot"):
        raise CheckFailed("the booking does not name the time that was booked")
    return TrialBooking(slot, offer, probe.client.creates[-1], intent, record)


def _require_undoable(probe: Probe) -> None:
    """Raise NotTried where the portal would not let a booking be cancelled."""
    cancelling = [each for each in probe.facts.services if each.service is ServiceName.CANCELLATION]
    if cancelling and not any(each.is_usable for each in cancelling):
        raise NotTried("cancelling is not offered, so what is booked could not be undone")


def _find_free_time(
    probe: Probe, offers: Sequence[Offer], taken: Collection[str]
) -> tuple[Slot, Offer]:
    """Return the free time of the coming weeks that the run chooses, and its offer.

    `taken` are the ids of times that turned out not to be free.
    """
    now = probe.run.context.now()
    first, last = now.date(), now.date() + timedelta(days=DAYS_AHEAD)
    for offer in offers:
        slots = [
            each for each in probe.portal.fetch_slots([offer], first, last) if each.id not in taken
        ]
        later = [each for each in slots if each.start - now > _EARLIEST] or slots
        if later:
            return probe.run.choose_time(later), offer
    raise NotTried(f"no time is free within {DAYS_AHEAD} days")


def _require_booking(probe: Probe) -> TrialBooking:
    booking = probe.facts.booking
    if booking is None:
        raise NotTried("no time was booked")
    return booking


def check_repeat(probe: Probe) -> str:
    """Send a booking once more with `If-None-Exist`, when its time is free again.

    It must not be made twice.
    """
    booking = _require_booking(probe)
    if not _is_conditional(booking.sent):
        raise NotTried("the portal lists no conditional create of Appointment")
    _send_again(probe, booking.sent)
    _find_created(probe, "Appointment", booking.intent)
    return "the same request sent twice makes one booking"


def check_one_patient(probe: Probe) -> str:
    """Ask for the time that is taken once more, as another request: it must be refused."""
    booking = _require_booking(probe)
    response = _send_again(probe, _renew_identity(booking.sent))
    if _is_refused_bundle(response):
        return "a time that is taken is refused in the operation's answer"
    if response.status in _TAKEN:
        return f"a time that is taken is refused with {response.status}"
    if response.is_success:
        raise CheckFailed("a time that is taken was given once more")
    raise CheckFailed(f"a time that is taken is refused with {response.status} and not with 409")


def _require_answered(probe: Probe, what: str) -> None:
    """Raise CheckFailed where what was created was not answered with a success."""
    status = probe.client.creates[-1].status
    if status is None:
        raise CheckFailed(f"{what} was made, and no answer to it came", OutcomeUnknown.code)
    if not 200 <= status < 300:
        raise CheckFailed(f"{what} was made, and answered with {status}")


def check_stale_change(probe: Probe) -> str:
    """Change the booking with `If-Match` of a version that it does not have: it must be refused."""
    booking = _require_booking(probe)
    reference = booking.record.relative_reference
    response = probe.get(reference)
    record = probe.read_record(response)
    meta = record.child("meta")
    if not response.headers.get("ETag") and not (meta and meta.string("versionId")):
        raise NotTried("the portal tells no versions")
    if not probe.capabilities.can_update("Appointment"):
        raise NotTried("the portal lists no update of Appointment")
    stale = probe.put(record.json, {"If-Match": 'W/"stale-0"'})
    if stale.is_success:
        raise CheckFailed("a change is taken though it names another version of the record")
    if stale.status not in {*_TAKEN, 400, 428}:
        raise CheckFailed(f"a change of another version is answered with {stale.status}")
    return f"a change of another version is refused with {stale.status}"


def check_cancel(probe: Probe) -> str:
    """Cancel the booking, and read it back."""
    booking = _require_booking(probe)
    is_free = _cancel(probe, booking)
    if is_free is False:
        raise Doubtful("the booking was cancelled, and its time is not free again")
    return "the booking was cancelled" + (" and its time is free again" if is_free else "")


def _cancel(probe: Probe, booking: TrialBooking) -> bool | None:
    """Cancel a booking; return whether its time is free again, `None` = that can't be told."""
    reference = booking.record.relative_reference
    probe.portal.send_cancellation(booking.record.require_string("id"), uuid4())
    record = _require_taken_back(probe, reference, "a booking that was cancelled")
    if record.instant("start") != booking.slot.start or not _has_label(record):
        raise CheckFailed("cancelling has changed the booking's time, or lost its identifier")
    day = booking.slot.start.astimezone(probe.run.context.zone).date()
    free = probe.portal.fetch_slots([booking.offer], day, day)
    return any(each.id == booking.slot.id for each in free) if booking.slot.has_record else None


def _require_taken_back(probe: Probe, reference: str, what: str) -> Element:
    """Return a record as it is now; raise CheckFailed unless it is cancelled."""
    record = probe.read_record(probe.get(reference))
    if record.string("status") != WITHDRAWN:
        raise CheckFailed(f"{what} is {record.string('status')}")
    return record


def check_flu_booking(probe: Probe) -> str:
    """Book a time for the flu vaccine, read it back, and cancel it."""
    booking = _book(probe, ServiceName.FLU_VACCINATION)
    if not booking.record.codings("serviceType") and not booking.offer.coding:
        raise CheckFailed("the booking does not say what it is for")
    _cancel(probe, booking)
    return "a time was booked and cancelled"


def check_enquiry(probe: Probe) -> str:
    """Ask the surgery for a time, read the enquiry back, and withdraw it."""
    services = require_offered(probe, ServiceName.BOOKING_ENQUIRY)
    offer = next(each.offer for each in services if each.offer)
    start = probe.run.context.now().replace(microsecond=0) + timedelta(days=DAYS_AHEAD)
    intent = uuid4()
    probe.client.creates.clear()
    window = Window(start, start + timedelta(days=7))
    probe.portal.send_enquiry(offer, [window], REASON, intent)
    record = _find_created(probe, "Appointment", intent)
    _require_answered(probe, "an enquiry")
    periods = record.children("requestedPeriod")
    if [each.instant("start") for each in periods] != [start]:
        raise CheckFailed("the enquiry has lost when a time is wanted")
    if record.string("status") not in SENT_STATUSES:
        raise CheckFailed(f"the enquiry has the status {record.string('status')}")
    probe.portal.send_cancellation(record.require_string("id"), uuid4())
    _require_taken_back(probe, record.relative_reference, "an enquiry that was withdrawn")
    return "an enquiry was sent and withdrawn"


def check_renewal_request(probe: Probe) -> str:
    """Ask for a renewal, find the request, and withdraw it."""
    require_offered(probe, ServiceName.PRESCRIPTION_RENEWAL)
    prescription, task_id = _send_renewal(probe)
    task = probe.read_record(probe.get(f"Task/{task_id}"))
    probe.run.label.note_arrival(task)
    if task.reference("focus") != f"MedicationRequest/{prescription.id}":
        raise CheckFailed("the request does not name the prescription")
    if not is_about_patient(task, probe.patient) or not _has_label(task):
        raise CheckFailed("the request has lost whose it is, or its identifier")
    listed = _list_requests(probe)
    if task.relative_reference not in listed:
        raise CheckFailed("the request is not among the patient's requests")
    if _is_conditional(probe.client.creates[-1]):
        _send_again(probe, probe.client.creates[-1])
        if _list_requests(probe) != listed:
            raise CheckFailed("the same request sent twice is made twice")
    probe.portal.prescriptions.send_withdrawal(task_id, uuid4())
    _require_taken_back(probe, f"Task/{task_id}", "a request that was withdrawn")
    return "a request was sent and withdrawn"


def _list_requests(probe: Probe) -> set[str]:
    requests = probe.fetch_matches(renewals_query(probe.patient))
    return {each.relative_reference for each in requests}


def _send_renewal(probe: Probe) -> tuple[Prescription, str]:
    """Ask for one of the prescriptions; return it, and the id of the Task."""
    reasons = ["no prescription is one that can be renewed"]
    for prescription in _find_renewable(probe)[:_MAX_PRESCRIPTIONS]:
        probe.client.creates.clear()
        (outcome,) = probe.portal.prescriptions.send_renewals([prescription], REASON, uuid4())
        if outcome.renewal and outcome.renewal.id and outcome.changed:
            return prescription, outcome.renewal.id
        if not isinstance(outcome.error, Rejected | NotAllowed):
            raise outcome.error or CheckFailed("a request for a renewal has no id")
        reasons.append(f"the portal refuses a renewal: {outcome.error.message}")
    raise NotTried(reasons[-1])


def _find_renewable(probe: Probe) -> list[Prescription]:
    return [
        each
        for each in probe.portal.prescriptions.fetch_prescriptions()
        if is_in_use(each)
        and each.group not in STRICT_GROUPS
        and not (each.reported or (each.renewal and each.renewal.is_open))
    ]


def check_read_mark(probe: Probe) -> str:
    """Mark a message unread and read again, and leave it as it was."""
    if not probe.capabilities.can_update("Communication"):
        raise NotTried("the portal lists no update of Communication")
    message = _find_read_message(probe)
    reference, received = message.relative_reference, message.require_string("received")
    response = probe.put(_mark_unread(message, f"{probe.run.label.give()}/{received}"))
    if not response.is_success:
        raise NotTried(f"the portal does not let a message be unread again: {response.status}")
    if not _is_unread(probe, reference):
        raise CheckFailed("a message that was marked unread is not among the unread ones")
    unread = probe.read_record(probe.get(reference))
    now = probe.run.context.now().isoformat(timespec="seconds")
    response = probe.put({**unread.json, "received": now})
    if not response.is_success:
        raise CheckFailed(f"a message can't be marked read: status {response.status}")
    if _is_unread(probe, reference):
        raise CheckFailed("a message that was marked read is still among the unread ones")
    restore_message(probe, message.require_string("id"), received)
    return "a message was marked unread and read, and is as it was"


def _find_read_message(probe: Probe) -> Element:
    """Return a message to the patient that was received, whole."""
    own = f"Patient/{probe.patient}"
    for each in probe.fetch_matches(queries.communications(probe.patient)):
        if each.string("received") and own in each.references("recipient"):
            return probe.read_record(probe.get(each.relative_reference))
    raise NotTried("no message to the patient has been read")


def _mark_unread(message: Element, label: str) -> dict[str, Any]:
    body = without_received(message)
    meta = body.get("meta", {})
    tags = [*meta.get("tag", ()), {"system": SYSTEM, "code": label}]
    return {**body, "meta": {**meta, "tag": tags}}


def _is_unread(probe: Probe, reference: str) -> bool:
    unread = probe.fetch_matches(queries.unread_messages(probe.patient))
    return any(each.relative_reference == reference for each in unread)


def check_message(probe: Probe) -> str:
    """Write to the reception, and read the thread back; it stays."""
    services = require_offered(probe, ServiceName.CONTACT)
    offer = next(each.offer for each in services if each.offer)
    probe.portal.fetch_offers()  # which tells to whom a message goes
    draft = Draft(REASON, ())
    sent = probe.portal.mailbox.send_thread(
        ThreadKind.ADMINISTRATIVE, offer, "Automated test", draft, uuid4()
    ).record
    thread = sent.thread.id
    probe.run.left.append(f"the thread 'Automated test' (Communication/{thread})")
    texts = [each.text for each in probe.portal.mailbox.fetch_conversation(str(thread)).messages]
    if REASON not in texts:
        raise CheckFailed("the thread does not have its first message")
    probe.run.label.unanswered.clear()
    return "a message was sent, and stays"


def check_undone(probe: Probe) -> str:
    """Look whether everything that the run made has been undone; undo what has not."""
    before = set(probe.run.left)
    remaining = undo_own(probe)
    if remaining:
        raise CheckFailed(f"what this run made is still there: {remaining[0]}", "left")
    stays = f"; what stays: {len(before)}" if before else ""
    return f"nothing of this run is left{stays}"


def _find_created(probe: Probe, resource_type: str, intent: UUID) -> Element:
    """Return the one record with an intent's identifier; raise CheckFailed for none or several."""
    query = Query(resource_type, (("identifier", f"{UUID_SYSTEM}|{intent.urn}"),))
    found = probe.search(query).matches_of_type(resource_type)
    if not found:
        raise CheckFailed(f"a new {resource_type} is not found by its identifier")
    if len(found) > 1:
        raise CheckFailed(f"one request has made {len(found)} {resource_type}s")
    probe.run.label.note_arrival(found[0])
    record = probe.read_record(probe.get(found[0].relative_reference))
    if not is_about_patient(record, probe.patient):
        raise CheckFailed(f"a new {resource_type} is not about the patient", "privacy")
    if not _has_label(record):
        raise CheckFailed(f"a new {resource_type} has lost one of its identifiers")
    return record


def _has_label(record: Element) -> bool:
    return any(system == SYSTEM for system, _ in record.identifier_pairs())


def _is_conditional(sent: SentCreate) -> bool:
    return "If-None-Exist" in sent.headers or '"ifNoneExist"' in json.dumps(sent.body)


def _send_again(probe: Probe, sent: SentCreate) -> HttpResponse:
    """Send what was sent once more, as it was."""
    probe.answer = probe.client.resend(sent)
    return probe.answer


def _renew_identity(sent: SentCreate) -> SentCreate:
    """Return the same request with other identifiers: as one that another person sends."""
    body, headers = json.dumps(sent.body), dict(sent.headers)
    for urn in sent.urns:
        fresh = uuid4().urn
        body = body.replace(urn, fresh)
        headers = {name: value.replace(urn, fresh) for name, value in headers.items()}
    return replace(sent, body=json.loads(body), headers={**headers, TRACE_ID: str(uuid4())})


def _is_refused_bundle(response: HttpResponse) -> bool:
    """Return whether an operation refused in a Bundle that has nothing but an OperationOutcome."""
    if not response.is_success or not isinstance(response.body, dict):
        return False
    try:
        return read_bundle(response.body).failure is not None
    except Malformed:
        return False


def _check(
    name: str,
    run: Callable[[Probe], str],
    *proves: str,
    needs: tuple[str, ...] = (LEFTOVERS,),
    writes: Writing = "reversible",
) -> SmokeCheck:
    return SmokeCheck(name, run, proves, ("write",), needs, writes)


_BOOKED = ("book",)

WRITE_CHECKS = (
    _check("test-patient", check_test_patient, needs=("patient",)),
    _check(LEFTOVERS, check_leftovers, needs=("test-patient", "services")),
    _check("book", check_book, contract.WRITE_APPOINTMENT, contract.IDENTIFIER),
    _check("one-patient", check_one_patient, contract.ONE_PATIENT, needs=_BOOKED),
    _check("stale-change", check_stale_change, contract.VERSIONS, needs=_BOOKED),
    _check("cancel", check_cancel, contract.WRITE_APPOINTMENT, needs=_BOOKED),
    _check("repeat", check_repeat, contract.CONDITIONAL, needs=("cancel",)),
    _check("book-flu", check_flu_booking, contract.WRITE_APPOINTMENT),
    _check("enquire", check_enquiry, contract.WRITE_APPOINTMENT),
    _check("renew", check_renewal_request, contract.TASK, contract.IDENTIFIER),
    _check("mark-read", check_read_mark, contract.RECEIVED),
    _check("write-message", check_message, contract.WRITE_COMMUNICATION, writes="all"),
    _check("undone", check_undone),
)
"""The checks of errands, in order; the names are interface."""
