"""Updating: read, change, put back with the version, look where the outcome is unknown."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from gpcli import errors
from gpcli.fhir.element import Element
from gpcli.fhir.scheduling import write_cancellation
from gpcli.http.retry import MAX_TRIES
from gpcli.journal import Journal
from gpcli.portal.write.kernel import WriteKernel
from tests.portal.builders import a_flag, an_appointment, an_outcome
from tests.portal.scripted import INTENT, LOST, UNREACHABLE, Reply, Server

TARGET = "Appointment/visit-1"
BOOKED = an_appointment(contained=[a_flag()], meta={"versionId": "7"}, unheardOf={"a": [1.50]})
CANCELLED = an_appointment(status="cancelled")
GET, PUT = f"GET {TARGET}", f"PUT {TARGET}"
DONE = Reply(status=200, body=CANCELLED)


def cancel(kernel: WriteKernel) -> tuple[str | None, bool]:
    outcome = kernel.update(TARGET, write_cancellation, is_cancelled, INTENT)
    record, changed = outcome.record, outcome.changed
    return record.string("status"), changed


def is_cancelled(record: Element) -> bool:
    return record.string("status") == "cancelled"


def states(journal: Journal) -> list[tuple[str, str | None, str]]:
    return [(entry.kind, entry.target, entry.state) for entry in journal.read_entries()]


def test_an_update_keeps_everything_unknown_and_names_the_version(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, Reply(BOOKED, headers={"ETag": 'W/"8"'}), Reply(CANCELLED)).on(PUT, DONE)
    assert cancel(kernel) == ("cancelled", True)
    (sent,) = server.write_bodies
    assert sent | {"status": "booked", "cancelationReason": None} == BOOKED | {
        "cancelationReason": None
    }
    headers = server.require_only_write().headers
    assert (headers["If-Match"], headers["X-Request-ID"]) == ('W/"8"', str(INTENT))
    assert server.request_lines == [GET, PUT, GET]
    assert states(journal) == [("update", TARGET, "done")]


def test_numbers_go_back_with_their_own_digits(kernel: WriteKernel, server: Server):
    raw = b'{"resourceType":"Appointment","id":"visit-1","status":"booked","x":1.500}'
    server.on(GET, Reply(raw=raw), Reply(CANCELLED)).on(PUT, DONE)
    cancel(kernel)
    assert b'"x": 1.500' in server.require_only_write().content


@pytest.mark.parametrize(
    ("headers", "meta", "sent"),
    [
        ({"ETag": 'W/"8"'}, {"versionId": "7"}, 'W/"8"'),
        ({"ETag": "8"}, {}, "8"),
        ({}, {"versionId": "7"}, 'W/"7"'),
        ({}, {}, None),
        ({}, None, None),
    ],
)
def test_the_version_is_the_etag_else_the_version_id_else_none(
    kernel: WriteKernel, server: Server, headers: dict, meta: Any, sent: str | None
):
    server.on(GET, Reply(BOOKED | {"meta": meta}, headers=headers), Reply(CANCELLED)).on(PUT, DONE)
    cancel(kernel)
    assert server.require_only_write().headers.get("If-Match") == sent


@pytest.mark.parametrize(
    "meta", [{"versionId": 7}, [], {"versionId": "7\r\nX: y"}, {"versionId": "é"}]
)
def test_a_version_that_can_not_be_sent_back_stops_the_write(
    kernel: WriteKernel, server: Server, journal: Journal, meta: Any
):
    server.on(GET, BOOKED | {"meta": meta})
    with pytest.raises(errors.BadResponse):
        cancel(kernel)
    assert (server.request_lines, states(journal)) == ([GET], [])


def test_what_is_so_already_is_not_written_again(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, CANCELLED)
    assert cancel(kernel) == ("cancelled", False)
    assert (server.request_lines, states(journal)) == ([GET], [])


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Reply(status=412), errors.Conflict),
        (Reply(status=409), errors.Conflict),
        (Reply(an_outcome("too-late"), 422), errors.TooLate),
        (Reply(status=403), errors.NotPermitted),
        (Reply(status=404), errors.NotFound),
        (Reply(status=429, headers={"Retry-After": "3600"}), errors.RateLimited),
    ],
)
def test_a_refused_update_is_not_done(
    kernel: WriteKernel, server: Server, journal: Journal, answer: Reply, kind: type
):
    server.on(GET, BOOKED).on(PUT, answer)
    with pytest.raises(kind):
        cancel(kernel)
    assert states(journal) == [("update", TARGET, "refused")]
    assert server.request_lines.count(PUT) == 1


def test_a_conflict_with_somebody_who_did_the_same_is_done_but_not_by_us(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, BOOKED, CANCELLED).on(PUT, Reply(status=412))
    assert cancel(kernel) == ("cancelled", False)
    assert states(journal) == [("update", TARGET, "done")]


@pytest.mark.parametrize(
    ("trouble", "tries"), [(LOST, MAX_TRIES), (Reply(status=500), 1), (Reply(raw=b"<html>"), 1)]
)
def test_a_lost_reply_is_looked_into_and_found_done(
    kernel: WriteKernel, server: Server, journal: Journal, trouble: Reply, tries: int
):
    server.on(GET, BOOKED, CANCELLED).on(PUT, trouble)
    assert cancel(kernel) == ("cancelled", True)
    assert (server.request_lines, states(journal)) == (
        [GET, *[PUT] * tries, GET],
        [("update", TARGET, "done")],
    )


def test_a_lost_update_of_a_known_version_is_sent_again_which_its_condition_makes_harmless(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, BOOKED, CANCELLED).on(PUT, LOST, DONE)
    assert cancel(kernel) == ("cancelled", True)
    versions = [each.headers["If-Match"] for each in server.requests if each.method == "PUT"]
    assert versions == ['W/"7"', 'W/"7"']
    assert states(journal) == [("update", TARGET, "done")]


@pytest.mark.parametrize("is_known", [False, True])
def test_a_second_try_that_comes_too_late_shows_that_the_first_was_done(
    kernel: WriteKernel, server: Server, journal: Journal, is_known: bool
):
    server.on(GET, *([] if is_known else [BOOKED]), CANCELLED)
    server.on(PUT, LOST, Reply(status=412))
    assert (cancel_known if is_known else cancel)(kernel) == ("cancelled", True)
    assert states(journal) == [("update", TARGET, "done")]


def test_an_update_without_a_version_is_sent_once_since_a_second_could_undo_another_change(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, BOOKED | {"meta": {}}).on(PUT, LOST)
    with pytest.raises(errors.OutcomeUnknown):
        cancel(kernel)
    assert server.request_lines.count(PUT) == 1


def test_a_change_that_shows_late_is_waited_for(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, BOOKED, BOOKED, Reply(status=500), CANCELLED).on(PUT, Reply(status=500))
    assert cancel(kernel) == ("cancelled", True)
    assert server.request_lines == [GET, PUT, GET, GET, GET]
    assert states(journal) == [("update", TARGET, "done")]


@pytest.mark.parametrize("look", [Reply(BOOKED), Reply(status=500), UNREACHABLE])
def test_a_lost_reply_without_a_trace_is_unknown(
    kernel: WriteKernel, server: Server, journal: Journal, look: Reply
):
    server.on(GET, Reply(BOOKED), look).on(PUT, LOST)
    with pytest.raises(errors.OutcomeUnknown):
        cancel(kernel)
    assert (server.request_lines.count(PUT), states(journal)) == (
        MAX_TRIES,
        [("update", TARGET, "unknown")],
    )


def test_a_portal_out_of_reach_got_nothing(kernel: WriteKernel, server: Server, journal: Journal):
    server.on(GET, BOOKED).on(PUT, UNREACHABLE)
    with pytest.raises(errors.Unreachable):
        cancel(kernel)
    assert states(journal) == [("update", TARGET, "not_sent")]


def test_a_portal_that_takes_the_update_and_keeps_the_record_as_it_was_is_a_conflict(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, BOOKED).on(PUT, DONE)
    with pytest.raises(errors.Conflict, match="shows Appointment/visit-1 as it was"):
        cancel(kernel)
    assert states(journal) == [("update", TARGET, "refused")]


def test_an_update_that_can_not_be_read_back_is_not_called_failed(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, Reply(BOOKED), Reply(status=500)).on(PUT, DONE)
    with pytest.raises(errors.OutcomeUnknown, match="took the request"):
        cancel(kernel)
    assert states(journal) == [("update", TARGET, "done")]


def test_a_record_that_is_not_there_is_not_found_and_nothing_is_journaled(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, Reply(status=404))
    with pytest.raises(errors.NotFound):
        cancel(kernel)
    assert states(journal) == []


def test_a_record_that_can_not_be_understood_is_not_changed(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, BOOKED | {"status": 7})
    with pytest.raises(errors.BadResponse, match=r"Appointment\.status"):
        cancel(kernel)
    assert (server.request_lines, states(journal)) == ([GET], [])


def test_what_can_not_be_understood_afterwards_does_not_count_as_done(
    kernel: WriteKernel, server: Server
):
    server.on(GET, BOOKED, CANCELLED | {"status": 7}).on(PUT, DONE)
    with pytest.raises(errors.Conflict, match=r"shows Appointment/visit-1 as it was"):
        cancel(kernel)


def test_what_can_not_be_understood_after_a_lost_reply_leaves_it_unknown(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, BOOKED, CANCELLED | {"status": 7}).on(PUT, LOST)
    with pytest.raises(errors.OutcomeUnknown):
        cancel(kernel)
    assert states(journal) == [("update", TARGET, "unknown")]


def cancel_known(kernel: WriteKernel) -> tuple[str | None, bool]:
    known = Element(BOOKED, "Appointment")
    outcome = kernel.update(TARGET, write_cancellation, is_cancelled, INTENT, fresh=known)
    record, changed = outcome.record, outcome.changed
    return record.string("status"), changed


def test_a_record_that_was_just_read_is_not_read_again(kernel: WriteKernel, server: Server):
    server.on(GET, Reply(CANCELLED)).on(PUT, DONE)
    assert cancel_known(kernel) == ("cancelled", True)
    assert server.request_lines == [PUT, GET]
    assert server.require_only_write().headers["If-Match"] == 'W/"7"'


def test_a_record_that_changed_since_it_was_read_is_read_again_and_put_back_once_more(
    kernel: WriteKernel, server: Server, journal: Journal
):
    newer = BOOKED | {"meta": {"versionId": "8"}, "comment": "Bring your card."}
    server.on(GET, Reply(newer), Reply(CANCELLED))
    server.on(PUT, Reply(an_outcome(), status=412), DONE)
    assert cancel_known(kernel) == ("cancelled", True)
    assert server.request_lines == [PUT, GET, PUT, GET]
    assert (server.write_bodies[-1]["comment"], len(server.write_bodies)) == ("Bring your card.", 2)
    assert states(journal) == [("update", TARGET, "done")]


@pytest.mark.parametrize(
    "now",
    [Reply(CANCELLED), Reply(status=404), UNREACHABLE],
    ids=["cancelled", "gone", "out of reach"],
)
def test_a_put_that_came_too_late_is_journaled_as_refused_before_anything_else_is_asked(
    kernel: WriteKernel, server: Server, journal: Journal, now: Reply
):
    server.on(PUT, Reply(status=412)).on(GET, now)
    with suppress(errors.GpcliError):
        cancel_known(kernel)
    assert (server.request_lines.count(PUT), states(journal)) == (
        1,
        [("update", TARGET, "refused")],
    )


def test_an_update_that_does_not_leave_this_time_may_still_have_been_done_the_last_time(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on(GET, BOOKED).on(PUT, LOST, UNREACHABLE)
    for kind in (errors.OutcomeUnknown, errors.Unreachable):
        with pytest.raises(kind):
            cancel(kernel)
    assert states(journal) == [("update", TARGET, "unknown")]
