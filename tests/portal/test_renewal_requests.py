"""Requesting renewals of prescriptions, and withdrawing a request."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid5

import pytest

from gpcli import errors
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element
from gpcli.fhir.medication_request import read_renewal
from gpcli.journal import Journal
from gpcli.model.person import Identity
from gpcli.model.prescription import RenewalOutcome
from gpcli.portal.fhir_portal import FhirPortal
from tests.portal.builders import (
    Json,
    a_patient,
    a_searchset,
    an_outcome,
    concept,
    ref,
    with_identifier,
)
from tests.portal.medicines import (
    a_medication,
    a_prescription,
    a_request,
    a_task,
    capabilities_with,
    portal_at,
)
from tests.portal.scripted import INTENT, LOST, NOTHING, UNREACHABLE, Reply, Server

POST, LOOK, LIST = "POST Task", "GET Task?identifier", "GET Task?patient"
CREATED = Reply(status=201)
NOTE = "Two weeks left."
PRESCRIPTIONS = [a_prescription("rx-1"), a_prescription("rx-2", name="Warfarin")]


@pytest.fixture
def portal(server: Server, journal: Journal) -> FhirPortal:
    return portal_at(server, journal)


def a_created_task(id: str, of: str, **more: Any) -> Json:
    """A Task as the portal keeps it that asks to renew `of`."""
    task = a_task(id, of, note=[{"text": NOTE}], **more)
    return with_identifier(task, uuid5(INTENT, of).urn)


def renew(portal: FhirPortal, *wanted: Any, note: str | None = NOTE) -> list[RenewalOutcome]:
    return portal.prescriptions.send_renewals(wanted or PRESCRIPTIONS, note, INTENT)


def summarize(outcomes: list[RenewalOutcome]) -> list[tuple[str, str | None, bool]]:
    """Each as the prescription, the request or the error's word, and whether it changed."""
    return [
        (
            each.prescription.id,
            each.renewal.id if each.renewal else describe_outcome(each),
            each.changed,
        )
        for each in outcomes
    ]


def describe_outcome(outcome: RenewalOutcome) -> str:
    assert isinstance(outcome.error, errors.GpcliError)
    return outcome.error.code


def test_each_prescription_is_asked_for_with_an_intent_of_its_own(
    portal: FhirPortal, server: Server
):
    server.on(POST, CREATED)
    server.on(
        LOOK,
        a_searchset(
            a_created_task("t-1", "rx-1"), a_created_task("t-2", "rx-2", status="received")
        ),
    )
    outcomes = renew(portal)
    assert summarize(outcomes) == [("rx-1", "t-1", True), ("rx-2", "t-2", True)]
    assert [each.renewal and each.renewal.prescription for each in outcomes] == [
        "Metformin 500 mg tablets",
        "Warfarin",
    ]
    tasks = [each["resource"] for each in json.loads(server.requests[0].content)["entry"]]
    assert [task["identifier"][0]["value"] for task in tasks] == [
        uuid5(INTENT, "rx-1").urn,
        uuid5(INTENT, "rx-2").urn,
    ]
    assert [task["for"]["reference"] for task in tasks] == ["Patient/kari"] * 2
    assert [task["requester"]["reference"] for task in tasks] == ["Patient/kari"] * 2


def test_who_acts_for_the_patient_is_the_one_who_asks(server: Server, journal: Journal):
    who = Identity("kari", "https://portal.example/fhir/R4/RelatedPerson/guro")
    server.on(POST, CREATED).on(LOOK, a_searchset(a_created_task("t-1", "rx-1")))
    renew(portal_at(server, journal, identity=who), PRESCRIPTIONS[0])
    (task,) = server.write_bodies
    assert (task["for"], task["requester"]) == (
        {"reference": "Patient/kari"},
        {"reference": "RelatedPerson/guro"},
    )


