"""A header, then its message, where a portal has no transactions."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.kernel import WriteKernel
from gpcli.portal.write.outcome import WriteOutcome
from gpcli.portal.write.requests import WritePart
from gpcli.portal.write.transaction import create_in_turn
from tests.portal.communications import ALL_AT_ONCE, FORGETFUL
from tests.portal.scripted import INTENT, LOST, NOTHING, NOW, UNREACHABLE, Reply, Server
from tests.portal.transaction_parts import (
    ALL_DONE,
    BEGUN,
    BOTH,
    CREATE,
    HEADER,
    LOOK,
    MESSAGE,
    REFUSED,
    SAID,
    WRITTEN,
    refs,
    shows,
    states,
)

for_each_failure = pytest.mark.parametrize(
    ("answer", "kind", "state"),
    [(REFUSED, errors.AlreadyAnswered, "refused"), (UNREACHABLE, errors.Unreachable, "not_sent")],
)


@pytest.fixture
def capabilities() -> Capabilities:
    return ALL_AT_ONCE


@pytest.fixture
def in_turn(search: FhirSearch, journal: Journal) -> Callable[..., WriteOutcome]:
    kernel = WriteKernel(search, journal, lambda: NOW)

    def create(*, begun: bool = False) -> WriteOutcome:
        first, second = WRITTEN
        parted = {"reference": ""}

        def then(reference: str) -> WritePart:
            parted["reference"] = reference
            return WritePart(second.intent, {**second.resource, "partOf": [parted]})

        return create_in_turn(kernel, first, then, INTENT, begun=begun)

    return create


def test_one_after_the_other_each_with_its_own_identifier(
    in_turn: Callable[..., WriteOutcome], server: Server, journal: Journal
):
    server.on(CREATE, Reply(status=201))
    shows(server, BEGUN, SAID)
    made = in_turn()
    assert (refs(made), made.changed, states(journal)) == (BOTH, True, ALL_DONE)
    sent = [each for each in server.requests if each.method == "POST"]
    assert [each.headers["If-None-Exist"].rpartition("|")[2] for each in sent] == [
        HEADER.urn,
        MESSAGE.urn,
    ]
    assert [each.headers["X-Request-ID"] for each in sent] == [str(HEADER), str(MESSAGE)]
    assert json.loads(sent[1].content)["partOf"] == [{"reference": "Communication/thread-1"}]


def test_a_header_that_is_lost_is_unknown_and_its_message_is_not_sent(
    in_turn: Callable[..., WriteOutcome], server: Server, journal: Journal
):
    server.on(CREATE, LOST).on(LOOK, NOTHING)
    with pytest.raises(errors.OutcomeUnknown) as raised:
        in_turn()
    assert raised.value.request_id == str(INTENT)
    assert states(journal) == {"header": "unknown", "message": "not_sent"}


@pytest.mark.parametrize("capabilities", [ALL_AT_ONCE, FORGETFUL])
def test_a_message_that_is_lost_after_its_header_is_unknown(
    in_turn: Callable[..., WriteOutcome], server: Server, journal: Journal
):
    server.on(CREATE, Reply(status=201), LOST)
    shows(server, BEGUN)
    with pytest.raises(errors.OutcomeUnknown) as raised:
        in_turn()
    assert raised.value.request_id == str(INTENT)
    assert f"--request-id {INTENT}" in raised.value.hint
    assert states(journal) == {"header": "done", "message": "unknown"}


@for_each_failure
def test_a_message_that_is_not_taken_after_its_header_says_what_is_left(
    in_turn: Callable[..., WriteOutcome],
    server: Server,
    journal: Journal,
    answer: Reply,
    kind: type,
    state: str,
):
    server.on(CREATE, Reply(status=201), answer)
    shows(server, BEGUN)
    with pytest.raises(kind) as raised:
        in_turn()
    assert "(thread-1), without your words" in raised.value.hint
    assert states(journal) == {"header": "done", "message": state}


def test_what_was_begun_is_completed_without_a_second_header(
    in_turn: Callable[..., WriteOutcome], server: Server, journal: Journal
):
    server.on(CREATE, Reply(status=201))
    shows(server, BEGUN, SAID)
    made = in_turn(begun=True)
    assert (refs(made), states(journal)) == (BOTH, {"message": "done"})
    assert server.request_lines.count(CREATE) == 1


def test_what_was_begun_and_is_gone_is_not_known_and_nothing_is_sent(
    in_turn: Callable[..., WriteOutcome], server: Server, journal: Journal
):
    server.on(LOOK, NOTHING)
    with pytest.raises(errors.OutcomeUnknown, match="does not show what it made"):
        in_turn(begun=True)
    assert (states(journal), [each for each in server.request_lines if "POST" in each]) == ({}, [])


def test_the_journal_knows_of_both_before_the_header_leaves(
    in_turn: Callable[..., WriteOutcome], server: Server, journal: Journal
):
    seen: list[dict[str, str]] = []

    class Spy(Reply):
        def build_response(self):
            seen.append(states(journal))
            return super().build_response()

    server.on(CREATE, Spy(status=201))
    shows(server, BEGUN, SAID)
    in_turn()
    assert seen == [
        {"header": "sending", "message": "sending"},
        {"header": "done", "message": "sending"},
    ]


@for_each_failure
def test_a_message_whose_header_fails_was_not_sent(
    in_turn: Callable[..., WriteOutcome],
    server: Server,
    journal: Journal,
    answer: Reply,
    kind: type,
    state: str,
):
    server.on(CREATE, answer)
    with pytest.raises(kind):
        in_turn()
    assert states(journal) == {"header": state, "message": "not_sent"}


@pytest.mark.parametrize("capabilities", [FORGETFUL])
def test_a_message_that_may_be_on_its_way_is_not_sent_again_behind_a_new_header(
    in_turn: Callable[..., WriteOutcome], server: Server, journal: Journal
):
    journal.record_sending(MESSAGE, SAID["resourceType"], NOW.isoformat())
    server.on(CREATE, Reply(status=201))
    shows(server, BEGUN)
    with pytest.raises(errors.OutcomeUnknown):
        in_turn()
    assert (server.request_lines.count(CREATE), states(journal)) == (
        1,
        {"header": "done", "message": "sending"},
    )
