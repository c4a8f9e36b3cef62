"""Test how the surgery answers messages."""

import pytest

from tests.sandbox.fhir.portal import ref
from tests.sandbox.fhir.request_builders import (
    attachment_payload,
    create_message,
    create_thread,
    created,
    surgery_message,
    thread_header,
    with_attachment,
)

STANDARD = "This is not suited to an e-consultation. Please book an appointment."


def answers(portal, thread):
    """What the surgery has said in the thread."""
    present = portal.store.find("Communication", part_of=thread)
    return [each for each in present if each["recipient"] == [ref("Patient/ada")]]


def words(portal, thread):
    return [each["payload"][0]["contentString"] for each in answers(portal, thread)]


def header(portal, thread):
    return portal.store.get("Communication", thread.partition("/")[2])


def test_the_gp_answers_an_e_consultation_with_an_unread_message(full_portal):
    ada = full_portal.sign_in("ada")
    thread = create_thread(ada)

    asked = create_message(ada, thread)

    (answer,) = answers(full_portal, thread)
    kept = {name: answer[name] for name in answer if name not in ("id", "meta", "payload")}
    assert kept == {
        "resourceType": "Communication",
        "partOf": [ref(thread)],
        "inResponseTo": [ref(f"Communication/{asked['id']}")],
        "status": "completed",
        "category": asked["category"],
        "subject": ref("Patient/ada"),
        "sender": ref("PractitionerRole/gp"),
        "recipient": [ref("Patient/ada")],
        "sent": "2027-03-01T12:00:00+01:00",
    }
    assert answer["payload"][0]["contentString"].startswith(("Thank you", "I have read"))
    assert ada.match_ids("/Communication?recipient=Patient/ada&received:missing=true") == [
        answer["id"]
    ]
    assert header(full_portal, thread)["status"] == "in-progress"


def test_the_reception_answers_for_the_surgery(full_portal):
    ada = full_portal.sign_in("ada")
    thread = create_thread(ada, kind="administrative")

    create_message(ada, thread, "Where can I park?", kind="administrative")

    (answer,) = answers(full_portal, thread)
    assert answer["sender"] == ref("Organization/solbakken")
    assert header(full_portal, thread)["status"] == "in-progress"


def test_a_surgery_that_was_written_to_itself_answers_itself(full_portal):
    ada, surgery = full_portal.sign_in("ada"), [ref("Organization/solbakken")]
    thread = create_thread(ada, kind="administrative", recipient=surgery)
    create_message(ada, thread, "Where?", kind="administrative", recipient=surgery)
    assert [each["sender"] for each in answers(full_portal, thread)] == surgery


def test_the_same_question_gets_the_same_answer_each_time(full_portal):
    ada = full_portal.sign_in("ada")
    threads = [create_thread(ada), create_thread(ada)]
    for each in threads:
        create_message(ada, each, "My knee hurts.")
    assert words(full_portal, threads[0]) == words(full_portal, threads[1])


def test_different_questions_get_different_answers(full_portal):
    ada = full_portal.sign_in("ada")
    heard = set()
    for number in range(12):
        thread = create_thread(ada)
        create_message(ada, thread, f"Question {number}")
        heard.update(words(full_portal, thread))
    assert len(heard) == 3


def test_a_reply_in_an_open_thread_is_answered_again(full_portal):
    ada = full_portal.sign_in("ada")
    thread = create_thread(ada)
    create_message(ada, thread)
    create_message(ada, thread, "For a week.")

    first, second = words(full_portal, thread)
    assert first != second
    assert header(full_portal, thread)["status"] == "in-progress"


@pytest.mark.parametrize("reply", ["Thanks a lot!", "Tusen takk.", "Fine. PLEASE CLOSE this."])
def test_a_reply_that_needs_nothing_more_closes_the_thread(full_portal, reply):
    ada = full_portal.sign_in("ada")
    thread = create_thread(ada)
    create_message(ada, thread)

    create_message(ada, thread, reply)

    assert header(full_portal, thread)["status"] == "completed"
    assert words(full_portal, thread)[-1].startswith("You are welcome.")


