"""A header and its message in one transaction, and true in every case."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.kernel import WriteKernel
from gpcli.portal.write.outcome import WriteOutcome
from gpcli.portal.write.requests import build_entry_url
from gpcli.portal.write.transaction import create_in_transaction
from tests.portal.builders import an_outcome
from tests.portal.communications import ALL_AT_ONCE, FORGETFUL
from tests.portal.scripted import INTENT, LOST, NOTHING, NOW, UNREACHABLE, Reply, Server
from tests.portal.transaction_parts import (
    ALL_DONE,
    BEGUN,
    BOTH,
    LOOK,
    REFUSED,
    SAID,
    TRANSACTION,
    WRITTEN,
    a_transaction_response,
    refs,
    shows,
    states,
)

DONE = a_transaction_response("201 Created", "201 Created")


@pytest.fixture
def capabilities() -> Capabilities:
    return ALL_AT_ONCE


@pytest.fixture
def send_transaction(search: FhirSearch, journal: Journal) -> Callable[[], WriteOutcome]:
    kernel = WriteKernel(search, journal, lambda: NOW)
    return lambda: create_in_transaction(kernel, WRITTEN, INTENT)


def test_both_go_in_one_transaction_each_with_its_own_identifier(
    send_transaction: Callable[[], WriteOutcome], server: Server, journal: Journal
):
    server.on(TRANSACTION, DONE)
    shows(server, BEGUN, SAID)
    made = send_transaction()
    assert (refs(made), made.changed, states(journal)) == (BOTH, True, ALL_DONE)
    sent = server.requests[0]
    assert sent.headers["X-Request-ID"] == str(INTENT)
    assert json.loads(sent.content) == {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": build_entry_url(part.intent),
                "resource": part.resource,
                "request": {
                    "method": "POST",
                    "url": "Communication",
                    "ifNoneExist": f"identifier=urn:ietf:rfc:3986|{part.intent.urn}",
                },
            }
            for part in WRITTEN
        ],
    }


def test_the_journal_knows_of_both_before_they_leave(
    send_transaction: Callable[[], WriteOutcome], server: Server, journal: Journal
):
    seen: list[dict[str, str]] = []

    class Spy(Reply):
        def build_response(self):
            seen.append(states(journal))
            return super().build_response()

    server.on(TRANSACTION, Spy(DONE))
    shows(server, BEGUN, SAID)
    send_transaction()
    assert seen == [{"header": "sending", "message": "sending"}]


@pytest.mark.parametrize("failure", [LOST, Reply(status=503), Reply(status=429)])
def test_a_portal_that_knows_conditional_creates_gets_the_same_transaction_again(
    send_transaction: Callable[[], WriteOutcome], server: Server, journal: Journal, failure: Reply
):
    server.on(TRANSACTION, failure, DONE)
    shows(server, BEGUN, SAID)
    assert refs(send_transaction()) == BOTH
    first, second = server.requests[:2]
    assert (first.content, first.headers) == (second.content, second.headers)
    assert states(journal) == ALL_DONE


@pytest.mark.parametrize("capabilities", [FORGETFUL])
@pytest.mark.parametrize("failure", [LOST, Reply(status=503), Reply(status=500), Reply(raw=b"<")])
def test_another_gets_it_once_and_what_is_found_is_done(
    send_transaction: Callable[[], WriteOutcome], server: Server, journal: Journal, failure: Reply
):
    server.on(TRANSACTION, failure)
    shows(server, BEGUN, SAID)
    assert (refs(send_transaction()), states(journal)) == (BOTH, ALL_DONE)
    assert server.request_lines.count("POST ") == 1


@pytest.mark.parametrize("look", [Reply(NOTHING), Reply(status=500), UNREACHABLE])
@pytest.mark.parametrize(
    "failure",
    [
        LOST,
        Reply(status=500),
        Reply({"resourceType": "Bundle"}),
        Reply(a_transaction_response("201 Created")),
    ],
)
def test_what_is_lost_and_not_found_is_unknown(
    send_transaction: Callable[[], WriteOutcome],
    server: Server,
    journal: Journal,
    failure: Reply,
    look: Reply,
):
    server.on(TRANSACTION, failure).on(LOOK, look)
    with pytest.raises(errors.OutcomeUnknown) as raised:
        send_transaction()
    assert raised.value.request_id == str(INTENT)
    assert f"--request-id {INTENT}" in raised.value.hint
    assert states(journal) == {"header": "unknown", "message": "unknown"}


def test_a_lost_transaction_of_which_only_the_header_is_found_is_unknown(
    send_transaction: Callable[[], WriteOutcome], server: Server, journal: Journal
):
    server.on(TRANSACTION, LOST)
    shows(server, BEGUN)
    with pytest.raises(errors.OutcomeUnknown):
        send_transaction()
    assert states(journal) == {"header": "done", "message": "unknown"}


@pytest.mark.parametrize("there", [(), (BEGUN,)], ids=["none", "header"])
def test_a_transaction_that_is_called_done_and_does_not_show_all_is_not_known(
    send_transaction: Callable[[], WriteOutcome],
    server: Server,
    journal: Journal,
    there: tuple[dict, ...],
):
    server.on(TRANSACTION, DONE)
    shows(server, *there)
    with pytest.raises(errors.OutcomeUnknown, match="does not show what it made"):
        send_transaction()
    assert states(journal) == ALL_DONE


def test_a_transaction_that_is_done_and_can_not_be_read_back_is_not_called_failed(
    send_transaction: Callable[[], WriteOutcome], server: Server, journal: Journal
):
    server.on(TRANSACTION, DONE).on(LOOK, Reply(status=500))
    with pytest.raises(errors.OutcomeUnknown, match="took the request, but it can't be read back"):
        send_transaction()
    assert states(journal) == ALL_DONE


REFUSALS = [
    (REFUSED, errors.AlreadyAnswered),
    (Reply(an_outcome("service-off"), 422), errors.OffForNow),
    (Reply(status=403), errors.NotPermitted),
    (Reply(status=400), errors.Rejected),
    (Reply(status=412), errors.Conflict),
]


@pytest.mark.parametrize(("answer", "kind"), REFUSALS)
@pytest.mark.parametrize("look", [Reply(NOTHING), Reply(status=500)])
def test_a_refusal_is_a_refusal_of_both(
    send_transaction: Callable[[], WriteOutcome],
    server: Server,
    journal: Journal,
    answer: Reply,
    kind: type,
    look: Reply,
):
    server.on(TRANSACTION, answer).on(LOOK, look)
    with pytest.raises(kind) as raised:
        send_transaction()
    assert "--request-id" not in raised.value.hint
    assert states(journal) == {"header": "refused", "message": "refused"}


@pytest.mark.parametrize(("answer", "kind"), REFUSALS)
def test_what_a_portal_that_does_not_roll_back_has_kept_is_told(
    send_transaction: Callable[[], WriteOutcome],
    server: Server,
    journal: Journal,
    answer: Reply,
    kind: type,
):
    server.on(TRANSACTION, answer)
    shows(server, BEGUN)
    with pytest.raises(kind) as raised:
        send_transaction()
    assert raised.value.hint == (
        "Only the beginning is at the portal (thread-1), without your words. "
        f"The same command with --request-id {INTENT} goes on with it."
    )
    assert states(journal) == {"header": "done", "message": "refused"}


def test_a_portal_that_takes_a_transaction_for_a_batch_says_why_in_the_entry(
    send_transaction: Callable[[], WriteOutcome], server: Server, journal: Journal
):
    said = an_outcome("already-answered", "It is closed.")
    entries = [
        {"response": {"status": "201"}},
        {"response": {"status": "422", "outcome": said}},
    ]
    server.on(TRANSACTION, {**a_transaction_response(), "entry": entries})
    shows(server, BEGUN)
    with pytest.raises(errors.AlreadyAnswered, match="It is closed"):
        send_transaction()
    assert states(journal) == {"header": "done", "message": "refused"}


def test_a_conflict_that_is_the_echo_of_our_own_try_is_done(
    send_transaction: Callable[[], WriteOutcome], server: Server, journal: Journal
):
    server.on(TRANSACTION, LOST, Reply(status=412))
    shows(server, BEGUN, SAID)
    assert (refs(send_transaction()), states(journal)) == (BOTH, ALL_DONE)


@pytest.mark.parametrize("status", [400, 401, 403, 412, 422])
@pytest.mark.parametrize("look", [Reply(NOTHING), Reply(status=500)])
def test_a_refusal_of_a_repetition_does_not_say_that_the_first_try_was_not_done(
    send_transaction: Callable[[], WriteOutcome],
    server: Server,
    journal: Journal,
    status: int,
    look: Reply,
):
    server.on(TRANSACTION, LOST, Reply(status=status)).on(LOOK, look)
    with pytest.raises(errors.OutcomeUnknown):
        send_transaction()
    assert states(journal) == {"header": "unknown", "message": "unknown"}


def test_a_refusal_inside_the_answer_to_a_repetition_does_not_say_so_either(
    send_transaction: Callable[[], WriteOutcome], server: Server, journal: Journal
):
    server.on(TRANSACTION, LOST, a_transaction_response("201 Created", "422"))
    shows(server, BEGUN)
    with pytest.raises(errors.OutcomeUnknown):
        send_transaction()
    assert states(journal) == {"header": "done", "message": "unknown"}


def test_a_portal_that_can_not_be_reached_got_neither(
    send_transaction: Callable[[], WriteOutcome], server: Server, journal: Journal
):
    server.on(TRANSACTION, UNREACHABLE)
    with pytest.raises(errors.Unreachable):
        send_transaction()
    assert states(journal) == {"header": "not_sent", "message": "not_sent"}
    assert set(server.request_lines) == {"POST "}


@pytest.mark.parametrize(
    ("statuses", "changed"),
    [
        (("200 OK", "200 OK"), False),
        (("200 OK", "201 Created"), True),
        (("201", "201"), True),
    ],
)
def test_what_was_there_before_is_not_a_change(
    send_transaction: Callable[[], WriteOutcome],
    server: Server,
    statuses: tuple[str, ...],
    changed: bool,
):
    server.on(TRANSACTION, a_transaction_response(*statuses))
    shows(server, BEGUN, SAID)
    assert send_transaction().changed is changed


def test_two_records_for_one_part_are_a_conflict(
    send_transaction: Callable[[], WriteOutcome], server: Server
):
    server.on(TRANSACTION, DONE)
    shows(server, BEGUN, SAID, {**SAID, "id": "message-2"})
    with pytest.raises(errors.Conflict, match="shows 2 records"):
        send_transaction()


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Bundle", "entry": "x"},
        {"resourceType": "Bundle", "entry": [{"response": []}, {"response": {"status": 201}}]},
        a_transaction_response("fine", "fine"),
        a_transaction_response("201 Created"),
        a_transaction_response("201 Created", "201 Created", "201 Created"),
        an_outcome(),
        [],
    ],
    ids=["entry", "response", "status", "one", "three", "outcome", "list"],
)
def test_an_answer_that_can_not_be_understood_is_looked_into(
    send_transaction: Callable[[], WriteOutcome], server: Server, body: Any
):
    server.on(TRANSACTION, Reply(body))
    shows(server, BEGUN, SAID)
    assert refs(send_transaction()) == BOTH


class FullAfterOne(Journal):
    """A journal whose disk is full after one line."""

    begun = 0

    def record_sending(self, *what: Any, **more: Any) -> None:
        self.begun += 1
        if self.begun > 1:
            raise errors.ConfigError("The journal can't be written.")
        super().record_sending(*what, **more)


def test_where_the_journal_takes_only_one_nothing_is_sent_and_that_is_journaled(
    search: FhirSearch, server: Server, tmp_path: Path
):
    journal = FullAfterOne(tmp_path, "home", "account")
    kernel = WriteKernel(search, journal, lambda: NOW)
    with pytest.raises(errors.ConfigError):
        create_in_transaction(kernel, WRITTEN, INTENT)
    assert (server.requests, states(journal)) == ([], {"header": "not_sent"})