def test_answers_may_be_mixed_and_come_in_order(portal: FhirPortal, server: Server):
    refusal = Reply(an_outcome("not-renewable", "This prescription has expired."), 422)
    server.on(POST, refusal, CREATED).on(LOOK, a_searchset(a_created_task("t-2", "rx-2")))
    server.on(LIST, a_searchset(a_created_task("t-2", "rx-2")))
    outcomes = renew(portal)
    assert summarize(outcomes) == [("rx-1", "rejected", False), ("rx-2", "t-2", True)]
    assert str(outcomes[0].error) == "This prescription has expired."


BUSY = Reply(an_outcome("business-rule", "You have asked for this already."), 422)


@pytest.mark.parametrize("status", ["requested", "in-progress", "completed", "rejected"])
@pytest.mark.parametrize("refusal", [BUSY, Reply(an_outcome("already-answered"), 422)])
def test_what_another_run_has_asked_for_meanwhile_is_done_already(
    portal: FhirPortal, server: Server, refusal: Reply, status: str
):
    server.on(POST, refusal).on(LIST, a_searchset(a_task("t-9", "rx-1", status=status)))
    (outcome,) = renew(portal, PRESCRIPTIONS[0])
    assert summarize([outcome]) == [("rx-1", "t-9", False)]
    assert outcome.renewal
    assert outcome.renewal.status == status


def test_a_conflict_may_be_another_run_s_request_too(portal: FhirPortal, server: Server):
    server.on(POST, Reply(status=409)).on(LOOK, NOTHING)
    server.on(LIST, a_searchset(a_task("t-9", "rx-1")))
    assert summarize(renew(portal, PRESCRIPTIONS[0])) == [("rx-1", "t-9", False)]


def test_of_several_only_what_another_run_has_asked_for_is_done_already(
    portal: FhirPortal, server: Server
):
    server.on(POST, BUSY).on(LIST, a_searchset(a_task("t-9", "rx-2")))
    assert summarize(renew(portal)) == [("rx-1", "rejected", False), ("rx-2", "t-9", False)]


@pytest.mark.parametrize(
    "listed", [NOTHING, a_searchset(a_task("t-1", "rx-1", status="rejected")), UNREACHABLE]
)
def test_a_refusal_stands_where_nobody_else_has_asked(
    portal: FhirPortal, server: Server, listed: Any
):
    server.on(POST, BUSY).on(LIST, listed)
    task = Element(a_task("t-1", "rx-1", status="rejected"), "Task")
    known = read_renewal(task, {}, Bundle(), "UTC")
    (outcome,) = renew(portal, a_prescription("rx-1", renewal=known))
    assert summarize([outcome]) == [("rx-1", "rejected", False)]
    assert "You have asked for this already." in str(outcome.error)


def test_two_records_of_one_request_are_a_conflict_and_not_another_run_s(
    portal: FhirPortal, server: Server
):
    both = a_searchset(a_created_task("t-1", "rx-1"), a_created_task("t-2", "rx-1"))
    server.on(POST, CREATED).on(LOOK, both).on(LIST, both)
    assert summarize(renew(portal, PRESCRIPTIONS[0])) == [("rx-1", "conflict", False)]


def test_a_refusal_that_is_none_of_the_request_s_asks_nothing_more(
    portal: FhirPortal, server: Server
):
    server.on(POST, Reply(status=403))
    assert summarize(renew(portal, PRESCRIPTIONS[0])) == [("rx-1", "not_permitted", False)]
    assert server.request_lines == ["POST Task"]


def test_a_lost_reply_is_unknown_only_for_what_is_not_found(server: Server, journal: Journal):
    never_twice = capabilities_with(batch=False, conditional_creates=())
    server.on(POST, LOST)
    server.on(LOOK, NOTHING, NOTHING, NOTHING, a_searchset(a_created_task("t-2", "rx-2")))
    outcomes = renew(portal_at(server, journal, never_twice))
    assert summarize(outcomes) == [("rx-1", "outcome_unknown", False), ("rx-2", "t-2", True)]
    assert server.request_lines.count("POST Task") == 2


