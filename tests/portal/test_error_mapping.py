"""Error responses as errors: by status and problem code, never by text."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gpcli import errors
from gpcli.http.client import HttpResponse
from gpcli.portal.error_mapping import error_from_response
from tests.portal.builders import an_outcome


def error(status: int, body: Any = None, **headers: str) -> errors.GpcliError:
    return error_from_response(
        HttpResponse(status, httpx.Headers(headers), body, "https://x.example", "request-1")
    )


def summarize(status: int, body: Any = None) -> tuple[type, int, str]:
    raised = error(status, body)
    return type(raised), int(raised.exit), raised.message


@pytest.mark.parametrize(
    ("status", "kind", "exit"),
    [
        (400, errors.Rejected, 7),
        (401, errors.Expired, 4),
        (403, errors.NotPermitted, 5),
        (404, errors.NotFound, 3),
        (408, errors.PortalError, 6),
        (409, errors.Conflict, 7),
        (410, errors.NotFound, 3),
        (412, errors.Conflict, 7),
        (422, errors.Rejected, 7),
        (423, errors.PortalError, 6),
        (424, errors.PortalError, 6),
        (429, errors.RateLimited, 6),
        (451, errors.Rejected, 7),
        (461, errors.Rejected, 7),
        (499, errors.Rejected, 7),
        (500, errors.PortalError, 6),
        (501, errors.Rejected, 7),
        (503, errors.PortalError, 6),
        (599, errors.PortalError, 6),
        (301, errors.BadResponse, 1),
        (307, errors.BadResponse, 1),
    ],
)
def test_each_status_is_its_own_kind_of_error(status: int, kind: type, exit: int):
    raised = error(status)
    assert (type(raised), int(raised.exit), raised.trace_id) == (kind, exit, "request-1")


@pytest.mark.parametrize(
    ("problem", "kind", "exit"),
    [
        ("consent-needed", errors.ConsentNeeded, 5),
        ("service-off", errors.OffForNow, 5),
        ("slot-taken", errors.SlotTaken, 7),
        ("too-late", errors.TooLate, 7),
        ("already-answered", errors.AlreadyAnswered, 7),
        ("fee-changed", errors.FeeNotAccepted, 9),
        ("not-renewable", errors.Rejected, 7),
    ],
)
@pytest.mark.parametrize("status", [400, 403, 409, 422])
def test_a_problem_code_goes_before_the_status_and_its_text_is_shown(
    status: int, problem: str, kind: type, exit: int
):
    assert summarize(status, an_outcome(problem, "Not that one.")) == (kind, exit, "Not that one.")


def test_a_problem_without_text_is_told_in_our_words():
    assert summarize(409, an_outcome("slot-taken")) == (
        errors.SlotTaken,
        7,
        "It conflicts with what the portal has.",
    )


def test_a_problem_code_in_a_fault_of_the_portal_changes_nothing():
    assert summarize(503, an_outcome("slot-taken", "Busy")) == (
        errors.PortalError,
        6,
        "The portal has a fault. It says: Busy",
    )


def test_a_problem_in_a_later_issue_is_found():
    first, second = an_outcome(text="Something"), an_outcome("too-late", "Closed at noon.")
    both = first | {"issue": first["issue"] + second["issue"]}
    assert summarize(422, both) == (errors.TooLate, 7, "Closed at noon.")


@pytest.mark.parametrize(
    "outcome",
    [
        an_outcome("unheard-of", "No."),
        an_outcome(text="No."),
        an_outcome(diagnostics="No."),
        {"resourceType": "OperationOutcome", "issue": [{}, {"diagnostics": "No."}]},
    ],
)
def test_what_the_portal_says_is_quoted_and_never_judged_by(outcome: dict):
    assert summarize(422, outcome) == (
        errors.Rejected,
        7,
        "The portal refused the request. It says: No.",
    )


def test_a_code_of_another_system_is_no_problem_code():
    outcome = an_outcome("slot-taken")
    outcome["issue"][0]["details"]["coding"][0]["system"] = "urn:other"
    assert summarize(409, outcome)[0] is errors.Conflict


@pytest.mark.parametrize(
    "body", [None, "No", [], {"issue": []}, {"resourceType": "OperationOutcome", "issue": "no"}]
)
def test_a_body_that_says_nothing_leaves_the_status(body: Any):
    assert summarize(403, body) == (errors.NotPermitted, 5, "The portal does not permit this.")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("120", 120.0), ("0", 0.0), ("soon", None), ("-1", None), ("1.5", None), ("", None)],
)
def test_retry_after_is_kept_where_it_is_a_number_of_seconds(written: str, seconds: float | None):
    assert error(429, **{"Retry-After": written}).retry_after == seconds


def test_retry_after_in_digits_that_are_none_is_ignored():
    headers = httpx.Headers([(b"Retry-After", "²".encode("latin-1"))])
    assert error_from_response(HttpResponse(429, headers, None, "", "")).retry_after is None


def test_a_retry_after_date_counts_from_the_answers_own_date():
    now, later = "Mon, 01 Mar 2027 07:00:00 GMT", "Mon, 01 Mar 2027 07:02:00 GMT"
    assert error(503, **{"Retry-After": later, "Date": now}).retry_after == 120.0


@pytest.mark.parametrize(
    ("status", "problem", "hint"),
    [
        (401, None, "gpcli login"),
        (403, "consent-needed", "gpcli consent grant"),
        (409, "slot-taken", "gpcli slots lists the free times."),
        (500, None, "Try again later."),
        (422, None, ""),
    ],
)
def test_the_hint_says_what_to_do(status: int, problem: str | None, hint: str):
    assert error(status, an_outcome(problem)).hint == hint


def test_a_number_that_may_tell_who_somebody_is_is_not_repeated():
    said = an_outcome(text="No consent of 01810199999, call +47 00 12 34 90: case 1234567890.")
    told = error(422, said).message
    assert told.endswith("No consent of [number], call +47 00 12 34 90: case 1234567890.")
