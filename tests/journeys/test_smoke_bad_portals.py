"""`gpcli smoke` at portals that are broken: what it says of them, and what it repeats of nobody."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from typing import Any

import httpx
import pytest

from tests.journeys.bending import Bending, changed
from tests.journeys.shell import Shell, at_once
from tests.journeys.test_bad_portals import answering

FRONT = "capability-statement"


@pytest.fixture
def ada(world) -> Shell:
    shell = world.shell("ada").with_env(GPCLI_SMOKE_OTHER_PATIENT="bo")
    return replace(shell, sleep=at_once)


def failed(report) -> dict[str, str]:
    return {each["name"]: each["cause"] for each in report["checks"] if each["status"] == "failed"}


def test_a_portal_that_is_down_is_unavailable(ada):
    ending = ada.with_env(GPCLI_PORTAL="http://127.0.0.1:9/fhir")("gpcli smoke --json")

    assert (ending.code, ending.error["code"]) == (6, "unreachable")
    assert failed(ending.json) == {FRONT: "unreachable"}


def test_a_portal_that_answers_too_late_is_unavailable(ada):
    def answer(request):
        raise httpx.ReadTimeout("late", request=request)

    shell = replace(ada, transport=httpx.MockTransport(answer))
    ending = shell("gpcli smoke --json --no-retry")

    assert (ending.code, ending.error["code"]) == (6, "timeout")


def test_a_portal_of_web_pages_fails(ada):
    with answering(200, "text/html", "<h1>Welcome, Kari Nordmann</h1>") as url:
        ending = ada.with_env(GPCLI_PORTAL=f"{url}/fhir")("gpcli smoke --json")

    assert (ending.code, failed(ending.json)[FRONT]) == (11, "bad_response")
    assert "Kari" not in ending.out + ending.err


def test_a_token_that_has_ended_is_a_matter_of_the_sign_in(ada):
    ending = ada.with_env(GPCLI_TOKEN="ended")("gpcli smoke --json")

    assert (ending.code, ending.error["code"]) == (4, "expired")
    assert failed(ending.json) == {"session": "expired"}


def test_a_token_that_ends_in_the_middle_is_no_verdict_on_the_portal(ada):
    asked = count()

    def bend(request, response):
        has_ended = next(asked) > 40 and "Authorization" in request.headers
        return httpx.Response(401) if has_ended else None

    ending = replace(ada, transport=Bending(bend))("gpcli smoke --json")

    assert (ending.code, ending.error["code"]) == (4, "expired")
    assert [*failed(ending.json).values()] == ["expired"]
    assert ending.json["coverage"]["failed"] == 0
    later = [each for each in ending.json["checks"] if each["seen"] == "the sign-in has ended"]
    assert len(later) > 10


def test_a_portal_that_takes_the_token_only_here_and_there_has_failed(ada):
    def bend(request, response):
        is_list = request.url.path.endswith("/Communication")
        return httpx.Response(401) if is_list and "Authorization" in request.headers else None

    ending = replace(ada, transport=Bending(bend))("gpcli smoke --json")

    assert (ending.code, ending.error["code"]) == (11, "smoke_failed")
    assert failed(ending.json)["threads"] == "expired"
    assert "the sign-in has ended" not in {each["seen"] for each in ending.json["checks"]}


def test_a_missing_patient_is_a_matter_of_the_configuration(ada):
    ending = ada.without("GPCLI_PATIENT")("gpcli smoke --json")

    assert (ending.code, ending.error["code"]) == (2, "input_needed")


@pytest.mark.real
def test_a_portal_of_which_every_second_answer_is_missing_passes_with_retries_alone(ada):
    def half(number):
        def bend(request, response):
            is_list = request.url.path.endswith(("/Communication", "/Appointment"))
            return httpx.Response(503) if is_list and next(number) % 2 else None

        return bend

    line = "gpcli smoke --checks records,search --json"
    patient = replace(ada, transport=Bending(half(count(1))))(line)
    hasty = replace(ada, transport=Bending(half(count())))(f"{line} --no-retry")

    assert patient.code == 0
    assert hasty.code == 11
    assert failed(hasty.json)


def with_another_owner(body: Any) -> Any:
    text = json.dumps(body).replace('"Patient/ada"', '"Patient/bo"')
    return json.loads(text)


def with_status(body: Any) -> Any:
    for entry in body.get("entry", ()):
        entry.get("resource", {})["status"] = "bogus"
    return body


def with_total(body: Any) -> Any:
    return {**body, "total": 999} if body.get("type") == "searchset" else body


def without_matches(body: Any) -> Any:
    return {**body, "entry": body.get("entry", [])[1:]} if "entry" in body else body


def as_outcome(body: Any, code: str) -> Any:
    said = json.dumps(body)[:3000]
    coding = {"system": "urn:gpcli:problem", "code": code}
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "processing",
                "diagnostics": said,
                "details": {"text": said, "coding": [coding]},
            }
        ],
    }


BENT = {
    "of another owner": lambda body, response: changed(response, with_another_owner(body)),
    "of no status": lambda body, response: changed(response, with_status(body)),
    "of a wrong total": lambda body, response: changed(response, with_total(body)),
    "without the first match": lambda body, response: changed(response, without_matches(body)),
    "an error with all that there is": lambda body, response: changed(
        response, as_outcome(body, "other"), 500
    ),
    "a refusal with all that there is": lambda body, response: changed(
        response, as_outcome(body, "service-off"), 403
    ),
    "an error in the place of a list": lambda body, response: changed(
        response, as_outcome(body, "other")
    ),
    "the records without a list": lambda body, response: changed(
        response, (body.get("entry") or [{"resource": body}])[0]["resource"]
    ),
    "a text": lambda body, response: changed(response, json.dumps(body)),
    "a web page": lambda body, response: httpx.Response(
        200, headers={"Content-Type": "text/html"}, text=json.dumps(body)
    ),
}


def bend_after_sign_in(change):
    """Has what comes of searches changed; the description and the sign-in's own request are not."""

    def bend(request, response):
        is_front = "metadata" in str(request.url) or "Patient" in request.url.path
        if (
            is_front
            or response.status_code != 200
            or "json" not in response.headers["Content-Type"]
        ):
            return None
        return change(response.json(), response)

    return bend


