"""Changing a record by PATCH, where a portal lists that and no update."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gpcli import errors
from gpcli.fhir.element import Element
from gpcli.fhir.scheduling import write_cancellation
from gpcli.journal import Journal
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.write.kernel import WriteKernel
from gpcli.portal.write.outcome import NotChanged
from gpcli.portal.write.requests import WritePart, build_patch_request
from tests.portal.builders import Json, an_appointment, an_outcome
from tests.portal.scripted import ALL_ON, INTENT, LOST, UNREACHABLE, Reply, Server

TARGET = "Appointment/visit-1"
BOOKED = an_appointment(meta={"versionId": "7"}, comment="Cough")
CANCELLED = an_appointment(status="cancelled")
GET, PATCH = f"GET {TARGET}", f"PATCH {TARGET}"
PATCHES = replace(ALL_ON, types=("Appointment",), updates=(), patches=("Appointment",))


@pytest.fixture
def capabilities() -> Capabilities:
    return PATCHES


def cancel(kernel: WriteKernel) -> tuple[str | None, bool]:
    outcome = kernel.update(TARGET, write_cancellation, is_cancelled, INTENT)
    return outcome.record.string("status"), outcome.changed


def is_cancelled(record: Element) -> bool:
    return record.string("status") == "cancelled"


def states(journal: Journal) -> list[tuple[str, str | None, str]]:
    return [(entry.kind, entry.target, entry.state) for entry in journal.read_entries()]


def test_a_patch_changes_what_differs_and_has_both_conditions(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, BOOKED, CANCELLED).on(PATCH, CANCELLED)
    assert cancel(kernel) == ("cancelled", True)
    sent = server.require_only_write()
    test, *steps = json.loads(sent.content)
    assert test == {"op": "test", "path": "/status", "value": "booked"}
    assert {(each["op"], each["path"]) for each in steps} == {
        ("replace", "/status"),
        ("add", "/cancelationReason"),
    }
    headers = sent.headers
    assert headers["Content-Type"] == "application/json-patch+json"
    assert (headers["If-Match"], headers["X-Request-ID"]) == ('W/"7"', str(INTENT))
    assert states(journal) == [("update", TARGET, "done")]


@pytest.mark.parametrize(
    ("replies", "answer", "state", "changed"),
    [
        ((BOOKED, CANCELLED), LOST, "done", True),
        ((BOOKED, CANCELLED), Reply(an_outcome(), 409), "done", False),
        ((BOOKED, CANCELLED), Reply(an_outcome(), 500), "done", True),
    ],
)
def test_after_an_answer_that_is_no_success_it_looks(
    kernel: WriteKernel,
    server: Server,
    journal: Journal,
    replies: tuple[Json, Json],
    answer: Reply,
    state: str,
    changed: bool,
):
    server.on(GET, *replies).on(PATCH, answer)
    assert cancel(kernel) == ("cancelled", changed)
    assert [each for _, _, each in states(journal)] == [state]


@pytest.mark.parametrize(
    ("answer", "error", "state"),
    [
        (Reply(an_outcome(), 422), errors.Rejected, "refused"),
        (Reply(an_outcome(), 412), errors.Conflict, "refused"),
        (Reply(an_outcome(), 405), errors.Rejected, "refused"),
        (LOST, errors.OutcomeUnknown, "unknown"),
        (UNREACHABLE, errors.Unreachable, "not_sent"),
        (Reply(BOOKED), NotChanged, "refused"),
    ],
)
def test_a_patch_that_did_nothing_ends_as_an_update_would(
    kernel: WriteKernel,
    server: Server,
    journal: Journal,
    answer: Reply,
    error: type[errors.GpcliError],
    state: str,
):
    server.on(GET, BOOKED).on(PATCH, answer)
    with pytest.raises(error):
        cancel(kernel)
    assert [each for _, _, each in states(journal)] == [state]


@pytest.mark.parametrize("capabilities", [replace(PATCHES, patches=())])
def test_where_neither_is_listed_nothing_is_sent_and_that_is_said(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, BOOKED)
    with pytest.raises(errors.NotPermitted, match="neither update nor patch"):
        cancel(kernel)
    assert (server.request_lines, states(journal)) == ([GET], [])


@pytest.mark.parametrize(
    "capabilities",
    [
        replace(PATCHES, updates=("Appointment",)),
        replace(PATCHES, patches=(), undescribed=("Appointment",)),
        replace(PATCHES, patches=(), types=()),
    ],
    ids=["update is listed too", "nothing is said of the type", "no types are listed"],
)
def test_a_record_is_put_back_where_that_is_listed_or_nothing_is_said(
    kernel: WriteKernel, server: Server
):
    server.on(GET, BOOKED, CANCELLED).on(f"PUT {TARGET}", CANCELLED)
    assert cancel(kernel) == ("cancelled", True)


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {}, [{"op": "remove", "path": "/a"}]),
        ({}, {"a/b~c": [1]}, [{"op": "add", "path": "/a~1b~0c", "value": [1]}]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [{"op": "replace", "path": "/a", "value": {"b": 2}}]),
        (
            {"status": "x"},
            {"status": "y"},
            [
                {"op": "test", "path": "/status", "value": "x"},
                {"op": "replace", "path": "/status", "value": "y"},
            ],
        ),
        ({}, {"status": "y"}, [{"op": "add", "path": "/status", "value": "y"}]),
    ],
)
def test_the_operations_are_those_of_the_top_level(
    before: dict[str, Any], after: dict[str, Any], steps: list[dict[str, Any]]
):
    part = WritePart(INTENT, after, TARGET)
    assert build_patch_request(part, before, {}).body == steps
