"""Cancelling: by an update, by `$book`, or in one transaction with the Slot."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid5

import pytest

from gpcli import errors
from gpcli.http.retry import MAX_TRIES
from gpcli.journal import Journal
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import FhirSearch
from tests.portal.builders import Json, a_searchset, a_slot, an_appointment, an_outcome
from tests.portal.builders import ref as a_ref
from tests.portal.scripted import (
    ALL_OFF,
    INTENT,
    LOST,
    Reply,
    Server,
    client_to,
    portal_through,
)

PUT_VISIT, PUT_SLOT, BOOK = "PUT Appointment/visit-1", "PUT Slot/slot-1", "POST Appointment/$book"
VISIT = an_appointment(slot=[a_ref("Slot/slot-1")], meta={"versionId": "3"})
GONE = VISIT | {"status": "cancelled", "meta": {"versionId": "4"}}
BUSY = a_slot("slot-1", status="busy", meta={"versionId": "7"}, comment="By the window")
FREE = BUSY | {"status": "free", "meta": {"versionId": "8"}}
TOLD = "Not like that."
CAN_ALL = replace(ALL_OFF, transaction=True)
ONLY_BOOKS = replace(
    ALL_OFF, types=("Appointment",), updates=(), operations={"Appointment": ("book",)}
)


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    """A portal with the booking of a Slot, which both change as they are told."""
    server.on("GET Appointment/visit-1", VISIT, GONE).on(PUT_VISIT, GONE)
    server.on("GET Slot/slot-1", BUSY, FREE).on(PUT_SLOT, Reply(FREE, headers={"ETag": 'W/"8"'}))
    server.on("GET Appointment?slot", a_searchset(VISIT))


@pytest.fixture
def portal_of(server: Server, journal: Journal) -> Iterator[Callable[..., FhirPortal]]:
    with client_to(server) as client:

        def build(can: Capabilities = CAN_ALL, booking: str = "transaction") -> FhirPortal:
            return portal_through(FhirSearch(client, lambda: can), journal, booking=booking)

        yield build


def both(server: Server, visit: Reply | Json, slot: Reply | Json) -> None:
    """The portal answers a transaction with these two, whatever it has done."""
    results = [each if isinstance(each, Reply) else Reply(each) for each in (visit, slot)]
    entries = [
        {"response": {"status": str(each.status), "etag": 'W/"8"', "outcome": each.body}}
        if each.status >= 400
        else {"resource": each.body, "response": {"status": "200 OK", "etag": 'W/"8"'}}
        for each in results
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}
    server.on("POST ", Reply(bundle))


def refusing(server: Server, status: int, problem: str | None = None) -> None:
    server.on("POST ", Reply(an_outcome(problem, TOLD), status))
    looks = [VISIT] if status in {409, 412} else []
    server.on("GET Appointment/visit-1", VISIT, *looks, VISIT, GONE)


def cancel(portal: FhirPortal):
    return portal.send_cancellation("visit-1", INTENT)


def writes(server: Server) -> list[str]:
    lines = [(each.method, str(each.url)) for each in server.requests if each.content]
    return [f"{method} {url.rpartition('/R4')[2].lstrip('/')}" for method, url in lines]


def body_of(server: Server, line: str) -> Any:
    found = dict(
        zip(writes(server), [each for each in server.requests if each.content], strict=True)
    )
    return json.loads(found[line].content)


def ended(journal: Journal) -> dict[str, str]:
    names = {
        INTENT: "cancelling",
        uuid5(INTENT, "set free"): "freeing",
        uuid5(INTENT, "taken back"): "taking back",
    }
    return {names[each.intent]: each.state for each in journal.read_entries()}


def test_the_booking_is_cancelled_and_its_slot_set_free_in_one_transaction(
    portal_of, server: Server, journal: Journal
):
    both(server, GONE, FREE)
    portal = portal_of()
    written = cancel(portal)
    assert (written.record.status, written.changed, portal.remarks) == ("cancelled", True, [])
    assert writes(server) == ["POST "]
    bundle = body_of(server, "POST ")
    visit, slot = bundle["entry"]
    assert bundle["type"] == "transaction"
    assert visit["request"] == {"method": "PUT", "url": "Appointment/visit-1", "ifMatch": 'W/"3"'}
    assert visit["resource"]["status"] == "cancelled"
    assert slot["request"] == {"method": "PUT", "url": "Slot/slot-1", "ifMatch": 'W/"7"'}
    assert slot["resource"] == BUSY | {"status": "free"}
    assert ended(journal) == {"cancelling": "done"}


@pytest.mark.parametrize(
    ("can", "booking"), [(CAN_ALL, "auto"), (CAN_ALL, "post"), (ALL_OFF, "transaction")]
)
def test_the_slot_is_left_to_other_portals(
    portal_of, server: Server, can: Capabilities, booking: str
):
    cancel(portal_of(can, booking))
    assert writes(server) == [PUT_VISIT]
    assert [line for line in server.request_lines if "lot" in line] == []


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("GET Slot/slot-1", FREE),
        ("GET Slot/slot-1", BUSY | {"status": "busy-unavailable"}),
        ("GET Slot/slot-1", a_slot("slot-1", status="busy")),
        ("GET Slot/slot-1", Reply(status=403)),
        ("GET Appointment?slot", a_searchset(VISIT, VISIT | {"id": "other"})),
        ("GET Appointment/visit-1", VISIT | {"slot": []}),
        ("GET Appointment/visit-1", VISIT | {"slot": [a_ref("Slot/slot-1"), a_ref("Slot/b")]}),
    ],
    ids=["free", "closed", "no version", "not shown", "another booking", "no slot", "two slots"],
)
def test_a_slot_that_is_not_the_bookings_alone_is_left_as_it_is(
    portal_of, server: Server, question: str, answer: Reply | Json
):
    server.on(question, answer, *([GONE] if question == "GET Appointment/visit-1" else []))
    portal = portal_of()
    assert cancel(portal).record.status == "cancelled"
    assert (writes(server), portal.remarks) == ([PUT_VISIT], [])


def test_what_is_cancelled_already_is_left_alone(portal_of, server: Server):
    server.on("GET Appointment/visit-1", GONE)
    assert (cancel(portal_of()).changed, writes(server)) == (False, [])


@pytest.mark.parametrize("status", [400, 403, 409, 412, 422])
def test_a_portal_that_frees_the_slot_itself_may_refuse_the_transaction(
    portal_of, server: Server, journal: Journal, status: int
):
    refusing(server, status)
    portal = portal_of()
    assert cancel(portal).record.status == "cancelled"
    assert (writes(server), portal.remarks) == (["POST ", PUT_VISIT], [])
    assert ended(journal) == {"cancelling": "done"}


def test_a_slot_that_stays_taken_is_set_free_by_itself(portal_of, server: Server, journal: Journal):
    refusing(server, 422)
    server.on("GET Slot/slot-1", BUSY)
    portal = portal_of()
    assert cancel(portal).record.status == "cancelled"
    assert (writes(server), portal.remarks) == (["POST ", PUT_VISIT, PUT_SLOT], [])
    assert body_of(server, PUT_SLOT)["status"] == "free"
    assert ended(journal) == {"cancelling": "done", "freeing": "done"}


@pytest.mark.parametrize("trouble", [Reply(an_outcome(), 412), LOST, Reply(status=403)])
def test_a_slot_that_can_not_be_set_free_is_said(portal_of, server: Server, trouble: Reply):
    refusing(server, 422)
    server.on("GET Slot/slot-1", BUSY).on(PUT_SLOT, trouble)
    portal = portal_of()
    assert cancel(portal).record.status == "cancelled"
    assert "still shows the time as taken" in portal.remarks[0]


def test_a_portal_that_cancelled_and_refused_the_slot_is_asked_for_the_slot_again(
    portal_of, server: Server
):
    both(server, GONE, Reply(an_outcome(), 412))
    server.on("GET Slot/slot-1", BUSY)
    assert cancel(portal_of()).record.status == "cancelled"
    assert writes(server) == ["POST ", PUT_SLOT]


def test_a_slot_that_was_freed_without_the_cancelling_is_taken_again(
    portal_of, server: Server, journal: Journal
):
    both(server, Reply(an_outcome(), 412), FREE)
    server.on("GET Appointment/visit-1", VISIT)
    server.on(PUT_VISIT, Reply(an_outcome("too-late", TOLD), 422)).on(PUT_SLOT, BUSY)
    with pytest.raises(errors.TooLate):
        cancel(portal_of())
    assert writes(server) == ["POST ", PUT_VISIT, PUT_SLOT]
    assert body_of(server, PUT_SLOT) == BUSY
    assert server.requests[-1].headers["If-Match"] == 'W/"8"'
    assert ended(journal) == {"cancelling": "refused", "taking back": "done"}


def test_a_slot_that_can_not_be_taken_again_is_said(portal_of, server: Server):
    both(server, Reply(an_outcome(), 412), FREE)
    server.on("GET Appointment/visit-1", VISIT)
    server.on(PUT_VISIT, Reply(an_outcome("too-late", TOLD), 422)).on(PUT_SLOT, Reply(status=412))
    with pytest.raises(errors.TooLate) as late:
        cancel(portal_of())
    assert "free although the booking stands" in late.value.hint


def test_a_reason_of_the_portal_is_not_asked_for_twice(portal_of, server: Server):
    refusing(server, 422, "too-late")
    with pytest.raises(errors.TooLate):
        cancel(portal_of())
    assert writes(server) == ["POST "]


@pytest.mark.parametrize(
    ("unclear", "tries"),
    [
        (LOST, MAX_TRIES),
        (Reply(status=503), MAX_TRIES),
        (Reply([]), 1),
        (Reply(a_searchset()), 1),
    ],
)
def test_after_an_unclear_answer_to_the_transaction_it_looks(
    portal_of, server: Server, journal: Journal, unclear: Reply, tries: int
):
    server.on("POST ", unclear)
    assert cancel(portal_of()).record.status == "cancelled"
    assert (writes(server), ended(journal)) == (["POST "] * tries, {"cancelling": "done"})


def test_a_lost_transaction_of_which_nothing_shows_is_unknown(
    portal_of, server: Server, journal: Journal
):
    server.on("POST ", LOST).on("GET Appointment/visit-1", VISIT)
    with pytest.raises(errors.OutcomeUnknown):
        cancel(portal_of())
    assert (writes(server), ended(journal)) == (["POST "] * MAX_TRIES, {"cancelling": "unknown"})


def test_somebody_elses_booking_is_not_touched(portal_of, server: Server):
    theirs = VISIT | {"participant": [{"actor": a_ref("Patient/bo"), "status": "accepted"}]}
    server.on("GET Appointment/visit-1", theirs)
    with pytest.raises(errors.NotFound):
        cancel(portal_of())
    assert writes(server) == []


@pytest.mark.parametrize(
    "answer",
    [
        a_searchset(GONE),
        {
            "resourceType": "Parameters",
            "parameter": [{"name": "return", "resource": a_searchset(GONE)}],
        },
        GONE,
    ],
)
def test_where_nothing_is_updated_the_booking_operation_cancels(
    portal_of, server: Server, journal: Journal, answer: Json
):
    server.on(BOOK, answer)
    written = cancel(portal_of(ONLY_BOOKS, "auto"))
    assert (written.record.status, written.changed) == ("cancelled", True)
    assert writes(server) == [BOOK]
    [parameter] = body_of(server, BOOK)["parameter"]
    assert parameter["name"] == "appointment-resource"
    assert parameter["resource"] == VISIT | {
        "status": "cancelled",
        "cancelationReason": parameter["resource"]["cancelationReason"],
    }
    assert ended(journal) == {"cancelling": "done"}


def test_a_refusal_to_cancel_by_the_operation_is_told_in_its_words(
    portal_of, server: Server, journal: Journal
):
    server.on(BOOK, a_searchset(an_outcome(text=TOLD, code="business-rule")))
    with pytest.raises(errors.Rejected, match=TOLD):
        cancel(portal_of(ONLY_BOOKS, "auto"))
    assert ended(journal) == {"cancelling": "refused"}


@pytest.mark.parametrize("unclear", [LOST, Reply(status=500), Reply(a_searchset()), Reply([])])
def test_after_an_unclear_answer_to_the_operation_the_booking_is_looked_at(
    portal_of, server: Server, unclear: Reply
):
    server.on(BOOK, unclear)
    assert cancel(portal_of(ONLY_BOOKS, "auto")).record.status == "cancelled"
    assert writes(server) == [BOOK]


def test_an_operation_that_left_the_booking_as_it_was_is_said(portal_of, server: Server):
    server.on(BOOK, a_searchset(VISIT)).on("GET Appointment/visit-1", VISIT)
    with pytest.raises(errors.Conflict, match="as it was"):
        cancel(portal_of(ONLY_BOOKS, "auto"))
