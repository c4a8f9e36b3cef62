"""Several creates at once: one batch where the portal has it, and an end of its own for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.batch import create_each
from gpcli.portal.write.kernel import WriteKernel
from gpcli.portal.write.outcome import WriteOutcome
from gpcli.portal.write.requests import WritePart
from tests.portal.builders import Json, a_searchset, an_outcome, with_identifier
from tests.portal.medicines import a_task, capabilities_with
from tests.portal.scripted import (
    BASE,
    BATCH,
    INTENT,
    LOST,
    NOTHING,
    NOW,
    UNREACHABLE,
    Reply,
    Server,
)
from tests.portal.scripted import client_to as client

NAMES = ("a", "b", "c")
PARTS = [uuid5(INTENT, name) for name in NAMES]
BODIES = [
    with_identifier(a_task(f"task-{name}", f"rx-{name}"), part.urn)
    for name, part in zip(NAMES, PARTS, strict=True)
]
CREATED = Reply(status=201)
POST, LOOK = "POST Task", "GET Task?identifier"
KNOWS_NO_REPEATS = capabilities_with(conditional_creates=())
NO_BATCH = capabilities_with(batch=False)
NEITHER = capabilities_with(batch=False, conditional_creates=())


def create(
    server: Server, journal: Journal, can: Capabilities | None = None, count: int = 3
) -> list[str]:
    """What became of each of the first `count`, in words."""
    search = FhirSearch(client(server), lambda: can or capabilities_with())
    kernel = WriteKernel(search, journal, lambda: NOW)
    parts = list(map(WritePart, PARTS, BODIES))[:count]
    return [said(each) for each in create_each(kernel, parts, INTENT)]


def said(outcome: WriteOutcome | errors.GpcliError) -> str:
    if isinstance(outcome, errors.GpcliError):
        return outcome.code
    (there,) = outcome.records
    return f"{there.require_string('id')} {'new' if outcome.changed else 'there'}"


def states(journal: Journal) -> dict[UUID, str]:
    return {entry.intent: entry.state for entry in journal.read_entries()}


def ended(journal: Journal, *expected: str) -> bool:
    return states(journal) == dict(zip(PARTS, expected, strict=False))


def shows(server: Server, *names: str) -> Server:
    """The portal shows these, whatever identifier it is asked for: a lenient one."""
    there = [body for name, body in zip(NAMES, BODIES, strict=True) if name in names]
    return server.on(LOOK, a_searchset(*there))


def batches(server: Server) -> list[Json]:
    return [json.loads(each.content) for each in server.requests if str(each.url) == BASE]


def sends(server: Server) -> list[str]:
    """How often something was sent to be written: `POST Task`, or a batch of such."""
    found = [each for each in server.requests if each.method == "POST"]
    bodies = [json.loads(each.content) for each in found]
    return [
        body["resourceType"]
        for body in bodies
        if body["resourceType"] == "Task" or body["entry"][0]["request"]["method"] == "POST"
    ]


def a_batch_response(*entries: Any) -> Reply:
    return Reply({"resourceType": "Bundle", "type": "batch-response", "entry": list(entries)})


def answered(status: Any, **more: Any) -> Json:
    return {"response": {"status": status, **more}}


def looked(*names: str) -> Reply:
    """The answer to a batch of looks at all three."""
    pairs = zip(NAMES, BODIES, strict=True)
    sets = [a_searchset(*([body] if name in names else [])) for name, body in pairs]
    return a_batch_response(*({"resource": each, **answered("200")} for each in sets))


def test_all_go_in_one_batch_and_are_read_back_in_another(server: Server, journal: Journal):
    shows(server.on(POST, CREATED), *NAMES)
    assert create(server, journal) == ["task-a new", "task-b new", "task-c new"]
    assert len(server.requests) == 2
    sent = server.requests[0]
    assert sent.headers["X-Request-ID"] == str(INTENT)
    assert json.loads(sent.content) == {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {
                "resource": body,
                "request": {
                    "method": "POST",
                    "url": "Task",
                    "ifNoneExist": f"identifier=urn:ietf:rfc:3986|{part.urn}",
                },
            }
            for part, body in zip(PARTS, BODIES, strict=True)
        ],
    }
    assert ended(journal, "done", "done", "done")


def test_one_alone_goes_by_itself(server: Server, journal: Journal):
    shows(server.on(POST, CREATED), "a")
    assert create(server, journal, count=1) == ["task-a new"]
    assert server.require_only_write().headers["X-Request-ID"] == str(PARTS[0])


def test_nothing_to_create_asks_nothing(server: Server, journal: Journal):
    assert create(server, journal, count=0) == []
    assert server.requests == []


def test_a_portal_without_batches_gets_one_after_another(server: Server, journal: Journal):
    shows(server.on(POST, CREATED, Reply(an_outcome(text="No."), 422), CREATED), *NAMES)
    assert create(server, journal, NO_BATCH) == ["task-a new", "rejected", "task-c new"]
    assert ended(journal, "done", "refused", "done")


def test_the_journal_knows_of_all_before_the_batch_leaves(server: Server, journal: Journal):
    seen: list[str] = []

    class Spy(Reply):
        def build_response(self):
            seen.extend(states(journal).values())
            return super().build_response()

    server.on(BATCH, Spy(error=UNREACHABLE.error))
    create(server, journal)
    assert seen[:3] == ["sending", "sending", "sending"]


def test_nothing_leaves_when_the_journal_can_not_be_written(server: Server, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(errors.ConfigError):
        create(server, Journal(tmp_path / "file", "p", "a"))
    assert server.requests == []


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Reply(an_outcome("already-answered", "Asked already."), 422), "already_answered"),
        (Reply(an_outcome("not-renewable", "It has expired."), 422), "rejected"),
        (Reply(an_outcome("consent-needed"), 403), "consent_needed"),
        (Reply(an_outcome("service-off"), 422), "off_for_now"),
        (Reply(status=404), "not_found"),
        (Reply(status=429), "rate_limited"),
        (Reply(status=461), "rejected"),
    ],
)
def test_each_ends_by_its_own_answer(server: Server, journal: Journal, refusal: Reply, code: str):
    can = KNOWS_NO_REPEATS if refusal.status == 429 else capabilities_with()
    server.on(POST, CREATED, refusal, CREATED)
    if can is KNOWS_NO_REPEATS:
        server.on(LOOK, *[Reply(NOTHING)] * 3, Reply(a_searchset(*BODIES)))
    else:
        shows(server, *NAMES)
    assert create(server, journal, can) == ["task-a new", code, "task-c new"]
    assert ended(journal, "done", "refused", "done")


def test_when_all_are_refused_there_is_nothing_to_look_for(server: Server, journal: Journal):
    server.on(POST, Reply(an_outcome("not-renewable", "It has expired."), 422))
    assert create(server, journal) == ["rejected", "rejected", "rejected"]
    assert len(server.requests) == 1


def test_one_that_was_there_before_is_not_new(server: Server, journal: Journal):
    shows(server.on(POST, Reply(status=200), CREATED), *NAMES)
    assert create(server, journal, count=2) == ["task-a there", "task-b new"]


@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_may_be_the_echo_of_an_earlier_try(
    server: Server, journal: Journal, status: int
):
    shows(server.on(POST, Reply(status=status)), "a", "c")
    assert create(server, journal) == ["task-a there", "conflict", "task-c there"]
    assert ended(journal, "done", "refused", "done")


@pytest.mark.parametrize("status", [500, 503, 408, 423])
def test_a_part_that_may_have_been_done_is_looked_for(
    server: Server, journal: Journal, status: int
):
    shows(server.on(POST, CREATED, Reply(status=status)), "a", "b")
    assert create(server, journal) == ["task-a new", "task-b new", "outcome_unknown"]
    assert ended(journal, "done", "done", "unknown")


@pytest.mark.parametrize(
    "reply",
    [
        LOST,
        Reply(status=500),
        Reply(raw=b"<html>"),
        Reply({"resourceType": "Bundle", "type": "batch-response"}),
        Reply({"resourceType": "OperationOutcome"}),
        Reply([]),
        Reply(status=200),
        a_batch_response(answered("201 Created")),
        a_batch_response(answered("422"), answered("201")),
        a_batch_response(*[answered("422")] * 4),
        a_batch_response(7, 7, 7),
        a_batch_response(*[answered(7)] * 3),
        a_batch_response(*[{"response": []}] * 3),
        a_batch_response(*[answered("nonsense")] * 3),
        a_batch_response({}, {}, {}),
    ],
)
def test_after_a_lost_or_broken_answer_what_is_found_is_done_and_the_rest_unknown(
    server: Server, journal: Journal, reply: Reply
):
    server.on(BATCH, looked(), reply, looked("a", "c"))
    assert create(server, journal, KNOWS_NO_REPEATS) == [
        "task-a new",
        "outcome_unknown",
        "task-c new",
    ]
    assert sends(server) == ["Bundle"]
    assert ended(journal, "done", "unknown", "done")


@pytest.mark.parametrize("look", [UNREACHABLE, Reply(status=500), Reply(raw=b"<html>"), looked()])
def test_what_can_not_be_looked_for_is_unknown_not_failed(
    server: Server, journal: Journal, look: Reply
):
    server.on(BATCH, looked(), LOST, look)
    assert create(server, journal, KNOWS_NO_REPEATS) == ["outcome_unknown"] * 3
    assert ended(journal, "unknown", "unknown", "unknown")


def test_what_was_taken_but_can_not_be_read_back_is_not_called_failed(
    server: Server, journal: Journal
):
    server.on(BATCH, a_batch_response(*[answered("201")] * 3), Reply(status=500))
    assert create(server, journal) == ["outcome_unknown"] * 3
    assert ended(journal, "done", "done", "done")


def test_an_unknown_outcome_tells_what_the_person_can_repeat(server: Server, journal: Journal):
    server.on(BATCH, looked(), LOST, looked())
    search = FhirSearch(client(server), lambda: KNOWS_NO_REPEATS)
    parts = list(map(WritePart, PARTS, BODIES))
    kernel = WriteKernel(search, journal, lambda: NOW)
    for outcome in create_each(kernel, parts, INTENT):
        assert isinstance(outcome, errors.OutcomeUnknown)
        assert outcome.request_id == str(INTENT)
        assert f"--request-id {INTENT}" in outcome.hint


def test_a_portal_that_recognises_repeats_gets_the_same_batch_again(
    server: Server, journal: Journal
):
    server.on(BATCH, LOST, a_batch_response(*[answered("200 OK")] * 3), looked(*NAMES))
    assert create(server, journal) == ["task-a new", "task-b new", "task-c new"]
    first, second, _ = server.requests
    assert (first.content, first.headers) == (second.content, second.headers)
    assert ended(journal, "done", "done", "done")


def test_a_portal_that_can_not_be_reached_got_nothing(server: Server, journal: Journal):
    server.on(BATCH, UNREACHABLE)
    assert create(server, journal) == ["unreachable"] * 3
    assert ended(journal, "not_sent", "not_sent", "not_sent")


def test_a_refusal_of_the_whole_batch_is_one_of_each(server: Server, journal: Journal):
    server.on(BATCH, Reply(an_outcome("consent-needed"), 403))
    assert create(server, journal) == ["consent_needed"] * 3
    assert ended(journal, "refused", "refused", "refused")


@pytest.mark.parametrize("status", [400, 403, 412, 422])
def test_a_refusal_of_a_repeated_batch_does_not_say_that_the_first_was_not_done(
    server: Server, journal: Journal, status: int
):
    server.on(BATCH, LOST, Reply(status=status), looked("a"))
    assert create(server, journal) == ["task-a new", "outcome_unknown", "outcome_unknown"]
    assert ended(journal, "done", "unknown", "unknown")


def test_a_refusal_in_a_repeated_batch_does_not_say_so_either(server: Server, journal: Journal):
    again = a_batch_response(answered("200"), answered("422"), answered("409"))
    server.on(BATCH, LOST, again, looked("a"))
    assert create(server, journal) == ["task-a new", "outcome_unknown", "outcome_unknown"]
    assert ended(journal, "done", "unknown", "unknown")


def test_several_found_for_one_are_a_conflict(server: Server, journal: Journal):
    twin = with_identifier(a_task("task-x"), PARTS[0].urn)
    server.on(POST, CREATED).on(LOOK, a_searchset(*BODIES, twin))
    assert create(server, journal) == ["conflict", "task-b new", "task-c new"]


@pytest.mark.parametrize("can", [KNOWS_NO_REPEATS, NEITHER], ids=["batch", "singly"])
def test_a_portal_that_does_not_recognise_repeats_is_asked_first_what_it_has(
    server: Server, journal: Journal, can: Capabilities
):
    before = [Reply(a_searchset(*BODIES[:1]))] * 3
    server.on(POST, CREATED).on(LOOK, *before, Reply(a_searchset(*BODIES)))
    assert create(server, journal, can) == ["task-a there", "task-b new", "task-c new"]
    assert set(states(journal)) == set(PARTS[1:])
    assert server.request_lines[:3] == [
        f"GET Task?identifier=urn:ietf:rfc:3986|{part.urn}" for part in PARTS
    ]


def test_when_all_are_there_already_nothing_is_sent(server: Server, journal: Journal):
    shows(server, *NAMES)
    assert create(server, journal, NEITHER) == ["task-a there", "task-b there", "task-c there"]
    assert (sends(server), states(journal)) == ([], {})


@pytest.mark.parametrize("look", [Reply(status=500), Reply(an_outcome(), 403), UNREACHABLE])
def test_nothing_is_sent_where_nobody_can_tell_what_is_there(
    server: Server, journal: Journal, look: Reply
):
    server.on(LOOK, look)
    with pytest.raises(errors.GpcliError):
        create(server, journal, NEITHER)
    assert (sends(server), states(journal)) == ([], {})