def test_the_same_again_finds_the_same_request(portal: FhirPortal, server: Server):
    server.on(POST, Reply(status=200)).on(
        LOOK, a_searchset(a_created_task("t-1", "rx-1", status="rejected"))
    )
    (outcome,) = renew(portal, PRESCRIPTIONS[0])
    assert summarize([outcome]) == [("rx-1", "t-1", False)]
    assert outcome.renewal
    assert outcome.renewal.status == "rejected"


def test_the_same_again_with_other_words_is_a_conflict(portal: FhirPortal, server: Server):
    server.on(POST, Reply(status=200)).on(LOOK, a_searchset(a_created_task("t-1", "rx-1")))
    (outcome,) = renew(portal, PRESCRIPTIONS[0], note="Other words")
    assert summarize([outcome]) == [("rx-1", "conflict", False)]


@pytest.mark.parametrize(
    "strange",
    [
        {"for": ref("Patient/ola")},
        {"focus": ref("MedicationRequest/rx-9")},
        {"focus": None},
        {"code": {"text": "Something else"}},
        {"status": 7},
    ],
)
def test_what_the_portal_made_must_be_what_was_asked_for(
    portal: FhirPortal, server: Server, strange: Json
):
    server.on(POST, CREATED).on(LOOK, a_searchset(a_created_task("t-1", "rx-1") | strange))
    (outcome,) = renew(portal, PRESCRIPTIONS[0])
    assert summarize([outcome]) == [("rx-1", "conflict", False)]


def test_a_portal_that_can_not_be_reached_is_said_of_each(portal: FhirPortal, server: Server):
    server.on("POST ", UNREACHABLE)
    assert summarize(renew(portal)) == [
        ("rx-1", "unreachable", False),
        ("rx-2", "unreachable", False),
    ]


def test_renewing_nothing_asks_nothing(portal: FhirPortal, server: Server):
    assert portal.prescriptions.send_renewals([], None, INTENT) == []
    assert server.requests == []


TARGET = "Task/task-1"
GET, PUT = f"GET {TARGET}", f"PUT {TARGET}"
OPEN = a_task(meta={"versionId": "3"}, unheardOf=[1])
CANCELLED = a_task(status="cancelled")


def withdraw(portal: FhirPortal) -> tuple[str, bool]:
    written = portal.prescriptions.send_withdrawal("task-1", INTENT)
    return written.record.status, written.changed


def test_a_request_is_withdrawn_and_everything_else_in_it_kept(
    portal: FhirPortal, server: Server, journal: Journal
):
    server.on(GET, Reply(OPEN), Reply(CANCELLED)).on(PUT, Reply(CANCELLED))
    assert withdraw(portal) == ("cancelled", True)
    assert server.write_bodies == [OPEN | {"status": "cancelled"}]
    assert server.require_only_write().headers["If-Match"] == 'W/"3"'
    assert [(each.target, each.state) for each in journal.read_entries()] == [(TARGET, "done")]


def test_what_is_withdrawn_already_is_left_as_it_is(portal: FhirPortal, server: Server):
    server.on(GET, Reply(CANCELLED))
    assert withdraw(portal) == ("cancelled", False)
    assert server.request_lines == [GET]


def test_what_was_withdrawn_is_called_as_it_was_when_it_was_listed(
    portal: FhirPortal, server: Server
):
    server.on("GET Task?_id", a_searchset(a_task(), included=[a_request(), a_medication()]))
    server.on(GET, Reply(OPEN), Reply(CANCELLED)).on(PUT, Reply(CANCELLED))
    portal.prescriptions.fetch_renewal("task-1")
    written = portal.prescriptions.send_withdrawal("task-1", INTENT)
    assert written.record.prescription == "Metformin 500 mg tablets"


