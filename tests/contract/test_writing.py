"""Threads: reading, starting, replying, marking, saving what is attached."""

from __future__ import annotations

import pytest

from gpcli.errors import NotFound
from tests.contract.threads import ANSWER, LEAFLET, QUESTION, SUBJECTS, WHY_CLOSED
from tests.contract.world import NOTES

pytestmark = pytest.mark.needs("Communication:create", "Communication:search-type")

START = {
    "econsult": "gpcli econsult start --via text --accept-fee any",
    "contact": "gpcli contact",
}
KIND = {"econsult": "e-consultation", "contact": "administrative"}


def headers(visit):
    """The headers of threads that gpcli made, as the portal has them."""
    return [each for each in visit.made("Communication") if "partOf" not in each]


def messages(visit):
    return [each for each in visit.made("Communication") if "partOf" in each]


def test_threads_are_listed_with_the_unread_one_first(visit):
    found = visit.shell.json("gpcli messages list")

    assert [
        (one["id"], one["subject"], one["message_count"], one["unread_count"]) for one in found
    ] == [
        (visit.patient.open_thread, SUBJECTS["rash"], 2, 1),
        (visit.patient.closed_thread, SUBJECTS["parking"], 2, 0),
    ]
    assert (found[1]["status"], found[1]["closed_because"]) == ("completed", WHY_CLOSED)
    assert {one["practitioner"] for one in found} == {visit.patient.practice.gp}


def test_a_thread_has_its_messages_in_order(visit):
    shown = visit.portal.mailbox.fetch_conversation(visit.patient.open_thread)

    assert [(one.text, one.mine, one.unread) for one in shown.messages] == [
        (QUESTION, True, False),
        (ANSWER, False, True),
    ]
    assert [one.sender for one in shown.messages] == [visit.patient.name, visit.patient.practice.gp]


def test_a_thread_that_there_is_not_is_not_found(visit):
    with pytest.raises(NotFound):
        visit.portal.mailbox.fetch_conversation("nothing")


def test_what_is_attached_inline_is_read(visit):
    shown = visit.portal.mailbox.fetch_conversation(visit.patient.open_thread)

    inline = shown.messages[-1].attachments[0]
    assert (inline.title, visit.portal.mailbox.fetch_content(inline)) == ("leaflet.txt", LEAFLET)


@pytest.mark.needs("Binary:read")
def test_what_is_attached_apart_is_fetched(visit):
    shown = visit.portal.mailbox.fetch_conversation(visit.patient.open_thread)

    apart = shown.messages[-1].attachments[1]
    assert (apart.title, visit.portal.mailbox.fetch_content(apart)) == ("notes.txt", NOTES)


@pytest.mark.parametrize("way", ["econsult", "contact"])
def test_a_thread_is_started_with_its_first_message(visit, way):
    line = f"{START[way]} --subject Ramp --message 'Is there a ramp?' --yes"

    started = visit.shell.json(line)

    [header], [message] = headers(visit), messages(visit)
    assert (started["id"], started["kind"], started["changed"]) == (header["id"], KIND[way], True)
    assert (header["topic"]["text"], header["status"]) == ("Ramp", "in-progress")
    assert [each["reference"] for each in message["partOf"]] == [f"Communication/{header['id']}"]
    assert message["payload"] == [{"contentString": "Is there a ramp?"}]


def test_a_thread_with_one_request_id_is_started_once(visit):
    line = "gpcli contact --subject Ramp --message 'Is there a ramp?' --yes --request-id c1"

    first, second = (visit.shell.json(line) for _ in range(2))

    assert (first["changed"], second["changed"]) == (True, False)
    assert first["id"] == second["id"]
    assert (len(headers(visit)), len(messages(visit))) == (1, 1)


def test_a_file_goes_along(visit, tmp_path):
    (tmp_path / "notes.txt").write_bytes(NOTES)
    start = "gpcli contact --subject Notes --message 'See the file.' --yes"
    started = visit.shell.json(f"{start} --attach {tmp_path / 'notes.txt'}")

    shown = visit.portal.mailbox.fetch_conversation(started["id"])

    [[there]] = [one.attachments for one in shown.messages]
    assert (there.title, visit.portal.mailbox.fetch_content(there)) == ("notes.txt", NOTES)


def test_a_reply_says_what_it_answers_and_is_sent_once(visit):
    thread = visit.patient.open_thread
    line = f"gpcli messages reply {thread} --message 'It is better.' --yes --request-id r1"

    first, second = (visit.shell.json(line) for _ in range(2))

    assert (first["changed"], second["changed"]) == (True, False)
    [there] = messages(visit)
    [answered] = there["inResponseTo"]
    assert answered["reference"] == f"Communication/rash-answered-{visit.patient.number}"
    texts = [one.text for one in visit.portal.mailbox.fetch_conversation(thread).messages]
    assert texts == [QUESTION, ANSWER, "It is better."]


def test_a_closed_thread_takes_no_reply(visit):
    line = f"gpcli messages reply {visit.patient.closed_thread} --message Hei --yes --json"

    assert visit.shell(line).refused == (7, "already_answered", "")
    assert messages(visit) == []


@pytest.mark.needs("Communication:update")
def test_what_is_marked_read_is_read_for_the_portal_too(visit):
    thread = visit.patient.open_thread

    visit.shell.json(f"gpcli messages mark-read {thread} --yes")

    assert "received" in visit.read(f"Communication/rash-answered-{visit.patient.number}")
    assert [one["unread_count"] for one in visit.shell.json("gpcli messages list")] == [0, 0]
