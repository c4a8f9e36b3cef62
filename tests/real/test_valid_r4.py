"""Everything that is sent, answered and stored is valid FHIR R4, say validators of others.

What none of the validators knows is not checked here: the invariants dom-3 (what is contained is
referred to), txt-1 and txt-2 (narratives; gpcli and the portal write none), codes of bindings that
are not required, what the definition of an extension says, and whether what is referred to exists.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import httpx
import pytest

from gpcli.cli.commands import registry
from gpcli.sandbox.people import build_resources
from tests.journeys.world import MONDAY
from tests.real.broken import CODES, INVARIANTS, STRUCTURE, UNKNOWN, VALID, a_bundle, an_appointment
from tests.real.recording import RecordingSandbox, read_recorded, read_stored
from tests.real.tour import TOUR, book_by, sign_in, travel
from tests.real.validators import Resource, Validators, each_of

LEAP_NIGHT = datetime(2028, 2, 29, 23, 30, tzinfo=MONDAY.tzinfo)
ANSWERS = {
    *(("Appointment", status) for status in ("proposed", "booked", "cancelled")),
    ("AppointmentResponse", None),
    *(("Communication", status) for status in ("in-progress", "completed", "stopped", "not-done")),
    *(("Task", status) for status in ("requested", "completed", "rejected", "cancelled")),
}

REFUSALS = {
    "no token": ("GET", "Patient/ada", {"headers": {"Authorization": ""}}, 401),
    "somebody else's": ("GET", "Patient/bo", {}, 404),
    "never there": ("GET", "Appointment/nobody", {}, 404),
    "unknown type": ("GET", "Nonsense", {}, 404),
    "unknown parameter": ("GET", "Slot?x=1", {"headers": {"Prefer": "handling=strict"}}, 400),
    "no date": ("GET", "Slot?start=soon", {}, 400),
    "XML wanted": ("GET", "Patient/ada", {"headers": {"Accept": "application/fhir+xml"}}, 406),
    "XML sent": (
        "POST",
        "Consent",
        {"headers": {"Content-Type": "text/xml"}, "content": "<x/>"},
        415,
    ),
    "no JSON": ("POST", "Consent", {"headers": {"Content-Type": "application/json"}}, 400),
    "no such batch": ("POST", "", {"json": a_bundle("history")}, 400),
    "not to be written": ("PUT", "Patient/ada", {"json": {"resourceType": "Patient"}}, 405),
    "not to be deleted": ("DELETE", "Consent/consent-ada", {}, 405),
    "broken": ("POST", "Appointment", {"json": an_appointment(status="bokked")}, 422),
}
"""A request that the portal refuses, and with which status."""


@pytest.fixture(scope="module")
def validators():
    with Validators() as four:
        yield four


@pytest.fixture(scope="module")
def toured(tmp_path_factory):
    """A portal after the tour, and what went otherwise than announced."""
    with RecordingSandbox(clock=MONDAY, seed=1) as sandbox:
        yield sandbox, travel(sandbox, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def portal():
    with RecordingSandbox(clock=MONDAY, seed=1) as sandbox:
        yield sandbox


def broken(validators: Validators, found: Iterable[tuple[str, Resource]]) -> dict[str, list[str]]:
    """What is wrong, and where it was found first."""
    wrong: dict[str, list[str]] = {}
    for place, whole in found:
        for resource in each_of(whole):
            if problems := validators.problems(resource):
                name = f"{resource.get('resourceType')}/{resource.get('id')} {place}"
                wrong[name] = problems
    return wrong


def test_the_tour_goes_as_announced(toured):
    _, otherwise = toured
    assert otherwise == []


def _is_of(command: str, line: str) -> bool:
    return line.startswith(f"{command} ")


def test_the_tour_leads_past_every_command_about_care():
    lines = [f"{stop.line} " for stop in TOUR if stop.code == 0]
    commands = [row.path for row in registry.CARE_COMMANDS]
    assert [each for each in commands if not any(_is_of(each, line) for line in lines)] == []


def test_the_tour_makes_the_surgery_give_every_answer(toured):
    sandbox, _ = toured
    found = {(each["resourceType"], each.get("status")) for _, each in read_stored(sandbox)}
    assert found >= ANSWERS


def test_what_gpcli_sends_and_the_portal_answers_is_valid(toured, validators):
    sandbox, _ = toured
    assert broken(validators, read_recorded(sandbox)) == {}


def test_what_goes_either_way_at_a_sign_in_is_valid(validators, tmp_path):
    with RecordingSandbox(auto_sign_in=True) as sandbox:
        _, ending = sign_in(sandbox, tmp_path)
        assert ending.code == 0
        found = list(read_recorded(sandbox))
    assert {resource["resourceType"] for _, resource in found} >= {"Bundle", "CapabilityStatement"}
    assert broken(validators, found) == {}


@pytest.mark.parametrize("way", ["operation", "transaction"])
def test_what_goes_either_way_where_a_plain_post_takes_no_time_is_valid(validators, tmp_path, way):
    with RecordingSandbox(auto_sign_in=True, booking=way) as sandbox:
        assert book_by(way, sandbox, tmp_path) == [0, 0, 7, 0, 0]
        found = [*read_recorded(sandbox), *read_stored(sandbox)]
    kinds = {resource["resourceType"] for _, resource in found}
    assert ("Parameters" in kinds) == (way == "operation")
    assert broken(validators, found) == {}


def test_what_the_portal_keeps_is_valid(toured, validators):
    sandbox, _ = toured
    assert broken(validators, read_stored(sandbox)) == {}


def test_the_people_are_valid_on_a_leap_day_at_night_too(validators):
    people = [each for each in build_resources(LEAP_NIGHT) if each["resourceType"] != "Slot"]
    assert broken(validators, [(str(LEAP_NIGHT), each) for each in people]) == {}


@pytest.mark.parametrize("name", VALID)
def test_nobody_finds_fault_with_what_is_valid(validators, name):
    assert list(broken(validators, [("here", VALID[name])])) == []


@pytest.mark.parametrize(("resource", "words"), STRUCTURE.values(), ids=STRUCTURE)
def test_a_broken_structure_is_found(validators, resource, words):
    assert words in "\n".join(validators.problems(resource))


@pytest.mark.parametrize(("resource", "words"), CODES.values(), ids=CODES)
def test_a_wrong_code_or_target_is_found(validators, resource, words):
    assert words in "\n".join(validators.problems(resource))


@pytest.mark.parametrize("key", INVARIANTS)
def test_an_invariant_that_is_not_met_is_found(validators, key):
    assert f"Constraint {key} not met" in "\n".join(validators.problems(INVARIANTS[key]))


@pytest.mark.parametrize("key", UNKNOWN)
def test_what_this_file_says_nobody_knows_nobody_knows(validators, key):
    assert validators.problems(UNKNOWN[key]) == []


def test_what_is_broken_in_a_bundle_in_a_bundle_is_found(validators):
    inner = a_bundle("searchset", {"resource": INVARIANTS["app-1"], "search": {"mode": "match"}})
    outer = a_bundle("batch-response", {"resource": inner, "response": {"status": "200"}})
    assert "Appointment/None here" in broken(validators, [("here", outer)])


def test_a_refusal_in_a_batch_is_looked_at_too(validators):
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "fatal", "code": "no"}]}
    answered = a_bundle("batch-response", {"response": {"status": "404", "outcome": outcome}})
    assert "OperationOutcome/None here" in broken(validators, [("here", answered)])


@pytest.mark.parametrize(("method", "path", "more", "status"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_valid(portal, validators, method, path, more, status):
    token = portal.issue_token("ada").access_token
    headers = {"Authorization": f"Bearer {token}", **more.get("headers", {})}
    url = f"{portal.fhir_base}/{path}"
    answer = httpx.request(method, url, **{**more, "headers": headers})
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert validators.problems(answer.json()) == []


def test_what_is_sent_and_what_is_answered_are_both_looked_at(validators):
    with RecordingSandbox(clock=MONDAY, seed=1) as sandbox:
        token = sandbox.issue_token("ada").access_token
        httpx.post(
            f"{sandbox.fhir_base}/Appointment",
            json=an_appointment(status="bokked"),
            headers={"Authorization": f"Bearer {token}"},
        )
        found = list(read_recorded(sandbox))
    assert [(place, each["resourceType"]) for place, each in found] == [
        ("sent: POST /fhir/R4/Appointment -> 422", "Appointment"),
        ("answered: POST /fhir/R4/Appointment -> 422", "OperationOutcome"),
    ]
    assert list(broken(validators, found)) == [f"Appointment/None {found[0][0]}"]


def test_what_the_portal_kept_before_a_change_is_looked_at(validators):
    with RecordingSandbox(clock=MONDAY, seed=1) as sandbox:
        sandbox.store.clear()
        sandbox.store.put({**INVARIANTS["app-1"], "id": "x"})
        sandbox.store.put(an_appointment(id="x"))
        assert list(broken(validators, read_stored(sandbox))) == [
            "Appointment/x stored: Appointment/x"
        ]


def test_forms_and_empty_answers_are_no_resources():
    with RecordingSandbox(clock=MONDAY, seed=1) as sandbox:
        token = sandbox.issue_token("ada").access_token
        headers = {"Authorization": f"Bearer {token}", "Prefer": "return=minimal"}
        form = {"identifier": "x"}
        httpx.post(f"{sandbox.fhir_base}/Appointment/_search", data=form, headers=headers)
        [exchange] = sandbox.exchanges
    assert (exchange.title, exchange.sent) == ("POST /fhir/R4/Appointment/_search -> 200", None)
