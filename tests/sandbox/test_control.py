"""Test the control client and the control routes."""

import http.server
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gpcli.sandbox.accounts import Dependant
from gpcli.sandbox.control import ControlClient, ControlError, ControlRefused
from gpcli.sandbox.people import PEOPLE
from gpcli.sandbox.server import Sandbox
from gpcli.sandbox.surgery.answer import AnsweredRequest
from gpcli.sandbox.time_limits import CLOCK_YEARS, InvalidTime
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

    with pytest.raises(ControlRefused, match="must be a text with something in it, or null"):
        control.answer(wanted, text=text)

    assert [each.reference for each in running.answer()] == [f"Appointment/{asked}"]


def test_reset_forgets_what_waits(control: ControlClient, running: Sandbox) -> None:
    enquire(running, control)
    control.reset()
    assert control.answer() == []


@pytest.fixture(params=["in this process", "over HTTP"])
def face(
    request: pytest.FixtureRequest, running: Sandbox, control: ControlClient
) -> Sandbox | ControlClient:
    return running if request.param == "in this process" else control


@pytest.mark.parametrize("days", [-0.001, 100_000])
def test_a_delay_before_now_or_off_the_calendar_is_refused(
    face: Sandbox | ControlClient, days: float
) -> None:
    with pytest.raises(InvalidTime, match="a delay can't be negative, or over 99,999 days"):
        face.set_delay(timedelta(days=days))


@pytest.mark.parametrize(
    ("instant", "message"),
    [
        ("2027-01-01T12:00:00", "2027-01-01T12:00:00 is a time without a zone"),
        ("9999-12-31T00:00:00+00:00", "goes from the year 1970 to 8999, not to the year 9999"),
        ("9999-12-31T23:59:59-12:00", "not to the year 9999"),
        ("0001-01-01T00:00:00+12:00", "not to the year 1"),
        ("1970-01-01T00:00:00+01:00", "goes from the year 1970"),
    ],
)
def test_a_time_without_a_zone_or_near_an_end_of_the_calendar_is_refused(
    face: Sandbox | ControlClient, instant: str, message: str
) -> None:
    with pytest.raises(InvalidTime, match=message):
        face.set_clock(datetime.fromisoformat(instant))


@pytest.mark.parametrize("method", ["advance", "set_delay", "set_clock"])
def test_a_number_is_no_time(face: Sandbox | ControlClient, method: str) -> None:
    with pytest.raises(TypeError, match=r"not (to )?3600"):
        getattr(face, method)(3600)


@pytest.mark.parametrize(
    "settings",
    [
        {"clock": datetime(9999, 12, 31, tzinfo=UTC)},
        {"clock": datetime(2027, 1, 1)},  # noqa: DTZ001 - what is refused
        {"delay": timedelta(seconds=-1)},
        {"delay": timedelta.max},
    ],
    ids=str,
)
def test_no_portal_begins_with_a_time_that_it_could_not_be_given_later(
    settings: dict[str, Any],
) -> None:
    with pytest.raises(InvalidTime):
        Sandbox(**settings)


def test_a_way_of_booking_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="booking is one of post, operation, transaction, not 'p'"):
        Sandbox(booking="p").start()


def test_a_directory_is_no_key_of_a_machine(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="can't be read: Is a directory"):
        Sandbox(machine=tmp_path)


@pytest.mark.parametrize("year", [CLOCK_YEARS[0], CLOCK_YEARS[-1]])
def test_at_the_ends_of_its_years_the_portal_works(year: int) -> None:
    begin = datetime(year, 6, 1, tzinfo=UTC)
    with Sandbox(clock=begin) as sandbox:
        token = sandbox.issue_token("ada")
        sandbox.reset()

    assert (token.patient, token.expires_at.year) == ("ada", year)


