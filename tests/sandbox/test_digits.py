"""Test that the portal takes digits only as its standards write them, and never fails at others."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from flask import Flask

from gpcli.sandbox.people.bundle_file import InvalidPeopleFile
from gpcli.sandbox.people.people_file import read_people
from gpcli.sandbox.server import Sandbox
from tests.digits import ODD_WAYS
from tests.loopback import NO_CERTIFICATES
from tests.sandbox.conftest import JUST_ONE
from tests.sandbox.fhir.portal import FhirPortal, booking, enquiry
from tests.sandbox.smart.client_flow import URL, ClientFlow

DAY, INSTANT = "2027-03-08", "2027-03-08T12:00:00+01:00"
SEARCHES = (
    ("/Appointment?date=ge{}", INSTANT),
    ("/Appointment?date={}", "2027"),
    ("/Slot?start=lt{}", DAY),
    ("/Patient?birthdate={}", "1961-03"),
    ("/Appointment?_lastUpdated=ap{}", INSTANT),
    ("/Slot?_count={}", "5"),
)
CONTROL = (("clock", "advance_seconds", "5"), ("delay", "seconds", "5"), ("clock", "now", INSTANT))


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[FhirPortal]:
    with FhirPortal(tmp_path / "portal.sqlite", booking="operation") as portal:
        yield portal


@pytest.fixture
def ask(portal: FhirPortal) -> Any:
    return portal.sign_in("ada")


def header(text: str) -> str:
    """A text as it comes over the wire, and is read as Latin-1."""
    return text.encode().decode("latin-1")


def find(start: str, **more: Any) -> dict[str, Any]:
    listed = [("start", start), ("end", "2028")]
    times = [{"name": name, "valueDateTime": value} for name, value in listed]
    return {
        "resourceType": "Parameters",
        "parameter": [*times, *({"name": n} | v for n, v in more.items())],
    }


@pytest.mark.parametrize("way", ODD_WAYS)
@pytest.mark.parametrize(("query", "good"), SEARCHES)
def test_a_search_with_odd_digits_is_refused(ask: Any, query: str, good: str, way: str) -> None:
    odd = ask.get(query.format(quote(ODD_WAYS[way](good)))).status_code

    assert (ask.get(query.format(quote(good))).status_code, odd) == (200, 400)


@pytest.mark.parametrize("way", ODD_WAYS)
def test_a_page_with_odd_digits_is_none(ask: Any, way: str) -> None:
    (link,) = (
        each["url"]
        for each in ask.read_json("/Slot?_count=1")["link"]
        if each["relation"] == "next"
    )
    page = link.partition("/fhir/R4")[2]
    head, dot, number = page.rpartition(".")

    odd = ask.get(head + dot + quote(ODD_WAYS[way](number))).status_code

    assert (ask.get(page).status_code, odd) == (200, 400)


@pytest.mark.parametrize("way", ODD_WAYS)
def test_a_version_with_odd_digits_is_not_there(ask: Any, way: str) -> None:
    statuses = [
        ask.get(f"/Patient/ada/_history/{quote(number)}").status_code
        for number in ("1", ODD_WAYS[way]("1"))
    ]

    assert statuses == [200, 404]


@pytest.mark.parametrize("way", ODD_WAYS)
def test_an_entity_tag_with_odd_digits_is_another_version(ask: Any, way: str) -> None:
    odd = header(f'W/"{ODD_WAYS[way]("1")}"')
    wish = ask("POST", "/Appointment", enquiry()).json

    statuses = (
        ask.get("/Patient/ada", If_None_Match='W/"1"').status_code,
        ask.get("/Patient/ada", If_None_Match=odd).status_code,
        ask(
            "PUT", f"/Appointment/{wish['id']}", wish | {"status": "cancelled"}, If_Match=odd
        ).status_code,
    )

    assert statuses == (304, 200, 412)


@pytest.mark.parametrize("way", ODD_WAYS)
@pytest.mark.parametrize(
    "build",
    [
        lambda portal, time: enquiry(requestedPeriod=[{"start": time}]),
        lambda portal, time: enquiry(created=time),
        lambda portal, time: booking(portal.slot(1), end=time),
    ],
    ids=["a period's start", "a dateTime", "an instant"],
)
def test_a_record_with_odd_digits_is_refused(
    portal: FhirPortal, ask: Any, build: Callable[[FhirPortal, str], Any], way: str
) -> None:
    record = build(portal, ODD_WAYS[way](INSTANT))

    assert ask("POST", "/Appointment", record).status_code == 422


@pytest.mark.parametrize("way", ODD_WAYS)
def test_an_operation_with_odd_digits_is_refused(ask: Any, way: str) -> None:
    statuses = [
        ask("POST", "/Appointment/$find", find(start)).status_code
        for start in (DAY, ODD_WAYS[way](DAY))
    ]

    assert statuses == [200, 400]


@pytest.mark.parametrize("count", [True, -1, "5", "\N{ARABIC-INDIC DIGIT FIVE}", 5.5, None])
def test_an_operation_takes_only_a_whole_number_of_times(ask: Any, count: Any) -> None:
    asked = find(DAY, _count={"valueInteger": count})

    assert ask("POST", "/Appointment/$find", asked).status_code == 400


@pytest.mark.parametrize("time", ["0001", "9999-12-31T23:59:59-14:00"])
def test_the_ends_of_the_calendar_are_dates(ask: Any, time: str) -> None:
    asked, found = enquiry(requestedPeriod=[{"start": time}]), f"/Slot?start=ge{time}"

    statuses = (
        ask("POST", "/Appointment", asked).status_code,
        ask.get(found).status_code,
        ask("POST", "/Appointment/$find", find(time)).status_code,
    )

    assert statuses == (201, 200, 200)


@pytest.mark.parametrize("way", ODD_WAYS)
def test_a_redirect_to_a_port_of_odd_digits_is_refused(app: Flask, way: str) -> None:
    flow = ClientFlow(app)

    statuses = [
        flow.authorize(redirect_uri=f"http://127.0.0.1:{port}/callback").status_code
        for port in ("51234", ODD_WAYS[way]("51234"))
    ]

    assert statuses == [200, 400]


@pytest.mark.parametrize("way", ODD_WAYS)
def test_a_host_with_a_port_of_odd_digits_is_another_host(app: Flask, way: str) -> None:
    host = header(f"127.0.0.1:{ODD_WAYS[way]('8000')}")

    answer = app.test_client().get("/jwks", base_url=URL, headers={"Host": host})

    assert answer.status_code == 403


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    file = tmp_path_factory.mktemp("people") / "people.json"
    file.write_text(json.dumps(JUST_ONE), encoding="utf-8")
    with Sandbox(people=file) as sandbox:
        yield sandbox


def control(running: Sandbox, path: str, body: str) -> int:
    headers = {
        "Authorization": f"Bearer {running.control_token}",
        "Content-Type": "application/json",
    }
    url = f"{running.url}/control/{path}"
    return httpx.post(url, content=body, headers=headers, verify=NO_CERTIFICATES).status_code


@pytest.mark.parametrize("way", ODD_WAYS)
@pytest.mark.parametrize(("path", "name", "good"), CONTROL)
def test_the_control_interface_takes_no_odd_digits(
    running: Sandbox, path: str, name: str, good: str, way: str
) -> None:
    odd = ODD_WAYS[way](good)

    assert control(running, path, json.dumps({name: odd})) == 400


@pytest.mark.parametrize("seconds", ["true", '"5"', "NaN", "-Infinity", "1e400", "1e13", "null"])
@pytest.mark.parametrize(("path", "name"), [each[:2] for each in CONTROL[:2]])
def test_the_control_interface_takes_only_seconds_that_the_calendar_has(
    running: Sandbox, path: str, name: str, seconds: str
) -> None:
    assert control(running, path, f'{{"{name}": {seconds}}}') == 400


def test_a_digit_is_no_separator_of_day_and_time(running: Sandbox) -> None:
    assert (
        control(
            running,
            "clock",
            json.dumps({"now": INSTANT.replace("T", "\N{ARABIC-INDIC DIGIT THREE}")}),
        )
        == 400
    )


@pytest.mark.parametrize("way", ODD_WAYS)
def test_a_file_of_people_with_odd_digits_is_refused_by_its_entry(tmp_path: Path, way: str) -> None:
    born = ODD_WAYS[way]("1961-03-14")
    people = {"resourceType": "Patient", "id": "a", "birthDate": born}
    file = tmp_path / "people.json"
    file.write_text(
        json.dumps({"resourceType": "Bundle", "entry": [{"resource": people}]}), encoding="utf-8"
    )

    with pytest.raises(InvalidPeopleFile, match=r"entry 0 is no FHIR: .* is not a date"):
        read_people(file)
