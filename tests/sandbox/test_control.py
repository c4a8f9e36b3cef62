"""Test the control client and the control routes."""

import http.server
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from gpcli.sandbox.accounts import Dependant
from gpcli.sandbox.control import ControlClient, ControlError, ControlRefused
from gpcli.sandbox.people import PEOPLE
from gpcli.sandbox.server import Sandbox
from gpcli.sandbox.surgery.answer import AnsweredRequest
from tests.loopback import NO_CERTIFICATES
from tests.sandbox.conftest import NOW

FAMILY = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {
            "resource": {
                "resourceType": "Patient",
                "id": "mum",
                "identifier": [{"system": "urn:x", "value": "1"}],
                "name": [{"given": ["Mina"], "family": "Lie"}],
                "birthDate": "1990-01-02",
            }
        },
        {"resource": {"resourceType": "Patient", "id": "kid"}},
        {
            "resource": {
                "resourceType": "RelatedPerson",
                "id": "mum-for-kid",
                "identifier": [{"system": "urn:x", "value": "1"}],
                "patient": {"reference": "Patient/kid"},
            }
        },
    ],
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    file = tmp_path_factory.mktemp("people") / "people.json"
    file.write_text(json.dumps(FAMILY), encoding="utf-8")
    with Sandbox(people=file, clock=NOW) as sandbox:
        yield sandbox


@pytest.fixture
def control(running: Sandbox) -> ControlClient:
    running.reset()
    return ControlClient(running.url, running.control_token)


def test_the_people_of_a_file_are_listed_with_whom_they_act_for(control: ControlClient) -> None:
    people = [
        (card.key, card.name, card.description, card.acts_for) for card in control.fetch_people()
    ]

    assert people == [
        (
            "mum",
            "Mina Lie",
            "Born 1990-01-02",
            (Dependant("kid", "kid", "kid", "RelatedPerson/mum-for-kid"),),
        ),
        ("kid", "kid", "From the file of people", ()),
    ]


def test_a_token_got_by_control_is_a_token_of_the_portal(
    control: ControlClient, running: Sandbox
) -> None:
    token = control.fetch_token("mum", "kid")

    rights = running._smart.grants.find_access_rights(token.access_token)

    assert rights is not None
    assert (token.patient, token.fhir_user) == ("kid", "RelatedPerson/mum-for-kid")
    assert (rights.patient, rights.fhir_user, rights.scopes) == (
        token.patient,
        token.fhir_user,
        set(token.scopes),
    )
    assert token.expires_at.tzinfo is not None


@pytest.mark.parametrize(
    ("person", "acting_for", "message"),
    [
        ("ada", None, "no person called 'ada'; known: mum, kid"),
        ("kid", "mum", "kid has no child called 'mum'; known: kid (of mum)"),
        ("", None, "no person called ''; known: mum, kid"),
    ],
)
def test_a_token_for_nobody_known_is_refused_with_who_is_known(
    control: ControlClient, person: str, acting_for: str | None, message: str
) -> None:
    with pytest.raises(ControlError) as refusal:
        control.fetch_token(person, acting_for)

    assert str(refusal.value) == message


def test_the_clock_can_be_advanced_set_and_reset(control: ControlClient) -> None:
    winter = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    advanced = control.advance(timedelta(days=3, hours=2))
    set_to = control.set_clock(winter)
    control.reset()
    begun_again = control.advance(timedelta())

    assert abs(advanced - NOW - timedelta(days=3, hours=2)) < timedelta(minutes=1)
    assert abs(set_to - winter) < timedelta(minutes=1)
    assert abs(begun_again - NOW) < timedelta(minutes=1)


def test_the_surgerys_delay_can_be_set_and_is_reset(
    control: ControlClient, running: Sandbox
) -> None:
    control.set_delay(timedelta(hours=2))
    delay = running._surgery.delay
    control.reset()

    assert (delay, running._surgery.delay) == (timedelta(hours=2), timedelta())


def enquire(running: Sandbox, control: ControlClient) -> str:
    """The id of an enquiry that waits for the surgery."""
    control.set_delay(timedelta(hours=1))
    enquiry = {
        "resourceType": "Appointment",
        "status": "proposed",
        "requestedPeriod": [{"start": "2026-11-24", "end": "2026-12-04"}],
        "participant": [{"actor": {"reference": "Patient/kid"}, "status": "accepted"}],
    }
    written = running.store.insert(enquiry)
    running._surgery.enqueue(written)
    return str(written["id"])


def test_the_surgery_answers_now_what_waits(control: ControlClient, running: Sandbox) -> None:
    asked = enquire(running, control)

    answers = control.answer()

    assert answers == [AnsweredRequest(f"Appointment/{asked}", "booking", "declined")]
    assert control.answer() == []