def test_a_file_may_be_named_by_a_text(tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text(json.dumps(FAMILY), encoding="utf-8")

    sandbox = Sandbox(people=str(file), state=str(tmp_path / "state"))

    with sandbox:
        assert [each.key for each in sandbox.people()] == ["mum", "kid"]
    assert (tmp_path / "state" / "portal.sqlite").exists()


def test_a_clock_beyond_the_calendar_is_refused(control: ControlClient) -> None:
    with pytest.raises(ControlRefused, match="not to a time that is on no calendar") as refusal:
        control.advance(timedelta(days=9_999_999))

    assert refusal.value.status == 400
    assert control.advance(timedelta()) is not None


@pytest.mark.parametrize("token", ["", "wrong", "ø"])
def test_without_the_control_token_nothing_is_controlled(running: Sandbox, token: str) -> None:
    with pytest.raises(ControlError):
        ControlClient(running.url, token).fetch_people()


def test_a_patients_token_controls_nothing(running: Sandbox) -> None:
    token = running.issue_token("mum").access_token

    with pytest.raises(ControlError, match="the control token is missing or wrong"):
        ControlClient(running.url, token).reset()


def post(running: Sandbox, what: str, body: str, **headers: str) -> httpx.Response:
    return httpx.post(
        f"{running.url}/control/{what}",
        content=body,
        headers={
            "Authorization": f"Bearer {running.control_token}",
            "Content-Type": "application/json",
            **headers,
        },
        verify=NO_CERTIFICATES,
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "the body is not JSON"),
        ("{", "the body is not JSON"),
        ("[" * 100_000, "the body is not JSON"),
        ("[]", "the body must be a JSON object, not a list"),
        ("null", "the body must be a JSON object, not null"),
    ],
    ids=["nothing", "half", "deep", "list", "null"],
)
@pytest.mark.parametrize("what", ["token", "clock", "delay", "answer", "reset", "faults"])
def test_a_body_that_is_no_object_is_refused(
    running: Sandbox, what: str, body: str, message: str
) -> None:
    answer = post(running, what, body)

    assert (answer.status_code, answer.json()) == (400, {"error": message})


@pytest.mark.parametrize(
    ("what", "body", "message"),
    [
        ("token", "{}", '"person" is missing: a text'),
        ("token", '{"person": 7}', '"person" must be a text, not 7'),
        ("token", '{"person": {}}', '"person" must be a text, not an object'),
        ("token", '{"persn": "ada"}', '"person" is missing: a text'),
        ("token", '{"person": "mum", "acting_for": 7}', '"acting_for" must be a text or null'),
        ("clock", "{}", 'give one of "advance_seconds" and "now"'),
        (
            "clock",
            '{"advance_seconds": 1, "now": "2027-03-01T09:00:00Z"}',
            'give one of "advance_seconds" and "now"',
        ),
        ("clock", '{"advance_seconds": "1"}', '"advance_seconds" must be a number of seconds'),
        ("clock", '{"advance_seconds": true}', '"advance_seconds" must be a number of seconds'),
        ("clock", '{"advance_seconds": NaN}', '"advance_seconds" must be a number of seconds'),
        ("clock", '{"advance_seconds": 1e300}', '"advance_seconds" must be a number of seconds'),
        ("clock", '{"now": 1}', '"now" must be a time such as'),
        ("clock", '{"now": "soon"}', '"now" must be a time such as'),
        ("clock", '{"now": "2027-03-01T09:00:00"}', "is a time without a zone"),
        ("clock", '{"now": "9999-12-31T00:00:00Z"}', "not to the year 9999"),
        ("delay", "{}", '"seconds" is missing: a number of seconds'),
        ("delay", '{"seconds": "soon"}', '"seconds" must be a number of seconds'),
        ("delay", '{"seconds": -1}', "a delay can't be negative"),
        ("answer", '{"wanted": 1}', '"wanted" must be a text with something in it, or null, not 1'),
        ("answer", '{"text": []}', '"text" must be a text with something in it, or null, not a l'),
        ("answer", '{"decline": "yes"}', '"decline" must be true or false, not "yes"'),
        ("answer", '{"declne": true}', '"declne" is no member of this body; did you mean "decline'),
        ("reset", '{"now": 1}', '"now" is no member of this body; there is: none'),
        ("faults", "{}", '"rule" is missing: a text'),
        ("faults", '{"rule": ["x"]}', '"rule" must be a text, not a list'),
    ],
)
def test_a_wrong_member_is_named_with_what_it_must_be(
    running: Sandbox, what: str, body: str, message: str
) -> None:
    answer = post(running, what, body)

    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_a_body_that_is_not_said_to_be_json_is_refused(running: Sandbox) -> None:
    answer = post(running, "reset", "{}", **{"Content-Type": "text/plain"})

    assert answer.status_code == 415
    assert answer.json() == {"error": "send JSON, with the header Content-Type: application/json"}


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        ("GET", "/control/nosuch", "127.0.0.1", 404),
        ("GET", "/control", "127.0.0.1", 404),
        ("PUT", "/control/faults", "127.0.0.1", 405),
        ("GET", "/control/people", "portal.example", 403),
        ("GET", "/control/nosuch", "portal.example", 403),
    ],
)
def test_what_is_refused_before_it_is_controlled_is_refused_in_json(
    running: Sandbox, method: str, path: str, host: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {running.control_token}", "Host": host}

    answer = httpx.request(method, f"{running.url}{path}", headers=headers, verify=NO_CERTIFICATES)

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    assert list(answer.json()) == ["error"]
    assert ("Allow" in answer.headers) is (status == 405)


def test_what_is_refused_elsewhere_is_no_json(running: Sandbox) -> None:
    answer = httpx.get(f"{running.url}/controls", verify=NO_CERTIFICATES)

    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (
        404,
        "text/html",
    )


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