@pytest.mark.parametrize("status", ["accepted", "in-progress", "completed", "rejected"])
def test_what_the_surgery_has_handled_can_not_be_withdrawn(
    portal: FhirPortal, server: Server, journal: Journal, status: str
):
    server.on(GET, Reply(a_task(status=status)))
    with pytest.raises(errors.AlreadyAnswered):
        withdraw(portal)
    assert (server.request_lines, journal.read_entries()) == ([GET], [])


def test_an_answer_that_comes_at_the_same_time_wins(portal: FhirPortal, server: Server):
    refusal = Reply(an_outcome("already-answered", "It is accepted."), 422)
    server.on(GET, Reply(OPEN)).on(PUT, refusal)
    with pytest.raises(errors.AlreadyAnswered, match="It is accepted"):
        withdraw(portal)


def test_a_request_that_changed_meanwhile_is_a_conflict(portal: FhirPortal, server: Server):
    server.on(GET, Reply(OPEN)).on(PUT, Reply(status=412))
    with pytest.raises(errors.Conflict):
        withdraw(portal)


@pytest.mark.parametrize(
    ("record", "state"), [(CANCELLED, "done"), (OPEN, "unknown")], ids=["done", "unknown"]
)
def test_a_lost_reply_is_looked_into(
    portal: FhirPortal, server: Server, journal: Journal, record: Json, state: str
):
    server.on(GET, Reply(OPEN), Reply(record)).on(PUT, LOST)
    if state == "done":
        assert withdraw(portal) == ("cancelled", True)
    else:
        with pytest.raises(errors.OutcomeUnknown):
            withdraw(portal)
    assert [each.state for each in journal.read_entries()] == [state]


@pytest.mark.parametrize(
    "other",
    [
        a_task(**{"for": ref("Patient/ola")}),
        a_task(code=concept("call-me", "urn:x")),
    ],
)
def test_what_is_no_request_of_the_patients_is_not_found(
    portal: FhirPortal, server: Server, other: Json
):
    server.on(GET, Reply(other))
    with pytest.raises(errors.NotFound, match="There is no request 'task-1'"):
        withdraw(portal)
    assert server.request_lines == [GET]


@pytest.mark.parametrize(
    ("other", "error", "words"),
    [
        (a_task(**{"for": None}), errors.BadResponse, "does not name its patient"),
        (a_task(status="entered-in-error"), errors.AlreadyAnswered, "entered in error"),
    ],
)
def test_what_is_there_and_can_not_be_withdrawn_is_never_said_to_be_absent(
    portal: FhirPortal, server: Server, other: Json, error: type[errors.GpcliError], words: str
):
    server.on(GET, Reply(other))
    with pytest.raises(error, match=words):
        withdraw(portal)
    assert server.request_lines == [GET]


def test_a_request_that_names_its_patient_by_an_identifier_is_withdrawn(
    portal: FhirPortal, server: Server
):
    named = {"for": {"identifier": {"system": "urn:id", "value": "1"}}}
    identified = a_patient(identifier=[{"system": "urn:id", "value": "1"}])
    server.on("GET Patient/kari", Reply(identified))
    server.on(GET, Reply(OPEN | named), Reply(CANCELLED | named))
    server.on(PUT, Reply(CANCELLED | named))
    assert withdraw(portal) == ("cancelled", True)


def test_what_the_portal_does_not_have_is_not_found(portal: FhirPortal, server: Server):
    server.on(GET, Reply(status=404))
    with pytest.raises(errors.NotFound):
        withdraw(portal)


@pytest.mark.parametrize(
    "wrong", [{"status": 7}, {"status": None}, {"code": 7}, {"for": "kari"}, {"identifier": 7}]
)
def test_wrong_types_stop_the_withdrawal(portal: FhirPortal, server: Server, wrong: Json):
    server.on(GET, Reply(CANCELLED | wrong))
    with pytest.raises(errors.BadResponse):
        withdraw(portal)
    assert server.request_lines == [GET]