def test_thanks_in_advance_close_nothing(full_portal):
    ada = full_portal.sign_in("ada")
    thread = create_thread(ada)
    create_message(ada, thread, "I cough. Thank you in advance!")
    assert header(full_portal, thread)["status"] == "in-progress"


def test_an_e_consultation_that_asks_for_it_is_rejected_with_the_standard_text(full_portal):
    ada = full_portal.sign_in("ada")
    thread = create_thread(ada)

    create_message(ada, thread, "I cough. Please decline.")

    assert header(full_portal, thread)["status"] == "not-done"
    assert header(full_portal, thread)["statusReason"] == {"text": STANDARD}
    assert words(full_portal, thread) == [STANDARD]


def test_a_conversation_that_was_answered_before_is_stopped(full_portal):
    ada = full_portal.sign_in("ada")
    thread = create_thread(ada)
    create_message(ada, thread)
    create_message(ada, thread, "please decline")
    assert header(full_portal, thread)["status"] == "stopped"


def test_attachments_are_taken_note_of_and_not_answered_otherwise(full_portal):
    ada = full_portal.sign_in("ada")
    thread = create_thread(ada)
    created(ada("POST", "/Communication", with_attachment(thread, attachment_payload())))
    assert len(words(full_portal, thread)) == 1


def test_nothing_is_answered_before_its_time(slow_full_portal):
    ada = slow_full_portal.sign_in("ada")
    thread = create_thread(ada)
    create_message(ada, thread)

    assert (slow_full_portal.surgery.answer_due(), words(slow_full_portal, thread)) == (0, [])
    slow_full_portal.clock.advance(slow_full_portal.surgery.delay)
    assert (slow_full_portal.surgery.answer_due(), len(words(slow_full_portal, thread))) == (1, 1)
    assert answers(slow_full_portal, thread)[0]["sent"] == "2027-03-01T14:00:00+01:00"


def test_two_messages_in_a_row_are_both_answered(slow_full_portal):
    ada = slow_full_portal.sign_in("ada")
    thread = create_thread(ada)
    asked = [create_message(ada, thread, each) for each in ("One.", "Two.")]
    slow_full_portal.clock.advance(slow_full_portal.surgery.delay)

    assert slow_full_portal.surgery.answer_due() == 2
    answered = [each["inResponseTo"][0]["reference"] for each in answers(slow_full_portal, thread)]
    assert sorted(answered) == sorted(f"Communication/{each['id']}" for each in asked)


def test_a_thread_that_was_closed_meanwhile_is_left_alone(slow_full_portal):
    ada = slow_full_portal.sign_in("ada")
    thread = create_thread(ada)
    create_message(ada, thread, "One. Please close.")
    create_message(ada, thread, "Two.")
    slow_full_portal.clock.advance(slow_full_portal.surgery.delay)
    slow_full_portal.surgery.answer_due()

    assert len(words(slow_full_portal, thread)) <= 2
    assert header(slow_full_portal, thread)["status"] == "completed"
    assert slow_full_portal.store.execute("SELECT * FROM waiting") == []


def test_an_answer_is_never_older_than_its_question(full_portal):
    ada, ahead = full_portal.sign_in("ada"), "2027-03-01T12:04:00.500+01:00"
    thread = create_thread(ada)
    create_message(ada, thread, sent=ahead)
    assert answers(full_portal, thread)[0]["sent"] == ahead


def test_a_thread_that_has_vanished_is_not_answered(slow_full_portal):
    ada = slow_full_portal.sign_in("ada")
    thread = create_thread(ada)
    create_message(ada, thread)
    slow_full_portal.store.delete("Communication", thread.partition("/")[2])
    slow_full_portal.clock.advance(slow_full_portal.surgery.delay)

    assert slow_full_portal.surgery.answer_due() == 1
    assert words(slow_full_portal, thread) == []


def test_what_the_people_came_with_waits_for_nobody(slow_full_portal):
    slow_full_portal.store.put(thread_header() | {"id": "old"})
    slow_full_portal.store.put(surgery_message("Communication/old", "q"))
    slow_full_portal.clock.advance(slow_full_portal.surgery.delay)
    assert slow_full_portal.surgery.answer_due() == 0
