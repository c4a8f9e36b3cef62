"""The same intent in another run: what may still be on its way is not sent again blindly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid5

import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.batch import create_each
from gpcli.portal.write.kernel import WriteKernel
from gpcli.portal.write.outcome import WriteOutcome
from gpcli.portal.write.requests import WritePart
from gpcli.portal.write.transaction import create_in_transaction
from tests.portal.builders import a_searchset, an_appointment, an_outcome, with_identifier
from tests.portal.communications import FORGETFUL, a_header, a_message
from tests.portal.scripted import INTENT, LOST, NOTHING, NOW, UNREACHABLE, Reply, Server, client_to

BODY = with_identifier(an_appointment(), INTENT.urn)
OURS = a_searchset(BODY)
POST, LOOK = "POST Appointment", "GET Appointment?identifier"
CREATED = Reply(status=201)
OTHER = uuid5(INTENT, "other")


def state(journal: Journal) -> tuple[str, str]:
    (entry,) = journal.read_entries()
    return entry.state, entry.at


def create(kernel: WriteKernel) -> bool:
    return kernel.create(WritePart(INTENT, BODY)).changed


@pytest.fixture
def later(unbatched_search: FhirSearch, journal: Journal) -> Callable[[float], WriteKernel]:
    """Another run, some minutes later, at a portal that does not recognise a repeat."""
    return lambda minutes: WriteKernel(
        unbatched_search, journal, lambda: NOW + timedelta(minutes=minutes)
    )


@pytest.fixture
def lost(careful: WriteKernel, server: Server) -> Server:
    """A portal whose answer to the first run was lost, and that shows nothing."""
    server.on(POST, LOST).on(LOOK, NOTHING)
    with pytest.raises(errors.OutcomeUnknown):
        create(careful)
    server.request_lines.clear()
    return server


def hint(minutes: int) -> str:
    return (
        "gpcli appointments list shows what is there. gpcli outbox settle asks the "
        f"portal again. Or repeat it with --request-id {INTENT}: for the next {minutes} min that "
        "only looks; after that it is sent again."
    )


def test_a_portal_that_does_not_recognise_a_repeat_is_not_promised_to(
    careful: WriteKernel, server: Server
):
    server.on(POST, LOST).on(LOOK, NOTHING)
    with pytest.raises(errors.OutcomeUnknown) as raised:
        create(careful)
    assert raised.value.hint == hint(10)


@pytest.mark.parametrize(("minutes", "left"), [(0, 10), (2.5, 8), (9.99, 1), (-3, 13)])
@pytest.mark.parametrize("look", [Reply(NOTHING), Reply(status=500), UNREACHABLE])
def test_what_may_still_be_on_its_way_is_only_looked_for(
    later: Callable[[float], WriteKernel],
    lost: Server,
    journal: Journal,
    minutes: float,
    left: int,
    look: Reply,
):
    lost.on(LOOK, look)
    with pytest.raises(errors.OutcomeUnknown) as raised:
        create(later(minutes))
    assert (raised.value.hint, raised.value.request_id) == (hint(left), str(INTENT))
    assert POST not in lost.request_lines
    assert state(journal) == ("unknown", NOW.isoformat())


def test_what_came_late_is_found_and_no_change_of_this_run(
    later: Callable[[float], WriteKernel], lost: Server, journal: Journal
):
    lost.on(LOOK, OURS)
    assert create(later(1)) is False
    assert (POST in lost.request_lines, state(journal)[0]) == (False, "done")


def test_after_ten_minutes_it_is_sent_again(
    later: Callable[[float], WriteKernel], lost: Server, journal: Journal
):
    lost.on(POST, CREATED).on(LOOK, NOTHING, OURS)
    assert create(later(10)) is True
    assert (lost.request_lines.count(POST), state(journal)[0]) == (1, "done")


def test_a_run_that_was_cut_short_leaves_it_on_its_way(
    careful: WriteKernel, server: Server, journal: Journal
):
    journal.record_sending(INTENT, BODY["resourceType"], NOW.isoformat())
    server.on(LOOK, NOTHING)
    with pytest.raises(errors.OutcomeUnknown):
        create(careful)
    assert (POST in server.request_lines, state(journal)[0]) == (False, "sending")


@pytest.mark.parametrize("ended", ["done", "refused", "not_sent"])
def test_what_has_ended_is_sent_when_it_is_not_there(
    careful: WriteKernel, server: Server, journal: Journal, ended: Any
):
    journal.record_sending(INTENT, BODY["resourceType"], NOW.isoformat())
    journal.record_state(INTENT, ended, NOW.isoformat())
    server.on(POST, CREATED).on(LOOK, NOTHING, OURS)
    assert create(careful) is True
    assert server.request_lines.count(POST) == 1


@pytest.mark.parametrize("ended", ["done", "refused", "not_sent"])
def test_what_has_ended_and_is_there_is_not_sent_again(
    careful: WriteKernel, server: Server, journal: Journal, ended: Any
):
    journal.record_sending(INTENT, BODY["resourceType"], NOW.isoformat())
    journal.record_state(INTENT, ended, NOW.isoformat())
    server.on(LOOK, OURS)
    assert create(careful) is False
    assert (POST in server.request_lines, state(journal)[0]) == (False, "done")


def test_what_is_there_twice_is_not_sent_a_third_time(
    careful: WriteKernel, server: Server, journal: Journal
):
    journal.record_sending(INTENT, BODY["resourceType"], NOW.isoformat())
    journal.record_state(INTENT, "done", NOW.isoformat())
    server.on(LOOK, a_searchset(BODY, with_identifier(an_appointment("visit-2"), INTENT.urn)))
    with pytest.raises(errors.Conflict, match="shows 2 records"):
        create(careful)
    assert POST not in server.request_lines


@pytest.mark.parametrize("at", ["", "yesterday", "2027-03-01T08:00:00", 7])
def test_a_time_that_gpcli_did_not_write_holds_nothing_up(
    careful: WriteKernel, server: Server, journal: Journal, at: Any
):
    journal.record_sending(INTENT, BODY["resourceType"], at)
    server.on(POST, CREATED).on(LOOK, NOTHING, OURS)
    assert create(careful) is True


def test_a_portal_that_recognises_a_repeat_gets_it_at_once(
    kernel: WriteKernel, server: Server, journal: Journal
):
    journal.record_sending(INTENT, BODY["resourceType"], NOW.isoformat())
    server.on(POST, Reply(status=200)).on(LOOK, OURS)
    assert create(kernel) is False
    assert server.request_lines.count(POST) == 1


def test_a_repeat_that_does_not_leave_keeps_what_is_known_of_the_first(
    later: Callable[[float], WriteKernel], lost: Server, journal: Journal
):
    lost.on(POST, UNREACHABLE)
    with pytest.raises(errors.Unreachable):
        create(later(11))
    assert state(journal) == ("unknown", NOW.isoformat())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422])
@pytest.mark.parametrize("look", [Reply(NOTHING), Reply(status=500)])
def test_a_refusal_of_a_repetition_does_not_say_that_the_first_try_was_not_done(
    kernel: WriteKernel, server: Server, journal: Journal, status: int, look: Reply
):
    server.on(POST, LOST, Reply(an_outcome(), status)).on(LOOK, look)
    with pytest.raises(errors.OutcomeUnknown):
        create(kernel)
    assert state(journal)[0] == "unknown"


@pytest.mark.parametrize("status", [400, 403, 422])
def test_what_is_found_after_a_refused_repetition_is_done(
    kernel: WriteKernel, server: Server, journal: Journal, status: int
):
    server.on(POST, LOST, Reply(an_outcome(), status)).on(LOOK, OURS)
    assert create(kernel) is True
    assert state(journal)[0] == "done"


@pytest.mark.parametrize("first", [UNREACHABLE, Reply(status=429)])
def test_a_refusal_after_tries_that_did_nothing_is_a_refusal(
    kernel: WriteKernel, server: Server, journal: Journal, first: Reply
):
    server.on(POST, first, Reply(an_outcome("too-late"), 422))
    with pytest.raises(errors.TooLate):
        create(kernel)
    assert (LOOK in server.request_lines, state(journal)[0]) == (False, "refused")


def test_of_several_only_those_are_sent_that_are_not_on_their_way(
    server: Server, unbatched_search: FhirSearch, journal: Journal
):
    bodies = {INTENT: BODY, OTHER: with_identifier(an_appointment("visit-2"), OTHER.urn)}
    journal.record_sending(INTENT, BODY["resourceType"], NOW.isoformat())
    kernel = WriteKernel(unbatched_search, journal, lambda: NOW)
    server.on(POST, CREATED)
    server.on(LOOK, NOTHING, NOTHING, a_searchset(bodies[OTHER]))
    held, made = create_each(kernel, [WritePart(*each) for each in bodies.items()], INTENT)
    assert isinstance(held, errors.OutcomeUnknown)
    assert held.hint == hint(10)
    assert not isinstance(made, errors.GpcliError)
    assert (server.request_lines.count(POST), made.changed) == (1, True)
    assert [entry.state for entry in journal.read_entries()] == ["sending", "done"]


HEADER = with_identifier(a_header(), INTENT.urn)
MESSAGE = with_identifier(a_message(), OTHER.urn)
BOTH = [WritePart(INTENT, HEADER), WritePart(OTHER, MESSAGE)]


@pytest.fixture
def on_its_way(server: Server, journal: Journal) -> Iterator[Callable[[], WriteOutcome]]:
    """The same transaction as a run that was cut short, at a portal that is only asked."""
    for part in BOTH:
        journal.record_sending(part.intent, part.resource["resourceType"], NOW.isoformat())
    with client_to(server) as client:
        search = FhirSearch(client, lambda: FORGETFUL)
        kernel = WriteKernel(search, journal, lambda: NOW)
        yield lambda: create_in_transaction(kernel, BOTH, INTENT)


@pytest.mark.parametrize("there", [[], [HEADER]], ids=["none", "header"])
def test_a_transaction_on_its_way_is_only_looked_for(
    on_its_way: Callable[[], WriteOutcome], server: Server, journal: Journal, there: list[dict]
):
    server.on("GET Communication?identifier", a_searchset(*there))
    with pytest.raises(errors.OutcomeUnknown) as raised:
        on_its_way()
    assert "for the next 10 min that only looks" in raised.value.hint
    assert {question.partition("?")[0] for question in server.request_lines} == {
        "GET Communication"
    }
    left = ["done"] * len(there) + ["sending"] * (2 - len(there))
    assert [entry.state for entry in journal.read_entries()] == left


def test_a_transaction_that_came_late_is_found_and_no_change_of_this_run(
    on_its_way: Callable[[], WriteOutcome], server: Server, journal: Journal
):
    server.on("GET Communication?identifier", a_searchset(HEADER, MESSAGE))
    assert on_its_way().changed is False
    assert [entry.state for entry in journal.read_entries()] == ["done", "done"]
