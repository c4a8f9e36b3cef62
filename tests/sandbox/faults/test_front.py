"""Test what rules leave alone, how they combine, and what becomes of them when a portal stops."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from gpcli.sandbox.control import ControlClient, ControlRefused
from gpcli.sandbox.server import FaultRule, InvalidRule, Sandbox, UnknownFaultRule
from tests.loopback import NO_CERTIFICATES
from tests.sandbox.conftest import JUST_ONE
from tests.sandbox.faults.conftest import BY_IDENTIFIER

ASKED = ("Patient", "Slot?_count=1", "Slot/s1", "Patient/nobody", "Nothing", "metadata?_format=xml")


def comparable(answer: httpx.Response) -> tuple[object, ...]:
    changing = ("date", "content-length")
    headers = {name: value for name, value in answer.headers.items() if name not in changing}
    body = answer.json()
    body.pop("date", None)
    return answer.status_code, headers, [each for each in body if each != "link"]


def test_requests_that_no_rule_matches_are_answered_as_without_rules(ada):
    without = [comparable(ada.ask("GET", path)) for path in ASKED]
    ada.sandbox.add_fault("POST Communication: 503")

    assert [comparable(ada.ask("GET", path)) for path in ASKED] == without
    assert ada.book().status_code == 201


def test_what_a_fault_cannot_change_does_not_count_as_met(ada):
    for rule in (
        "GET Slot/*: wrong-total",
        "GET Slot: lost-next",
        "GET Slot: ignored-parameter=status",
        "GET *: lost-outcome",
        "GET *: any-token",
        "* *: ignored-if-match",
        "GET *: unsaved",
        "POST Appointment: lost-etag nth=2",
    ):
        ada.sandbox.add_fault(rule)

    for path in ("Slot/s1", "Slot", "Patient/ada"):
        ada.get(path)
    ada.book()

    assert [each.used for each in ada.sandbox.faults] == [0] * 8


def test_several_rules_act_together(ada):
    ada.sandbox.add_fault("GET Patient/*: hostile-text")
    ada.sandbox.add_fault("GET Patient/*: wrong-status=206")
    ada.sandbox.add_fault("GET *: lost-etag")

    answer = ada.ask("GET", "Patient/ada")

    assert (answer.status_code, "ETag" in answer.headers, "\x9b" in answer.text) == (
        206,
        False,
        True,
    )


def test_of_two_answers_that_are_given_instead_one_counts(ada):
    ada.sandbox.add_fault("GET Slot: html")
    ada.sandbox.add_fault("GET Slot: 503")

    assert ada.ask("GET", "Slot").status_code == 503
    assert [each.used for each in ada.sandbox.faults] == [0, 1]


def test_a_late_write_is_done_once_and_as_other_rules_have_changed_it(ada):
    ada.sandbox.add_fault("POST Appointment: late-commit=1h once")
    ada.sandbox.add_fault("POST Appointment: lost-identifier")
    with pytest.raises(httpx.RemoteProtocolError):
        ada.book()

    ada.sandbox.advance(timedelta(hours=2))
    ada.sandbox.advance(timedelta(hours=2))

    assert ["identifier" in each for each in ada.bookings()] == [False]


def test_a_reset_forgets_a_late_write_and_rules_that_were_added(ada):
    ada.sandbox.add_fault("POST Appointment: late-commit=1h")
    with pytest.raises(httpx.RemoteProtocolError):
        ada.book()

    ada.sandbox.reset()
    ada.sandbox.advance(timedelta(hours=2))

    assert (ada.bookings(), ada.sandbox.faults) == ([], [])


def test_a_conditional_repeat_of_an_unsaved_write_is_done(ada):
    ada.sandbox.add_fault("POST Appointment: unsaved once")
    answers = [ada.book(If_None_Exist=BY_IDENTIFIER).status_code for _ in range(3)]
    assert answers == [201, 201, 200]


@pytest.fixture
def control(small_portal: Sandbox) -> ControlClient:
    return ControlClient(small_portal.url, small_portal.control_token)


def test_the_control_interface_has_no_faults(ada, control):
    ada.sandbox.add_fault("* *: lost-request")
    assert [each.key for each in control.fetch_people()] == [
        each.key for each in ada.sandbox.people()
    ]


def test_rules_are_added_listed_and_taken_out_by_the_control_interface(ada, control):
    added = [control.add_fault("GET Slot: 503 once"), control.add_fault(" GET Slot: html ")]
    ada.ask("GET", "Slot")
    listed = control.fetch_faults()
    cleared = [control.clear_faults(added[0].id), control.clear_faults(), control.clear_faults()]

    assert [(each.rule, each.used, each.left) for each in listed] == [
        ("GET Slot: 503 once", 1, 0),
        ("GET Slot: html", 0, None),
    ]
    assert cleared == [[listed[0]], [listed[1]], []]
    assert ada.sandbox.faults == []


def test_what_is_no_rule_or_no_id_is_refused_by_the_control_interface(ada, control):
    with pytest.raises(ControlRefused, match=r"at character 11 should be a fault\. Nearest: html"):
        control.add_fault("GET Slot: htm")
    with pytest.raises(ControlRefused, match="no fault rule is called 'f/99'"):
        control.clear_faults("f/99")


def test_from_python_what_is_no_rule_is_refused_before_a_portal_starts():
    with pytest.raises(InvalidRule, match="Nearest: POST"):
        Sandbox(faults=["PSOT Slot: html"])


def test_from_python_a_rule_is_taken_out_by_its_id(ada):
    added = ada.sandbox.add_fault("GET Slot: html")

    assert isinstance(added, FaultRule)
    assert ada.sandbox.clear_faults(added.id) == [added]
    with pytest.raises(UnknownFaultRule):
        ada.sandbox.clear_faults(added.id)


@pytest.fixture
def just_one(tmp_path: Path) -> Path:
    file = tmp_path / "people.json"
    file.write_text(json.dumps(JUST_ONE), encoding="utf-8")
    return file


def test_a_portal_that_stops_ends_an_answer_that_is_waited_for(just_one):
    with Sandbox(people=just_one, faults=["GET metadata: delay=1h"]) as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=60) as waiting:
            waiting.sendall(b"GET /fhir/R4/metadata HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            until_used(sandbox)
            sandbox.stop()
            assert waiting.recv(1) == b""


def until_used(sandbox: Sandbox) -> None:
    """Wait until the rule has been met."""
    with ThreadPoolExecutor() as pool:
        pool.submit(_spin, sandbox).result(60)


def _spin(sandbox: Sandbox) -> None:
    while not sandbox.faults[0].used:
        httpx.get(f"{sandbox.url}/jwks", verify=NO_CERTIFICATES)


def test_a_portal_that_stops_ends_an_answer_that_drips(just_one):
    with (
        Sandbox(people=just_one, faults=["GET metadata: slow-drip=1"]) as sandbox,
        httpx.stream("GET", f"{sandbox.fhir_base}/metadata", verify=NO_CERTIFICATES) as answer,
    ):
        pieces = answer.iter_raw(1)
        first = next(pieces)
        sandbox.stop()
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)

    assert first == b"{"