def test_the_surgery_answers_one_in_the_words_it_is_given(
    control: ControlClient, running: Sandbox
) -> None:
    asked, other = (enquire(running, control) for _ in range(2))

    (answer,) = control.answer(asked, decline=True, text="Nei, dessverre.")

    (response,) = running.store.find("AppointmentResponse", appointment=answer.reference)
    assert answer == AnsweredRequest(f"Appointment/{asked}", "booking", "declined")
    assert response["comment"] == "Nei, dessverre."
    assert [each.reference for each in control.answer()] == [f"Appointment/{other}"]


@pytest.mark.parametrize("wanted", ["none", "Task/none", "kid"])
def test_what_does_not_wait_is_refused_by_its_name(
    control: ControlClient, running: Sandbox, wanted: str
) -> None:
    with pytest.raises(ControlRefused) as refusal:
        control.answer(wanted)

    assert str(refusal.value) == f"nothing called {wanted!r} waits for an answer"


@pytest.mark.parametrize(("wanted", "text"), [("", None), (None, " "), (" ", "x")])
def test_an_empty_name_or_text_is_refused(
    control: ControlClient, running: Sandbox, wanted: str | None, text: str | None
) -> None:
    asked = enquire(running, control)

    with pytest.raises(ControlRefused, match="can't be understood"):
        control.answer(wanted, text=text)

    assert [each.reference for each in running.answer()] == [f"Appointment/{asked}"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"wanted": 1}', b'{"text": []}'])
def test_an_answer_that_makes_no_sense_is_refused(running: Sandbox, body: bytes) -> None:
    answer = httpx.post(
        f"{running.url}/control/answer",
        content=body,
        headers={
            "Authorization": f"Bearer {running.control_token}",
            "Content-Type": "application/json",
        },
        verify=NO_CERTIFICATES,
    )

    assert (answer.status_code, answer.json().keys()) == (400, {"error"})


def test_reset_forgets_what_waits(control: ControlClient, running: Sandbox) -> None:
    enquire(running, control)
    control.reset()
    assert control.answer() == []


def test_a_negative_delay_is_refused(control: ControlClient) -> None:
    with pytest.raises(ControlError, match="a delay can't be negative"):
        control.set_delay(timedelta(seconds=-1))


def test_a_time_without_a_zone_is_refused(control: ControlClient) -> None:
    with pytest.raises(ControlError, match="a time without a zone"):
        control.set_clock(datetime(2027, 1, 1, 12))  # noqa: DTZ001 - what is refused


def test_a_clock_beyond_the_calendar_is_refused(control: ControlClient) -> None:
    with pytest.raises(ControlError):
        control.advance(timedelta(days=999_999_999))

    assert control.advance(timedelta()) is not None


@pytest.mark.parametrize("token", ["", "wrong", "ø"])
def test_without_the_control_token_nothing_is_controlled(running: Sandbox, token: str) -> None:
    with pytest.raises(ControlError):
        ControlClient(running.url, token).fetch_people()


def test_a_patients_token_controls_nothing(running: Sandbox) -> None:
    token = running.issue_token("mum").access_token

    with pytest.raises(ControlError, match="the control token is missing or wrong"):
        ControlClient(running.url, token).reset()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"seconds": "soon"}', b'{"now": 1}'])
@pytest.mark.parametrize("what", ["token", "clock", "delay"])
def test_a_request_that_makes_no_sense_is_refused(running: Sandbox, what: str, body: bytes) -> None:
    answer = httpx.post(
        f"{running.url}/control/{what}",
        content=body,
        headers={
            "Authorization": f"Bearer {running.control_token}",
            "Content-Type": "application/json",
        },
        verify=NO_CERTIFICATES,
    )

    assert (answer.status_code, answer.json().keys()) == (400, {"error"})


def test_a_portal_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text(json.dumps(FAMILY), encoding="utf-8")
    with Sandbox(people=file) as sandbox:
        gone = ControlClient(sandbox.url, sandbox.control_token)

    with pytest.raises(ControlError, match="no sandbox answers at http://"):
        gone.fetch_people()


def test_something_else_on_the_port_is_not_taken_for_a_portal() -> None:
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Other) as other:
        thread = threading.Thread(target=other.handle_request, daemon=True)
        thread.start()
        with pytest.raises(ControlError, match="no sandbox answers"):
            ControlClient(f"http://127.0.0.1:{other.server_port}", "token").fetch_people()
        thread.join(60)


def test_a_proxy_in_the_environment_is_not_used(
    control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert control.fetch_people()


def test_the_eight_are_listed_in_order() -> None:
    with Sandbox() as sandbox:
        people = ControlClient(sandbox.url, sandbox.control_token).fetch_people()

    assert tuple(people) == PEOPLE
