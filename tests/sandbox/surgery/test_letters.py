"""How the surgery answers what patients write."""

import pytest

from tests.sandbox.fhir.letters import attached, from_surgery, made, started, with_attachment
from tests.sandbox.fhir.letters import thread as header_of
from tests.sandbox.fhir.letters import written as write
from tests.sandbox.fhir.world import ref

STANDARD = "This is not suited to an e-consultation. Please book an appointment."


def answers(world, thread):
    """What the surgery has said in the thread."""
    present = world.store.find("Communication", part_of=thread)
    return [each for each in present if each["recipient"] == [ref("Patient/ada")]]


def words(world, thread):
    return [each["payload"][0]["contentString"] for each in answers(world, thread)]


def header(world, thread):
    return world.store.get("Communication", thread.partition("/")[2])


def test_the_gp_answers_an_e_consultation_with_an_unread_message(prompt):
    ada = prompt.as_("ada")
    thread = started(ada)

    asked = write(ada, thread)

    (answer,) = answers(prompt, thread)
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
    assert ada.found("/Communication?recipient=Patient/ada&received:missing=true") == [answer["id"]]
    assert header(prompt, thread)["status"] == "in-progress"


def test_the_reception_answers_for_the_surgery(prompt):
    ada = prompt.as_("ada")
    thread = started(ada, kind="administrative")

    write(ada, thread, "Where can I park?", kind="administrative")

    (answer,) = answers(prompt, thread)
    assert answer["sender"] == ref("Organization/solbakken")
    assert header(prompt, thread)["status"] == "in-progress"


def test_a_surgery_that_was_written_to_itself_answers_itself(prompt):
    ada, surgery = prompt.as_("ada"), [ref("Organization/solbakken")]
    thread = started(ada, kind="administrative", recipient=surgery)
    write(ada, thread, "Where?", kind="administrative", recipient=surgery)
    assert [each["sender"] for each in answers(prompt, thread)] == surgery


def test_the_same_question_gets_the_same_answer_each_time(prompt):
    ada = prompt.as_("ada")
    threads = [started(ada), started(ada)]
    for each in threads:
        write(ada, each, "My knee hurts.")
    assert words(prompt, threads[0]) == words(prompt, threads[1])


def test_different_questions_get_different_answers(prompt):
    ada = prompt.as_("ada")
    heard = set()
    for number in range(12):
        thread = started(ada)
        write(ada, thread, f"Question {number}")
        heard.update(words(prompt, thread))
    assert len(heard) == 3


def test_a_reply_in_an_open_thread_is_answered_again(prompt):
    ada = prompt.as_("ada")
    thread = started(ada)
    write(ada, thread)
    write(ada, thread, "For a week.")

    first, second = words(prompt, thread)
    assert first != second
    assert header(prompt, thread)["status"] == "in-progress"


@pytest.mark.parametrize("reply", ["Thanks a lot!", "Tusen takk.", "Fine. PLEASE CLOSE this."])
def test_a_reply_that_needs_nothing_more_closes_the_thread(prompt, reply):
    ada = prompt.as_("ada")
    thread = started(ada)
    write(ada, thread)

    write(ada, thread, reply)

    assert header(prompt, thread)["status"] == "completed"
    assert words(prompt, thread)[-1].startswith("You are welcome.")


def test_thanks_in_advance_close_nothing(prompt):
    ada = prompt.as_("ada")
    thread = started(ada)
    write(ada, thread, "I cough. Thank you in advance!")
    assert header(prompt, thread)["status"] == "in-progress"


def test_an_e_consultation_that_asks_for_it_is_rejected_with_the_standard_text(prompt):
    ada = prompt.as_("ada")
    thread = started(ada)

    write(ada, thread, "I cough. Please decline.")

    assert header(prompt, thread)["status"] == "not-done"
    assert header(prompt, thread)["statusReason"] == {"text": STANDARD}
    assert words(prompt, thread) == [STANDARD]


def test_a_conversation_that_was_answered_before_is_stopped(prompt):
    ada = prompt.as_("ada")
    thread = started(ada)
    write(ada, thread)
    write(ada, thread, "please decline")
    assert header(prompt, thread)["status"] == "stopped"


def test_attachments_are_taken_note_of_and_not_answered_otherwise(prompt):
    ada = prompt.as_("ada")
    thread = started(ada)
    made(ada("POST", "/Communication", with_attachment(thread, attached())))
    assert len(words(prompt, thread)) == 1


def test_nothing_is_answered_before_its_time(busy):
    ada = busy.as_("ada")
    thread = started(ada)
    write(ada, thread)

    assert (busy.surgery.catch_up(), words(busy, thread)) == (0, [])
    busy.clock.advance(busy.surgery.delay)
    assert (busy.surgery.catch_up(), len(words(busy, thread))) == (1, 1)
    assert answers(busy, thread)[0]["sent"] == "2027-03-01T14:00:00+01:00"


def test_two_messages_in_a_row_are_both_answered(busy):
    ada = busy.as_("ada")
    thread = started(ada)
    asked = [write(ada, thread, each) for each in ("One.", "Two.")]
    busy.clock.advance(busy.surgery.delay)

    assert busy.surgery.catch_up() == 2
    answered = [each["inResponseTo"][0]["reference"] for each in answers(busy, thread)]
    assert sorted(answered) == sorted(f"Communication/{each['id']}" for each in asked)


def test_a_thread_that_was_closed_meanwhile_is_left_alone(busy):
    ada = busy.as_("ada")
    thread = started(ada)
    write(ada, thread, "One. Please close.")
    write(ada, thread, "Two.")
    busy.clock.advance(busy.surgery.delay)
    busy.surgery.catch_up()

    assert len(words(busy, thread)) <= 2
    assert header(busy, thread)["status"] == "completed"
    assert busy.store.execute("SELECT * FROM waiting") == []


def test_an_answer_is_never_older_than_its_question(prompt):
    ada, ahead = prompt.as_("ada"), "2027-03-01T12:04:00.500+01:00"
    thread = started(ada)
    write(ada, thread, sent=ahead)
    assert answers(prompt, thread)[0]["sent"] == ahead


def test_a_thread_that_has_vanished_is_not_answered(busy):
    ada = busy.as_("ada")
    thread = started(ada)
    write(ada, thread)
    busy.store.delete("Communication", thread.partition("/")[2])
    busy.clock.advance(busy.surgery.delay)

    assert busy.surgery.catch_up() == 1
    assert words(busy, thread) == []


def test_what_the_people_came_with_waits_for_nobody(busy):
    busy.store.put(header_of() | {"id": "old"})
    busy.store.put(from_surgery("Communication/old", "q"))
    busy.clock.advance(busy.surgery.delay)
    assert busy.surgery.catch_up() == 0
