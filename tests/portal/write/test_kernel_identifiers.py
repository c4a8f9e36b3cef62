"""The identifier that makes a repetition harmless: kept, changed, and looked for first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.kernel import WriteKernel
from gpcli.portal.write.outcome import WriteOutcome
from gpcli.portal.write.requests import WritePart, build_entry_url
from gpcli.portal.write.transaction import create_in_transaction, create_in_turn
from tests.portal import transaction_parts
from tests.portal.builders import a_searchset, an_appointment, an_outcome, with_identifier
from tests.portal.communications import ALL_AT_ONCE, FORGETFUL, a_header
from tests.portal.scripted import INTENT, NOTHING, NOW, Reply, Server
from tests.portal.transaction_parts import BEGUN, HEADER, MESSAGE, SAID, TRANSACTION, WRITTEN

BODY = with_identifier(an_appointment(), INTENT.urn)
CHANGED = with_identifier(an_appointment(), "Appointment/visit-1")
LOOK = "GET Appointment?identifier"


@pytest.fixture
def capabilities() -> Capabilities:
    return ALL_AT_ONCE


@pytest.fixture
def send_transaction(search: FhirSearch, journal: Journal) -> Callable[[], WriteOutcome]:
    kernel = WriteKernel(search, journal, lambda: NOW)
    return partial(create_in_transaction, kernel, WRITTEN, INTENT)


def answered(*bodies: Any) -> dict[str, Any]:
    """The answer to a transaction that was done, with what it made."""
    entries = [{"response": {"status": "201"}, "resource": each} for each in bodies]
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}


def create(kernel: WriteKernel) -> None:
    kernel.create(WritePart(INTENT, {**BODY, "id": None}))


def test_no_fullurl_is_an_identifier_and_each_is_unlike_the_others():
    urls = [build_entry_url(each) for each in (INTENT, HEADER, MESSAGE)]

    assert len({*urls, INTENT.urn, HEADER.urn, MESSAGE.urn}) == 6
    assert all(each.startswith("urn:uuid:") for each in urls)


def test_an_identifier_that_the_portal_changed_is_told_and_the_write_is_done(
    kernel: WriteKernel, server: Server, journal: Journal
):
    server.on("POST Appointment", Reply(CHANGED, 201)).on(LOOK, NOTHING)

    with pytest.raises(errors.Conflict) as raised:
        create(kernel)

    assert raised.value.message == (
        "It is done (Appointment/visit-1), but the portal changed the identifier it came with."
    )
    assert raised.value.hint == (
        "Do not repeat it: that would do it again. gpcli appointments list shows what is there."
    )
    assert raised.value.request_id == str(INTENT)
    assert [each.state for each in journal.read_entries()] == ["done"]


def test_one_that_is_found_all_the_same_is_as_good_as_kept(kernel: WriteKernel, server: Server):
    server.on("POST Appointment", Reply(CHANGED, 201)).on(LOOK, a_searchset(BODY))
    create(kernel)


@pytest.mark.parametrize(
    "body",
    [None, an_outcome(severity="information"), BODY, {**CHANGED, "id": None}, {"id": "visit-1"}],
    ids=["nothing", "outcome", "kept", "no id", "no type"],
)
def test_what_the_answer_does_not_show_is_not_claimed(
    kernel: WriteKernel, server: Server, body: Any
):
    server.on("POST Appointment", Reply(body, 201)).on(LOOK, NOTHING)
    with pytest.raises(errors.OutcomeUnknown, match="does not show what it made"):
        create(kernel)


@pytest.mark.parametrize("identifiers", [None, [], [{"value": 7}], ["x"]])
def test_an_identifier_that_is_gone_or_broken_is_changed(
    kernel: WriteKernel, server: Server, identifiers: Any
):
    server.on("POST Appointment", Reply({**BODY, "identifier": identifiers}, 201)).on(LOOK, NOTHING)
    with pytest.raises(errors.Conflict, match="changed the identifier"):
        create(kernel)


def test_one_that_was_changed_in_a_transaction_is_told_too(
    send_transaction: Callable[[], WriteOutcome], server: Server, journal: Journal
):
    server.on(TRANSACTION, answered(with_identifier(a_header(), "Communication/thread-1"), SAID))
    server.on(transaction_parts.LOOK, a_searchset(SAID))

    with pytest.raises(errors.Conflict, match=r"done \(Communication/thread-1\)"):
        send_transaction()

    assert {each.state for each in journal.read_entries()} == {"done"}


@pytest.mark.parametrize("capabilities", [FORGETFUL])
def test_a_thread_that_is_there_is_not_sent_again_to_a_portal_that_forgets(
    send_transaction: Callable[[], WriteOutcome], server: Server, journal: Journal
):
    server.on(TRANSACTION, answered(BEGUN, SAID)).on(
        transaction_parts.LOOK, a_searchset(BEGUN, SAID)
    )

    first, second = send_transaction(), send_transaction()

    assert (first.changed, second.changed) == (True, False)
    assert server.request_lines.count(TRANSACTION) == 1


@pytest.mark.parametrize("capabilities", [FORGETFUL])
def test_half_a_thread_that_is_there_is_not_sent_again_whole(
    send_transaction: Callable[[], WriteOutcome], server: Server, journal: Journal
):
    server.on(TRANSACTION, answered(BEGUN, SAID)).on(
        transaction_parts.LOOK, a_searchset(BEGUN, SAID)
    )
    send_transaction()
    server.on(transaction_parts.LOOK, a_searchset(BEGUN))

    with pytest.raises(errors.OutcomeUnknown):
        send_transaction()

    assert server.request_lines.count(TRANSACTION) == 1


@pytest.mark.parametrize("capabilities", [FORGETFUL])
def test_a_thread_that_is_not_there_is_sent_again(
    send_transaction: Callable[[], WriteOutcome], server: Server
):
    server.on(TRANSACTION, Reply(an_outcome(), 422), answered(BEGUN, SAID))
    server.on(transaction_parts.LOOK, NOTHING)
    with pytest.raises(errors.Rejected):
        send_transaction()
    looks = [a_searchset(), a_searchset(), a_searchset(BEGUN), a_searchset(SAID)]
    server.on(transaction_parts.LOOK, *looks)

    assert send_transaction().changed


@pytest.mark.parametrize("capabilities", [FORGETFUL])
def test_in_turn_a_message_that_is_there_is_not_sent_again_behind_its_header(
    search: FhirSearch, server: Server, journal: Journal
):
    kernel = WriteKernel(search, journal, lambda: NOW)
    for each in WRITTEN:
        journal.record_sending(each.intent, each.resource["resourceType"], NOW.isoformat())
        journal.record_state(each.intent, "done", NOW.isoformat())
    server.on(transaction_parts.LOOK, a_searchset(BEGUN, SAID))

    made = create_in_turn(kernel, WRITTEN[0], lambda _: WRITTEN[1], INTENT, begun=False)

    assert ([each.relative_reference for each in made.records], made.changed) == (
        ["Communication/thread-1", "Communication/message-1"],
        False,
    )
    assert "POST Communication" not in server.request_lines
