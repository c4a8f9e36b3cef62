"""Three ways to take a time, and what becomes of a booking that is not alone on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid5

import httpx
import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.model.appointment import Slot, SlotId
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.slot_booking import choose_way
from tests.portal.builders import (
    Json,
    a_consent,
    a_searchset,
    a_slot,
    an_appointment,
    an_outcome,
    with_identifier,
)
from tests.portal.builders import ref as a_ref
from tests.portal.scripted import (
    ALL_OFF,
    ALL_ON,
    INTENT,
    LOST,
    NOTHING,
    NOW,
    UNREACHABLE,
    Reply,
    Server,
    client_to,
    portal_through,
)
from tests.portal.world import BOOKING, GPS

START, END = "2027-03-02T09:00:00+01:00", "2027-03-02T09:20:00+01:00"
SLOT = Slot(
    SlotId("slot-1"),
    NOW,
    NOW,
    "Europe/Oslo",
    None,
    None,
    None,
    None,
    None,
    written_start=START,
    written_end=END,
)
HELD = {"slot": [a_ref("Slot/slot-1")], "status": "proposed"}
BY_IDENTIFIER, ON_SLOT = "GET Appointment?identifier", "GET Appointment?slot"
BOOK = "POST Appointment/$book"
OTHER_RUN = "0c1d2e3f-4a5b-4c6d-8e7f-8a9b0c1d2e3f"
FREE = a_slot(meta={"versionId": "7"}, comment="By the window", overbooked=False)
BUSY = FREE | {"status": "busy"}
TOLD = "Too late, I am afraid."
EARLY, OURS_AT, LATE = (f"2027-03-01T08:00:0{second}.500+01:00" for second in (1, 2, 3))
CAN_ALL = replace(ALL_ON, transaction=True, operations={"Appointment": ("book",)})
NO_OPERATION = replace(CAN_ALL, operations={})
CAN_LITTLE = replace(ALL_OFF, transaction=True)


def stored(resource: Json, at: str | None) -> Json:
    return resource | {"meta": {"versionId": "1", **({"lastUpdated": at} if at else {})}}


MADE = stored(with_identifier(an_appointment(**HELD), INTENT.urn), OURS_AT)


def rival(at: str | None = EARLY, id: str = "other", **more: Any) -> Json:
    return stored(an_appointment(id, **(HELD | more)), at)


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    """A portal that takes a booking in each way and shows it, alone on its time."""
    server.on("POST Appointment", Reply(MADE, 201)).on(BOOK, a_searchset(MADE))
    server.on("PUT Slot/slot-1", Reply(BUSY, headers={"ETag": 'W/"8"'}))
    server.on("GET Slot/slot-1", FREE).on("GET Slot", a_searchset(BUSY))
    server.on(BY_IDENTIFIER, a_searchset(MADE)).on(ON_SLOT, a_searchset(MADE))
    server.on("GET Appointment/visit-1", MADE)
    server.on("PUT Appointment/visit-1", MADE | {"status": "cancelled"})


@pytest.fixture
def portal_of(server: Server, journal: Journal) -> Iterator[Callable[..., FhirPortal]]:
    """`portal_of("operation")`, with capabilities; by default a portal that can all."""
    with client_to(server) as client:

        def build(way: str, can: Capabilities = CAN_ALL) -> FhirPortal:
            return portal_through(FhirSearch(client, lambda: can), journal, booking=way)

        yield build


def book(portal: FhirPortal):
    return portal.send_booking(SLOT, BOOKING, "Back pain", INTENT)


def cancelling(server: Server) -> Server:
    """From now on the portal shows what is cancelled as cancelled."""
    gone = MADE | {"status": "cancelled"}
    return server.on("GET Appointment/visit-1", MADE, gone)


def script_booking_facts(server: Server) -> None:
    """The portal answers what a booking is decided on."""
    server.on("GET Patient", GPS).on("GET Consent", a_searchset(a_consent()))
    server.on("GET ChargeItemDefinition", NOTHING).on("GET Appointment?patient", NOTHING)


def writes(server: Server) -> list[str]:
    return [each for each in server.request_lines if not each.startswith("GET")]


def sent(server: Server) -> list[Any]:
    """The bodies of what was sent, questions left out."""
    bodies = (json.loads(each.content) for each in server.requests if each.content)
    return [body for body in bodies if body.get("type") != "batch"]


def ended(journal: Journal) -> dict[str, str]:
    return {entry.target or entry.resource_type: entry.state for entry in journal.read_entries()}


@pytest.mark.parametrize(
    ("asked", "operation", "way"),
    [
        ("auto", True, "operation"),
        ("auto", False, "post"),
        ("post", True, "post"),
        ("operation", False, "operation"),
        ("transaction", True, "transaction"),
    ],
)
def test_the_way_is_the_profiles_or_else_what_the_portal_has(asked: str, operation: bool, way: str):
    assert choose_way(asked, CAN_ALL if operation else NO_OPERATION) == way


@pytest.mark.parametrize(
    ("way", "asked"),
    [
        ("auto", [BOOK]),
        ("post", ["POST Appointment"]),
        ("operation", [BOOK]),
        ("transaction", ["PUT Slot/slot-1", "POST Appointment"]),
    ],
)
def test_each_way_writes_what_it_needs_and_reads_it_back(
    portal_of, server: Server, journal: Journal, way: str, asked: list[str]
):
    written = book(portal_of(way))
    assert (written.record.id, written.changed) == ("visit-1", True)
    assert writes(server) == asked
    assert ended(journal) == {"Appointment": "done"}


@pytest.mark.parametrize(("way", "requests"), [("post", 2), ("operation", 2), ("transaction", 3)])
def test_a_way_takes_no_more_round_trips_than_it_must(
    portal_of, server: Server, way: str, requests: int
):
    book(portal_of(way))
    assert len(server.requests) == requests


def test_the_operation_gets_a_pending_appointment_without_a_condition(portal_of, server: Server):
    book(portal_of("operation"))
    [body] = sent(server)
    request = next(each for each in server.requests if each.url.path.endswith("$book"))
    [parameter] = body["parameter"]
    assert (body["resourceType"], parameter["name"]) == ("Parameters", "appointment-resource")
    assert parameter["resource"]["status"] == "pending"
    assert parameter["resource"]["identifier"] == [
        {"system": "urn:ietf:rfc:3986", "value": INTENT.urn}
    ]
    assert request.headers["X-Request-ID"] == str(INTENT)
    assert "If-None-Exist" not in request.headers


@pytest.mark.parametrize(
    "answer",
    [
        MADE,
        a_searchset(MADE),
        {"resourceType": "Parameters", "parameter": [{"name": "return", "resource": MADE}]},
        {
            "resourceType": "Parameters",
            "parameter": [{"name": "return", "resource": a_searchset(MADE)}],
        },
        a_searchset(an_outcome(text="Bring your card.", severity="information"), MADE),
    ],
    ids=["alone", "bundle", "parameters", "bundle in parameters", "with advice"],
)
def test_the_operation_may_answer_in_several_forms(portal_of, server: Server, answer: Json):
    server.on(BOOK, answer)
    written = book(portal_of("operation"))
    assert (written.record.id, written.changed) == ("visit-1", True)


def refusing(code: str, problem: str | None = None) -> list[Json]:
    told = an_outcome(problem, TOLD, code=code)
    bundle = a_searchset(told)
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "return", "resource": told}]}
    return [told, bundle, parameters]


@pytest.mark.parametrize("form", range(3), ids=["outcome", "bundle", "parameters"])
@pytest.mark.parametrize(
    ("code", "problem", "error"),
    [
        ("conflict", "slot-taken", errors.SlotTaken),
        ("business-rule", "too-late", errors.TooLate),
        ("business-rule", None, errors.Rejected),
        ("conflict", None, errors.Conflict),
        ("forbidden", None, errors.NotPermitted),
        ("not-found", None, errors.NotFound),
    ],
)
def test_an_outcome_alone_is_a_refusal_even_with_status_200(
    portal_of, server: Server, journal: Journal, form: int, code: str, problem: str | None, error
):
    server.on(BOOK, refusing(code, problem)[form]).on(BY_IDENTIFIER, NOTHING)
    server.on("GET Slot", a_searchset(FREE))
    with pytest.raises(error, match=TOLD) as refusal:
        book(portal_of("operation"))
    assert type(refusal.value) is error
    assert ended(journal) == {"Appointment": "refused"}


@pytest.mark.parametrize(
    ("way", "question", "refused"),
    [
        ("post", "POST Appointment", Reply(an_outcome(), 409)),
        ("post", "POST Appointment", Reply(an_outcome(), 422)),
        ("operation", BOOK, Reply(a_searchset(an_outcome()))),
        ("operation", BOOK, Reply(an_outcome(), 409)),
    ],
)
def test_a_refusal_without_a_reason_names_the_taken_time_where_it_is_taken(
    portal_of, server: Server, way: str, question: str, refused: Reply
):
    server.on(question, refused).on(BY_IDENTIFIER, NOTHING)
    with pytest.raises(errors.SlotTaken, match="shows this time as taken"):
        book(portal_of(way))


@pytest.mark.parametrize(
    "seen", [Reply(a_searchset(FREE)), Reply(NOTHING), Reply(status=403), LOST]
)
def test_a_refusal_without_a_reason_stays_what_it_is_where_the_time_is_not_seen_as_taken(
    portal_of, server: Server, seen: Reply
):
    server.on("POST Appointment", Reply(an_outcome(text=TOLD), 422)).on("GET Slot", seen)
    with pytest.raises(errors.Rejected, match=TOLD):
        book(portal_of("post"))


@pytest.mark.parametrize(
    "unclear",
    [
        LOST,
        Reply(status=503),
        Reply(a_searchset(an_outcome(code="transient"))),
        Reply(a_searchset(an_outcome(severity="warning"))),
        Reply(a_searchset()),
        Reply({"resourceType": "Bundle", "entry": "none"}),
        Reply([]),
        Reply(status=204),
    ],
    ids=["lost", "503", "transient", "warning", "empty", "malformed", "no resource", "no body"],
)
def test_after_an_unclear_answer_to_the_operation_it_looks_and_what_is_there_is_done(
    portal_of, server: Server, journal: Journal, unclear: Reply
):
    server.on(BOOK, unclear)
    assert book(portal_of("operation")).record.id == "visit-1"
    assert (writes(server), ended(journal)) == ([BOOK], {"Appointment": "done"})


@pytest.mark.parametrize("unclear", [LOST, Reply(status=500), Reply(a_searchset())])
def test_what_is_not_there_after_an_unclear_answer_is_unknown_and_not_sent_again(
    portal_of, server: Server, journal: Journal, unclear: Reply
):
    server.on(BOOK, unclear).on(BY_IDENTIFIER, NOTHING).on(ON_SLOT, NOTHING)
    with pytest.raises(errors.OutcomeUnknown) as unknown:
        book(portal_of("operation"))
    assert "for the next 10 min that only looks" in unknown.value.hint
    with pytest.raises(errors.OutcomeUnknown):
        book(portal_of("operation"))
    assert (writes(server), ended(journal)) == ([BOOK], {"Appointment": "unknown"})


def test_an_operation_that_an_earlier_run_did_is_found_and_not_sent_again(
    portal_of, server: Server
):
    first, second = book(portal_of("operation")), book(portal_of("operation"))
    assert (first.changed, second.changed) == (True, False)
    assert writes(server) == [BOOK]


@pytest.mark.parametrize("way", ["operation", "transaction"])
def test_what_was_unknown_long_ago_and_is_found_by_a_repeat_is_journaled_as_done(
    portal_of, server: Server, journal: Journal, way: str
):
    journal.record_sending(INTENT, MADE["resourceType"], "2027-02-28T08:00:00+01:00")
    journal.record_state(INTENT, "unknown", "2027-02-28T08:00:30+01:00")
    server.on("GET Slot/slot-1", BUSY)
    assert not book(portal_of(way)).changed
    assert (writes(server), ended(journal)) == ([], {"Appointment": "done"})


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_portal_that_has_no_such_operation_is_said_to_have_none(
    portal_of, server: Server, journal: Journal, status: int
):
    server.on(BOOK, Reply(an_outcome(text=TOLD), status)).on(BY_IDENTIFIER, NOTHING)
    told = rf"does not list Appointment/\$book\. .* It says: {TOLD}"
    with pytest.raises(errors.NotPermitted, match=told) as refusal:
        book(portal_of("operation", NO_OPERATION))
    assert refusal.value.hint.startswith("Set the profile's booking to auto")
    assert ended(journal) == {"Appointment": "refused"}


def test_what_the_operation_does_not_find_is_the_time_where_there_is_one(portal_of, server: Server):
    server.on(BOOK, Reply(an_outcome(text=TOLD), 404)).on(BY_IDENTIFIER, NOTHING)
    with pytest.raises(errors.NotFound, match=TOLD):
        book(portal_of("operation"))


@pytest.mark.parametrize("way", ["post", "operation", "transaction"])
@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_a_booking_that_the_portal_ended_at_once_is_none(
    portal_of, server: Server, way: str, status: str
):
    server.on(BY_IDENTIFIER, a_searchset(MADE | {"status": status}))
    with pytest.raises(errors.Rejected, match=f"as {status}: visit-1"):
        book(portal_of(way))


def test_the_transaction_keeps_all_that_the_slot_had_and_has_both_conditions(
    portal_of, server: Server
):
    book(portal_of("transaction"))
    [bundle] = sent(server)
    slot, made = bundle["entry"]
    assert bundle["type"] == "transaction"
    assert slot["resource"] == FREE | {"status": "busy"}
    assert slot["request"] == {"method": "PUT", "url": "Slot/slot-1", "ifMatch": 'W/"7"'}
    assert made["request"] == {
        "method": "POST",
        "url": "Appointment",
        "ifNoneExist": f"identifier=urn:ietf:rfc:3986|{INTENT.urn}",
    }
    assert INTENT.urn not in {slot["fullUrl"], made["fullUrl"]}


@pytest.mark.parametrize("status", ["busy", "busy-tentative", "busy-unavailable"])
def test_a_slot_that_is_not_free_any_more_is_taken_and_nothing_is_sent(
    portal_of, server: Server, journal: Journal, status: str
):
    server.on("GET Slot/slot-1", FREE | {"status": status}).on(BY_IDENTIFIER, NOTHING)
    with pytest.raises(errors.SlotTaken):
        book(portal_of("transaction"))
    assert (writes(server), ended(journal)) == ([], {})


def test_a_slot_that_an_earlier_run_took_for_us_is_ours(portal_of, server: Server):
    server.on("GET Slot/slot-1", BUSY)
    written = book(portal_of("transaction"))
    assert (written.record.id, written.changed, writes(server)) == ("visit-1", False, [])


@pytest.mark.parametrize(
    ("can", "slot", "why"),
    [
        (replace(CAN_ALL, transaction=False), FREE, "takes no transactions"),
        (CAN_ALL, a_slot(), "keeps no versions of its times"),
    ],
)
def test_without_transactions_or_versions_nothing_is_sent(
    portal_of, server: Server, can: Capabilities, slot: Json, why: str
):
    server.on("GET Slot/slot-1", slot)
    with pytest.raises(errors.NotPermitted, match=why) as refusal:
        book(portal_of("transaction", can))
    assert refusal.value.hint.startswith("Set the profile's booking to auto")
    assert writes(server) == []


def test_a_failed_condition_on_the_whole_is_a_taken_slot(
    portal_of, server: Server, journal: Journal
):
    server.on("POST ", Reply(an_outcome(), 412)).on(BY_IDENTIFIER, NOTHING)
    with pytest.raises(errors.SlotTaken):
        book(portal_of("transaction", CAN_LITTLE))
    assert ended(journal) == {"Appointment": "refused"}


class AsSent(Reply):
    """The booking as the transaction that came last had it, with the identifiers of that run."""

    server: Server

    def build_response(self) -> httpx.Response:
        bundles = [each for each in sent(self.server) if each.get("type") == "transaction"]
        made = bundles[-1]["entry"][-1]["resource"]
        shown = MADE | {"identifier": made["identifier"]}
        return httpx.Response(200, json=a_searchset(shown))


def left_behind(server: Server) -> Reply:
    shown = AsSent()
    object.__setattr__(shown, "server", server)
    return shown


@pytest.mark.parametrize(
    ("status", "error"),
    [(412, errors.SlotTaken), (409, errors.SlotTaken), (403, errors.NotPermitted)],
)
def test_a_refused_transaction_that_left_its_booking_behind_has_it_cancelled_again(
    portal_of, server: Server, journal: Journal, status: int, error: type
):
    server.on("POST ", Reply(an_outcome(), status)).on(BY_IDENTIFIER, left_behind(server))
    cancelling(server)
    with pytest.raises(error):
        book(portal_of("transaction", CAN_LITTLE))
    assert writes(server)[-1] == "PUT Appointment/visit-1"
    assert ended(journal) == {"Appointment": "done", "Appointment/visit-1": "done"}


def test_a_refused_transaction_with_a_booking_of_which_nobody_knows_whose_is_told(
    portal_of, server: Server, journal: Journal
):
    server.on("POST ", Reply(an_outcome(), 412))
    with pytest.raises(errors.Conflict, match="but shows a booking of it: visit-1") as conflict:
        book(portal_of("transaction", CAN_LITTLE))
    assert "gpcli cancel visit-1 ends it" in conflict.value.hint
    assert ended(journal) == {"Appointment": "done"}


def test_a_booking_that_another_run_of_the_request_made_meanwhile_stays(
    portal_of, server: Server, journal: Journal
):
    of_its_own = {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{OTHER_RUN}"}
    theirs = MADE | {"identifier": [*MADE["identifier"], of_its_own]}
    server.on("POST ", Reply(an_outcome(), 412)).on(BY_IDENTIFIER, a_searchset(theirs))
    written = book(portal_of("transaction", CAN_LITTLE))
    assert (written.record.id, written.changed) == ("visit-1", False)
    assert "PUT Appointment/visit-1" not in writes(server)
    assert ended(journal) == {"Appointment": "done"}


def test_a_portal_that_refuses_only_the_slot_has_the_booking_cancelled_again(
    portal_of, server: Server, journal: Journal
):
    cancelling(server).on("PUT Slot/slot-1", Reply(an_outcome(), 412))
    server.on(BY_IDENTIFIER, left_behind(server))
    with pytest.raises(errors.SlotTaken):
        book(portal_of("transaction", CAN_LITTLE))
    assert writes(server)[-1] == "PUT Appointment/visit-1"
    assert sent(server)[-1]["status"] == "cancelled"
    assert ended(journal) == {"Appointment": "done", "Appointment/visit-1": "done"}


def test_a_portal_that_refuses_only_the_booking_has_the_slot_set_free_as_it_was(
    portal_of, server: Server, journal: Journal
):
    server.on("POST Appointment", Reply(an_outcome(text=TOLD), 422)).on(BY_IDENTIFIER, NOTHING)
    with pytest.raises(errors.Rejected, match=TOLD) as refusal:
        book(portal_of("transaction"))
    last = server.requests[-1]
    assert (last.method, last.headers["If-Match"]) == ("PUT", 'W/"8"')
    assert json.loads(last.content) == FREE
    assert refusal.value.hint.endswith("The time is free again.")
    assert ended(journal) == {"Appointment": "refused", "Slot/slot-1": "done"}


@pytest.mark.parametrize(
    ("etag", "second", "noted"),
    [
        ({}, Reply(FREE), {}),
        ({"ETag": 'W/"8"'}, Reply(an_outcome(), 412), {"Slot/slot-1": "refused"}),
        ({"ETag": 'W/"8"'}, LOST, {"Slot/slot-1": "unknown"}),
        ({"ETag": 'W/"8"'}, UNREACHABLE, {"Slot/slot-1": "not_sent"}),
    ],
    ids=["no version", "changed meanwhile", "lost", "not sent"],
)
def test_a_slot_that_can_not_be_set_free_is_named(
    portal_of,
    server: Server,
    journal: Journal,
    etag: dict[str, str],
    second: Reply,
    noted: dict[str, str],
):
    server.on("PUT Slot/slot-1", Reply(BUSY, headers=etag), second)
    server.on("POST Appointment", Reply(an_outcome(text=TOLD), 422)).on(BY_IDENTIFIER, NOTHING)
    server.on("GET Slot/slot-1", FREE, BUSY)
    with pytest.raises(errors.Rejected) as refusal:
        book(portal_of("transaction"))
    assert refusal.value.hint.endswith("The surgery may have to free the time again.")
    assert ended(journal) == {"Appointment": "refused", **noted}


def test_a_slot_that_was_set_free_without_a_reply_is_seen_to_be_free(
    portal_of, server: Server, journal: Journal
):
    server.on("PUT Slot/slot-1", Reply(BUSY, headers={"ETag": 'W/"8"'}), LOST)
    server.on("POST Appointment", Reply(an_outcome(text=TOLD), 422)).on(BY_IDENTIFIER, NOTHING)
    with pytest.raises(errors.Rejected) as refusal:
        book(portal_of("transaction"))
    assert refusal.value.hint.endswith("The time is free again.")
    assert ended(journal) == {"Appointment": "refused", "Slot/slot-1": "done"}


@pytest.mark.parametrize("seen", [Reply(a_searchset(MADE)), LOST])
def test_a_slot_is_not_set_free_while_a_booking_of_it_may_be_there(
    portal_of, server: Server, seen: Reply
):
    server.on("POST Appointment", Reply(an_outcome(), 409))
    server.on(BY_IDENTIFIER, seen, a_searchset(MADE))
    assert book(portal_of("transaction", CAN_LITTLE)).record.id == "visit-1"
    assert writes(server) == ["PUT Slot/slot-1", "POST Appointment"]


def test_a_portal_that_refuses_both_halves_says_the_time_is_taken(portal_of, server: Server):
    server.on("PUT Slot/slot-1", Reply(an_outcome(), 412))
    server.on("POST Appointment", Reply(an_outcome(), 422)).on(BY_IDENTIFIER, NOTHING)
    with pytest.raises(errors.SlotTaken):
        book(portal_of("transaction"))


def test_a_booking_that_left_its_time_free_for_others_is_cancelled_again(portal_of, server: Server):
    cancelling(server).on("GET Slot", a_searchset(FREE))
    with pytest.raises(errors.Conflict, match="left the time free for others"):
        book(portal_of("transaction"))
    assert sent(server)[-1]["status"] == "cancelled"


@pytest.mark.parametrize("unclear", [LOST, Reply(status=503), Reply(a_searchset()), Reply([])])
def test_after_an_unclear_answer_to_the_transaction_what_is_there_is_done(
    portal_of, server: Server, journal: Journal, unclear: Reply
):
    server.on("POST ", unclear)
    assert book(portal_of("transaction", CAN_LITTLE)).record.id == "visit-1"
    assert ended(journal) == {"Appointment": "done"}


def test_a_lost_transaction_of_which_nothing_shows_is_unknown(
    portal_of, server: Server, journal: Journal
):
    server.on("POST ", LOST).on(BY_IDENTIFIER, NOTHING)
    with pytest.raises(errors.OutcomeUnknown):
        book(portal_of("transaction", CAN_LITTLE))
    assert ended(journal) == {"Appointment": "unknown"}


def test_a_transaction_that_was_done_before_its_answer_was_lost_is_not_taken_for_refused(
    server: Server, journal: Journal
):
    """The repetition meets its own first try: the version is another one by then."""
    tries = iter([LOST, Reply(an_outcome(), 412)])

    def once_lost(request: httpx.Request) -> httpx.Response:
        if b'"transaction"' in request.content:
            return next(tries).build_response()
        return server(request)

    with client_to(once_lost) as client:
        search = FhirSearch(client, lambda: CAN_ALL)
        written = book(portal_through(search, journal, booking="transaction"))
    assert (written.record.id, written.changed) == ("visit-1", True)


@pytest.mark.parametrize("way", ["post", "operation", "transaction"])
@pytest.mark.parametrize(
    "other",
    [
        rival(EARLY),
        rival(LATE, status="booked"),
        rival(OURS_AT, id="a-visit"),
        rival(OURS_AT, id="z-visit"),
        rival(None),
        rival("yesterday"),
    ],
    ids=[
        "stored before",
        "confirmed",
        "same moment, lower id",
        "same moment",
        "no time",
        "no such time",
    ],
)
def test_a_booking_that_came_second_is_cancelled_again_and_the_time_is_taken(
    portal_of, server: Server, journal: Journal, way: str, other: Json
):
    cancelling(server).on(ON_SLOT, a_searchset(MADE, other))
    with pytest.raises(errors.SlotTaken, match="Another booking of this time came first"):
        book(portal_of(way))
    assert sent(server)[-1] == MADE | {
        "status": "cancelled",
        "cancelationReason": sent(server)[-1]["cancelationReason"],
    }
    assert ended(journal) == {"Appointment": "done", "Appointment/visit-1": "done"}


@pytest.mark.parametrize("way", ["post", "operation", "transaction"])
@pytest.mark.parametrize(
    "other",
    [
        rival(LATE),
        rival(EARLY, status="cancelled"),
        rival(EARLY, status="entered-in-error"),
        rival(EARLY, slot=[a_ref("Slot/slot-2")]),
    ],
    ids=["stored after", "cancelled", "entered in error", "another time"],
)
def test_a_booking_that_came_first_stays(portal_of, server: Server, way: str, other: Json):
    server.on(ON_SLOT, a_searchset(MADE, other))
    assert book(portal_of(way)).record.id == "visit-1"
    assert "PUT Appointment/visit-1" not in writes(server)


def test_a_booking_of_which_the_portal_does_not_say_when_gives_way(portal_of, server: Server):
    ours = stored(MADE, None)
    server.on(BY_IDENTIFIER, a_searchset(ours)).on(ON_SLOT, a_searchset(ours, rival(LATE)))
    cancelling(server)
    with pytest.raises(errors.SlotTaken):
        book(portal_of("post"))


def test_both_find_the_same_one_first(portal_of, server: Server):
    """Whoever looks, of two pending ones the same one stays."""
    first, second = stored(MADE, EARLY), stored(MADE, LATE)
    cancelling(server).on(BY_IDENTIFIER, a_searchset(first), a_searchset(second))
    server.on(ON_SLOT, a_searchset(first, rival(LATE)), a_searchset(second, rival(EARLY)))
    assert book(portal_of("post")).record.id == "visit-1"
    with pytest.raises(errors.SlotTaken):
        portal_of("post").send_booking(SLOT, BOOKING, "Back pain", INTENT)


@pytest.mark.parametrize("trouble", [Reply(an_outcome("too-late", TOLD), 422), Reply(status=403)])
def test_a_second_booking_that_can_not_be_cancelled_is_told_with_its_id(
    portal_of, server: Server, trouble: Reply
):
    server.on(ON_SLOT, a_searchset(MADE, rival())).on("PUT Appointment/visit-1", trouble)
    with pytest.raises(errors.Conflict, match="booking visit-1 of it could not be") as conflict:
        book(portal_of("post"))
    assert conflict.value.hint == "Try gpcli cancel visit-1, or call the surgery."


@pytest.mark.parametrize("question", ["GET Appointment/visit-1", "PUT Appointment/visit-1"])
def test_a_second_booking_that_could_not_be_cancelled_is_no_success_for_a_repeat(
    portal_of, server: Server, question: str
):
    server.on(ON_SLOT, a_searchset(MADE, rival())).on(question, LOST)
    script_booking_facts(server)
    portal = portal_of("post", CAN_LITTLE)
    with pytest.raises(errors.Conflict, match="could not be cancelled"):
        book(portal)
    with pytest.raises(errors.Conflict, match="visit-1 of it has still to be cancelled") as told:
        portal.fetch_booking_facts(slot="slot-1", intent=INTENT)
    assert told.value.hint == "Try gpcli cancel visit-1, or call the surgery."


def test_a_booking_that_came_first_is_the_same_for_a_repeat(portal_of, server: Server):
    script_booking_facts(server)
    portal = portal_of("post", CAN_LITTLE)
    book(portal)
    assert portal.fetch_booking_facts(slot="slot-1", intent=INTENT).earlier.id == "visit-1"


def test_a_booking_that_was_there_before_is_not_cancelled_for_another(portal_of, server: Server):
    server.on("POST Appointment", Reply(MADE, 200)).on(ON_SLOT, a_searchset(MADE, rival()))
    written = book(portal_of("post"))
    assert (written.changed, writes(server)) == (False, ["POST Appointment"])


def test_what_is_undone_has_an_identity_of_its_own(portal_of, server: Server):
    cancelling(server).on(ON_SLOT, a_searchset(MADE, rival()))
    with pytest.raises(errors.SlotTaken):
        book(portal_of("post"))
    ids = [each.headers["X-Request-ID"] for each in server.requests if each.method == "PUT"]
    assert ids == [str(uuid5(INTENT, "given back"))]