def canaries(world, token: str) -> set[str]:
    """Names, numbers and words of health of everybody at the portal, and the token."""
    found = {token}
    for kind in ("Patient", "Practitioner", "Organization", "RelatedPerson"):
        for each in world.sandbox.store.find(kind):
            found |= {one["value"] for one in each.get("identifier", ())}
            found |= {one["value"] for one in each.get("telecom", ())}
            names = each.get("name", ())
            found |= {names} if isinstance(names, str) else {one["family"] for one in names}
    for each in world.sandbox.store.find("Communication"):
        found |= {one["contentString"] for one in each.get("payload", ()) if "contentString" in one}
    for each in world.sandbox.store.find("Medication"):
        found |= {one["code"] for one in each["code"].get("coding", ())}
    return {each for each in found if len(each) > 4}


@pytest.mark.real
@pytest.mark.parametrize("way", BENT)
def test_what_is_wrong_is_found_and_nobody_is_named(ada, world, way):
    junit, markdown = world.home / "a.xml", world.home / "a.md"
    shell = replace(ada, transport=Bending(bend_after_sign_in(BENT[way])))
    ending = shell(f"gpcli smoke --junit {junit} --markdown {markdown} --json")

    written = ending.out + ending.err + junit.read_text() + markdown.read_text()
    assert ending.code == 11
    assert len(failed(ending.json)) >= 1
    assert [each for each in canaries(world, ada.env["GPCLI_TOKEN"]) if each in written] == []


SLOW = [pytest.param(each, marks=pytest.mark.real) for each in ("bo", "finn", "guro", "hans")]


@pytest.mark.real
@pytest.mark.parametrize("person", ["ada", "cecilie", "david", "eva", *SLOW])
def test_a_run_that_passes_names_nobody_either(world, person):
    shell = world.shell(person)
    ending = shell("gpcli smoke --json")

    written = ending.out + ending.err
    assert [each for each in canaries(world, shell.env["GPCLI_TOKEN"]) if each in written] == []
