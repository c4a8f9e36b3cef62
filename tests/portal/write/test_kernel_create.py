"""Creating: in the journal first, one identifier, a look where the outcome is unknown."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from gpcli import errors
from gpcli.http.client import HttpClient
from gpcli.http.deadline import Deadline
from gpcli.journal import Journal
from gpcli.portal import queries
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.kernel import WriteKernel
from gpcli.portal.write.requests import WritePart
from tests.portal.builders import (
    a_searchset,
    an_appointment,
    an_outcome,
    ref,
    with_identifier,
)
from tests.portal.scripted import (
    ALL_ON,
    BASE,
    INTENT,
    LOST,
    NOTHING,
    NOW,
    TYPES,
    UNREACHABLE,
    Reply,
    Server,
)

BODY = with_identifier(an_appointment(), INTENT.urn)
OURS = a_searchset(BODY)
TWICE = a_searchset(BODY, with_identifier(an_appointment("visit-2"), INTENT.urn))
LOOK = "GET Appointment?identifier"
CREATED = Reply(status=201)
TAKEN = Reply(an_outcome("slot-taken", "Somebody has it."), 409)


def states(journal: Journal) -> list[str]:
    return [entry.state for entry in journal.read_entries()]


def create(kernel: WriteKernel) -> list[str]:
    outcome = kernel.create(WritePart(INTENT, BODY))
    return [each.relative_reference for each in outcome.records]


def test_a_create_carries_its_identifier_three_times_and_is_read_back(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on("POST Appointment", CREATED).on(LOOK, OURS)
    assert create(kernel) == ["Appointment/visit-1"]
    sent = server.require_only_write()
    assert (sent.headers["If-None-Exist"], sent.headers["X-Request-ID"]) == (
        f"identifier=urn:ietf:rfc:3986|{INTENT.urn}",
        str(INTENT),
    )
    assert json.loads(sent.content) == BODY
    assert [question.split("&")[0] for question in server.request_lines] == [
        "POST Appointment",
        f"GET Appointment?identifier=urn:ietf:rfc:3986|{INTENT.urn}",
    ]
    assert states(journal) == ["done"]


def test_the_journal_knows_of_the_write_before_it_leaves(
    careful: WriteKernel, server: Server, journal: Journal, tmp_path: Path
):
    seen: list[str] = []

    class Spy(Reply):
        def build_response(self):
            seen.extend(states(journal))
            return super().build_response()

    server.on("POST Appointment", Spy(status=201)).on(LOOK, OURS)
    create(careful)
    assert seen == ["sending"]
    (entry,) = journal.read_entries()
    assert (entry.kind, entry.resource_type, entry.target) == ("create", "Appointment", None)
    assert "Patient/kari" not in (tmp_path / "journal.jsonl").read_text()


def test_nothing_leaves_when_the_journal_can_not_be_written(
    unbatched_search, server: Server, tmp_path: Path
):
    (tmp_path / "file").write_text("in the way")
    kernel = WriteKernel(unbatched_search, Journal(tmp_path / "file", "p", "a"), lambda: NOW)
    with pytest.raises(errors.ConfigError):
        create(kernel)
    assert server.request_lines == []


UNSEARCHED = replace(
    ALL_ON, types=TYPES, undescribed=TYPES, search_params={"Appointment": ("_id", "date")}
)
"""A portal that has no search by which an appointment could be recognised."""


@pytest.mark.parametrize("capabilities", [UNSEARCHED])
@pytest.mark.parametrize(
    "answer",
    [
        Reply(BODY, 201),
        Reply(status=201, headers={"Location": "/fhir/R4/Appointment/visit-1/_history/1"}),
        Reply(status=201, headers={"Location": f"{BASE}/Appointment/visit-1"}),
    ],
)
def test_what_no_search_would_find_is_read_as_the_answer_names_it(
    kernel: WriteKernel, server: Server, journal: Journal, answer: Reply
):
    server.on("POST Appointment", answer).on("GET Appointment/visit-1", BODY)
    outcome = kernel.create(WritePart(INTENT, BODY))
    assert (outcome.record.relative_reference, outcome.changed) == ("Appointment/visit-1", True)
    assert server.request_lines == ["POST Appointment", "GET Appointment/visit-1"]
    assert [entry.state for entry in journal.read_entries()] == ["done"]


@pytest.mark.parametrize("status", [403, 404])
def test_so_is_what_the_portal_lets_nobody_search_for(
    kernel: WriteKernel, server: Server, status: int
):
    server.on("POST Appointment", Reply(BODY, 201)).on(LOOK, Reply(an_outcome(), status))
    server.on("GET Appointment/visit-1", BODY)
    assert create(kernel) == ["Appointment/visit-1"]


@pytest.mark.parametrize("capabilities", [UNSEARCHED])
@pytest.mark.parametrize(
    "answer", [Reply(status=201), Reply(status=201, headers={"Location": "/x"})]
)
def test_what_neither_a_search_nor_the_answer_tells_is_unknown_though_it_is_done(
    kernel: WriteKernel, server: Server, journal: Journal, answer: Reply
):
    server.on("POST Appointment", answer)
    with pytest.raises(errors.OutcomeUnknown, match="can't be read back"):
        kernel.create(WritePart(INTENT, BODY))
    assert [entry.state for entry in journal.read_entries()] == ["done"]


def test_an_extra_query_is_asked_in_the_same_round_trip_as_the_read_back(
    kernel: WriteKernel, server: Server
):
    other = an_appointment("other", slot=[ref("Slot/slot-1")])
    server.on("POST Appointment", CREATED).on(LOOK, OURS)
    server.on("GET Appointment?slot", a_searchset(other))
    outcome = kernel.create(WritePart(INTENT, BODY), [queries.appointments_on_slot("slot-1")])
    there, known = outcome.along, outcome.extra
    assert [[one.relative_reference for one in each.matches] for each in (there, known)] == [
        ["Appointment/visit-1"],
        ["Appointment/other"],
    ]
    assert [str(each.url).removeprefix(BASE) for each in server.requests] == ["/Appointment", ""]


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_an_extra_query_that_is_not_permitted_finds_nothing(
    kernel: WriteKernel, server: Server, status: int
):
    server.on("POST Appointment", CREATED).on(LOOK, OURS)
    server.on("GET Appointment?slot", Reply(an_outcome(), status))
    outcome = kernel.create(WritePart(INTENT, BODY), [queries.appointments_on_slot("slot-1")])
    there, known = outcome.along, outcome.extra
    assert (len(there.matches), known.matches) == (1, [])


@pytest.mark.parametrize("trouble", [LOST, Reply(status=503), Reply(status=502), Reply(status=429)])
def test_a_portal_that_knows_conditional_creates_gets_the_same_request_again(
    kernel: WriteKernel, server: Server, journal: Journal, trouble: Reply
):
    server.on("POST Appointment", trouble, CREATED).on(LOOK, OURS)
    assert create(kernel) == ["Appointment/visit-1"]
    first, second = [each for each in server.requests if each.method == "POST"]
    assert (first.content, first.headers) == (second.content, second.headers)
    assert states(journal) == ["done"]


def test_what_a_portal_does_not_implement_was_not_done(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on("POST Appointment", Reply(an_outcome(), 501))
    with pytest.raises(errors.Rejected, match="does not know how to do this"):
        create(kernel)
    assert (len(server.requests), states(journal)) == (1, ["refused"])


@pytest.mark.parametrize("trouble", [LOST, Reply(status=503), Reply(status=500), Reply(status=408)])
def test_without_conditional_creates_nothing_is_sent_twice(
    careful: WriteKernel, server: Server, trouble: Reply
):
    server.on("POST Appointment", trouble, CREATED).on(LOOK, OURS)
    create(careful)
    assert [question for question in server.request_lines if question.startswith("POST")] == [
        "POST Appointment"
    ]


UNCONDITIONAL = replace(
    ALL_ON, types=TYPES, conditional_creates=(), search_params={"Appointment": ("identifier",)}
)
"""A portal that speaks of Appointments, and lists no conditional create of them."""


@pytest.mark.parametrize("capabilities", [UNCONDITIONAL])
def test_no_condition_is_sent_that_the_portal_does_not_list(kernel: WriteKernel, server: Server):
    server.on("POST Appointment", CREATED).on(LOOK, OURS)
    create(kernel)
    assert "If-None-Exist" not in server.require_only_write().headers


@pytest.mark.parametrize("capabilities", [UNCONDITIONAL])
@pytest.mark.parametrize(("look", "ends"), [(OURS, "done"), (NOTHING, "unknown")])
def test_there_a_lost_reply_is_looked_into_by_this_run_and_by_the_next(
    kernel: WriteKernel, server: Server, journal: Journal, look: dict, ends: str
):
    server.on("POST Appointment", LOST).on(LOOK, look)
    for _ in range(2):
        with suppress(errors.OutcomeUnknown):
            create(kernel)
    looks = 1 if ends == "done" else 6
    assert [each[:4] for each in server.request_lines] == ["POST", *["GET "] * 2 * looks]
    assert states(journal) == [ends]


@pytest.mark.parametrize(
    ("limit", "pauses", "ends"), [(30, [0.45, 0.9], "done"), (1, [0.45], "unknown")]
)
def test_what_shows_late_is_waited_for_as_long_as_the_time_limit_allows(
    server: Server, journal: Journal, limit: float, pauses: list[float], ends: str
):
    slept: list[float] = []
    server.on("POST Appointment", LOST).on(LOOK, NOTHING, Reply(status=500), OURS)
    with HttpClient(
        BASE,
        deadline=Deadline(limit, lambda: sum(slept)),
        env={},
        transport=httpx.MockTransport(server),
        sleep=slept.append,
        random=lambda: 0.9,
    ) as client:
        search = FhirSearch(client, lambda: UNCONDITIONAL)
        with suppress(errors.OutcomeUnknown):
            create(WriteKernel(search, journal, lambda: NOW))
    assert (slept, states(journal)) == (pauses, [ends])


@pytest.mark.parametrize(("capabilities", "changed"), [(ALL_ON, False), (UNCONDITIONAL, True)])
def test_a_plain_success_means_that_it_was_there_only_where_a_condition_was_sent(
    kernel: WriteKernel, server: Server, changed: bool
):
    server.on("POST Appointment", Reply(BODY, 200)).on(LOOK, OURS)
    assert kernel.create(WritePart(INTENT, BODY)).changed is changed


@pytest.mark.parametrize(
    "trouble",
    [LOST, Reply(status=500), Reply(status=503), Reply(status=408), Reply(raw=b"<html>")],
    ids=["lost", "500", "503", "408", "html"],
)
def test_a_lost_reply_is_looked_into_and_what_is_found_is_done(
    careful: WriteKernel, server: Server, journal: Journal, trouble: Reply
):
    server.on("POST Appointment", trouble).on(LOOK, OURS)
    assert create(careful) == ["Appointment/visit-1"]
    assert states(journal) == ["done"]


@pytest.mark.parametrize("trouble", [LOST, Reply(status=500), Reply(status=423)])
@pytest.mark.parametrize("look", [Reply(NOTHING), Reply(status=500), UNREACHABLE])
def test_what_is_not_found_after_a_lost_reply_is_unknown_not_failed(
    careful: WriteKernel, server: Server, journal: Journal, trouble: Reply, look: Reply
):
    server.on("POST Appointment", trouble).on(LOOK, look)
    with pytest.raises(errors.OutcomeUnknown) as raised:
        create(careful)
    assert (int(raised.value.exit), raised.value.request_id) == (10, str(INTENT))
    assert states(journal) == ["unknown"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Reply(an_outcome("too-late"), 422), errors.TooLate),
        (Reply(an_outcome("consent-needed"), 403), errors.ConsentNeeded),
        (Reply(status=400), errors.Rejected),
        (Reply(status=461), errors.Rejected),
        (Reply(status=401), errors.Expired),
        (Reply(status=307), errors.BadResponse),
        (Reply(status=429, headers={"Retry-After": "3600"}), errors.RateLimited),
    ],
)
def test_a_refusal_is_not_done_and_needs_no_look(
    careful: WriteKernel, server: Server, journal: Journal, answer: Reply, kind: type
):
    server.on("POST Appointment", answer)
    with pytest.raises(kind):
        create(careful)
    assert (server.request_lines, states(journal)) == (["POST Appointment"], ["refused"])


def test_slowing_down_after_several_tries_is_no_proof_that_none_was_done(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on("POST Appointment", LOST, Reply(status=429)).on(LOOK, NOTHING)
    with pytest.raises(errors.OutcomeUnknown):
        create(kernel)
    assert states(journal) == ["unknown"]


@pytest.mark.parametrize("answer", [TAKEN, Reply(status=409), Reply(status=412)])
def test_a_conflict_that_is_the_echo_of_our_own_try_is_done(
    kernel: WriteKernel, server: Server, journal: Journal, answer: Reply
):
    server.on("POST Appointment", LOST, answer).on(LOOK, OURS)
    assert create(kernel) == ["Appointment/visit-1"]
    assert states(journal) == ["done"]


def test_a_taken_slot_told_by_another_status_may_be_our_own_echo_too(
    kernel: WriteKernel, server: Server
):
    server.on("POST Appointment", Reply(an_outcome("slot-taken"), 422)).on(LOOK, OURS)
    assert create(kernel) == ["Appointment/visit-1"]


@pytest.mark.parametrize(
    ("answer", "kind"), [(TAKEN, errors.SlotTaken), (Reply(status=412), errors.Conflict)]
)
@pytest.mark.parametrize("look", [Reply(NOTHING), Reply(status=500)])
def test_a_conflict_with_somebody_else_is_refused(
    kernel: WriteKernel, server: Server, journal: Journal, answer: Reply, kind: type, look: Reply
):
    server.on("POST Appointment", answer).on(LOOK, look)
    with pytest.raises(kind):
        create(kernel)
    assert states(journal) == ["refused"]


def test_a_portal_that_can_not_be_reached_got_nothing(
    careful: WriteKernel, server: Server, journal: Journal
):
    server.on("POST Appointment", UNREACHABLE)
    with pytest.raises(errors.Unreachable):
        create(careful)
    assert states(journal) == ["not_sent"]
    assert set(server.request_lines) == {"POST Appointment"}


@pytest.mark.parametrize("look", [Reply(status=500), UNREACHABLE, Reply(raw=b"<html>")])
def test_a_write_that_can_not_be_read_back_is_not_called_failed(
    kernel: WriteKernel, server: Server, journal: Journal, look: Reply
):
    server.on("POST Appointment", CREATED).on(LOOK, look)
    with pytest.raises(errors.OutcomeUnknown, match="took the request, but it can't be read back"):
        create(kernel)
    assert states(journal) == ["done"]


def test_a_portal_that_shows_several_is_a_conflict(kernel: WriteKernel, server: Server):
    server.on("POST Appointment", CREATED).on(LOOK, TWICE)
    with pytest.raises(errors.Conflict, match="shows 2 records"):
        create(kernel)


def test_a_portal_that_does_not_show_what_it_took_is_not_called_refusing(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on("POST Appointment", CREATED).on(LOOK, NOTHING)
    with pytest.raises(errors.OutcomeUnknown, match="does not show what it made"):
        create(kernel)
    assert states(journal) == ["done"]


def test_several_found_where_the_outcome_was_unknown_are_a_conflict_too(
    careful: WriteKernel, server: Server
):
    server.on("POST Appointment", LOST).on(LOOK, TWICE)
    with pytest.raises(errors.Conflict, match="shows 2 records"):
        create(careful)


STRANGERS = a_searchset(
    an_appointment("other"),
    with_identifier(an_appointment("another"), "urn:uuid:00000000-0000-4000-8000-000000000000"),
    an_appointment("broken", identifier="none"),
    with_identifier(an_appointment("slot", resourceType="Slot"), INTENT.urn),
)


def test_what_a_lenient_portal_sends_instead_is_never_taken_for_ours(
    careful: WriteKernel, server: Server, journal: Journal
):
    server.on("POST Appointment", LOST).on(LOOK, STRANGERS)
    with pytest.raises(errors.OutcomeUnknown):
        create(careful)
    assert states(journal) == ["unknown"]


def test_ours_is_found_among_all_that_a_lenient_portal_sends(kernel: WriteKernel, server: Server):
    everything = STRANGERS | {"entry": [*STRANGERS["entry"], {"resource": BODY}]}
    server.on("POST Appointment", CREATED).on(LOOK, everything)
    assert create(kernel) == ["Appointment/visit-1"]


@pytest.mark.parametrize(
    ("answers", "changed"),
    [
        ([CREATED], True),
        ([Reply(status=200)], False),
        ([LOST, Reply(status=200)], True),
        ([Reply(status=503), CREATED], True),
    ],
)
def test_a_record_that_was_there_before_the_only_try_is_not_a_change(
    kernel: WriteKernel, server: Server, answers: list[Reply], changed: bool
):
    server.on("POST Appointment", *answers).on(LOOK, OURS)
    assert kernel.create(WritePart(INTENT, BODY)).changed is changed


def test_an_unknown_outcome_tells_the_request_id_to_repeat_it_with(
    kernel: WriteKernel, server: Server
):
    server.on("POST Appointment", LOST).on(LOOK, NOTHING)
    with pytest.raises(errors.OutcomeUnknown) as raised:
        create(kernel)
    assert (raised.value.request_id, raised.value.trace_id) == (str(INTENT), str(INTENT))
    assert raised.value.hint == (
        "gpcli appointments list shows what is there. "
        "gpcli outbox settle asks the portal again. "
        f"Or repeat it with --request-id {INTENT}: that never does it twice."
    )
