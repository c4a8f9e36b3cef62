"""Test answers on demand: all pending requests, or a named one, with given wording."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from gpcli.sandbox.surgery.answer import AnsweredRequest, AnswerOptions, NothingPending
from tests.sandbox.fhir.portal import enquiry
from tests.sandbox.fhir.request_builders import (
    create_message,
    create_thread,
    created,
    medicine,
    prescription,
    renewal,
    surgery_message,
    thread_header,
)

NO = AnswerOptions(decline=True, text="Not this week.")


@pytest.fixture(autouse=True)
def prescribed(slow_full_portal):
    slow_full_portal.store.put_all([medicine(), prescription()])


@pytest.fixture
def waiting(slow_full_portal):
    """One of each that waits: a booking, an enquiry, a message in a thread and a request."""
    ada = slow_full_portal.sign_in("ada")
    thread = create_thread(ada)
    create_message(ada, thread)
    return {
        "booking": f"Appointment/{ada.book(slow_full_portal.slot(1))['id']}",
        "enquiry": f"Appointment/{created(ada('POST', '/Appointment', enquiry()))['id']}",
        "thread": thread,
        "request": f"Task/{created(ada('POST', '/Task', renewal()))['id']}",
    }


def stored(portal, reference):
    return portal.store.get(*reference.split("/"))


def said(portal, thread):
    present = portal.store.find("Communication", part_of=thread)
    return [each["payload"][0]["contentString"] for each in present[1:]]


def by_reference(answers):
    return sorted(answers, key=lambda each: each.reference)


def test_all_that_waits_is_answered(slow_full_portal, waiting):
    answers = slow_full_portal.surgery.answer()

    assert by_reference(answers) == by_reference(
        [
            AnsweredRequest(waiting["booking"], "booking", "booked"),
            AnsweredRequest(waiting["enquiry"], "booking-enquiry", "booked"),
            AnsweredRequest(waiting["thread"], "e-consultation", "answered"),
            AnsweredRequest(waiting["request"], "prescription-renewal", "renewed"),
        ]
    )
    assert slow_full_portal.surgery.answer() == []


@pytest.mark.parametrize(
    ("name", "kind", "outcome"),
    [
        ("booking", "booking", "booked"),
        ("enquiry", "booking-enquiry", "booked"),
        ("thread", "e-consultation", "answered"),
        ("request", "prescription-renewal", "renewed"),
    ],
)
@pytest.mark.parametrize("by_id", [True, False])
def test_one_is_answered_by_its_id_or_its_reference(
    slow_full_portal, waiting, name, kind, outcome, by_id
):
    reference = waiting[name]
    wanted = reference.partition("/")[2] if by_id else reference

    assert slow_full_portal.surgery.answer(wanted) == [AnsweredRequest(reference, kind, outcome)]
    assert len(slow_full_portal.surgery.answer()) == 3


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("booking", "declined"),
        ("enquiry", "declined"),
        ("thread", "declined"),
        ("request", "refused"),
    ],
)
def test_each_can_be_declined(slow_full_portal, waiting, name, outcome):
    (answer,) = slow_full_portal.surgery.answer(waiting[name], NO)
    assert (answer.reference, answer.outcome) == (waiting[name], outcome)


def test_a_declined_booking_frees_its_time_and_says_why(slow_full_portal, waiting):
    slow_full_portal.surgery.answer(waiting["booking"], NO)

    found = slow_full_portal.store.find("AppointmentResponse", appointment=waiting["booking"])
    assert [(each["participantStatus"], each["comment"]) for each in found] == [
        ("declined", "Not this week.")
    ]
    assert stored(slow_full_portal, waiting["booking"])["status"] == "cancelled"
    assert slow_full_portal.slot(1)["status"] == "free"


def test_a_declined_request_and_thread_say_why(slow_full_portal, waiting):
    slow_full_portal.surgery.answer(waiting["request"], NO)
    slow_full_portal.surgery.answer(waiting["thread"], NO)

    request, thread = (
        stored(slow_full_portal, waiting["request"]),
        stored(slow_full_portal, waiting["thread"]),
    )
    assert (request["status"], request["statusReason"]["text"]) == ("rejected", NO.text)
    assert (thread["status"], thread["statusReason"]["text"]) == ("not-done", NO.text)
    assert said(slow_full_portal, waiting["thread"]) == [NO.text]


def test_the_words_are_the_surgery_s(slow_full_portal, waiting):
    words = AnswerOptions(text="See you then.")
    for reference in waiting.values():
        slow_full_portal.surgery.answer(reference, words)

    responses = slow_full_portal.store.find("AppointmentResponse")
    assert [each["comment"] for each in responses] == ["See you then."] * 2
    assert said(slow_full_portal, waiting["thread"]) == ["See you then."]
    assert stored(slow_full_portal, waiting["request"])["statusReason"]["text"] == "See you then."


@pytest.mark.parametrize("wanted", ["none", "Task/none", "Patient/ada", "rx", "", "Task/"])
def test_what_does_not_wait_is_said_not_to(slow_full_portal, waiting, wanted):
    with pytest.raises(NothingPending, match="waits for an answer"):
        slow_full_portal.surgery.answer(wanted)
    assert len(slow_full_portal.surgery.answer()) == 4


@pytest.mark.parametrize("name", ["booking", "enquiry", "thread", "request"])
def test_what_was_answered_waits_no_more(slow_full_portal, waiting, name):
    slow_full_portal.surgery.answer(waiting[name])
    with pytest.raises(NothingPending):
        slow_full_portal.surgery.answer(waiting[name])


def test_a_thread_goes_by_any_of_its_messages_too(slow_full_portal, waiting):
    (message,) = slow_full_portal.store.find("Communication", part_of=waiting["thread"])
    assert slow_full_portal.surgery.answer(message["id"])[0].reference == waiting["thread"]


def test_one_answer_does_for_all_that_was_written_in_the_thread(slow_full_portal, waiting):
    create_message(slow_full_portal.sign_in("ada"), waiting["thread"], "And a fever.")

    slow_full_portal.surgery.answer(waiting["thread"])

    assert len(said(slow_full_portal, waiting["thread"])) == 2
    assert waiting["thread"] not in [each.reference for each in slow_full_portal.surgery.answer()]


def test_an_empty_thread_waits_for_nothing(slow_full_portal):
    empty = create_thread(slow_full_portal.sign_in("ada"))
    with pytest.raises(NothingPending):
        slow_full_portal.surgery.answer(empty)


def test_what_the_people_came_with_is_answered_when_it_is_named(slow_full_portal):
    mine = thread_header() | {"id": "t", "status": "in-progress"}
    asked = thread_header(partOf=[{"reference": "Communication/t"}], status="completed") | {
        "id": "m"
    }
    payload = {"payload": [{"contentString": "I cough."}]}
    slow_full_portal.store.put_all([renewal() | {"id": "r"}, mine, asked | payload])

    answers = [*slow_full_portal.surgery.answer("r"), *slow_full_portal.surgery.answer("t")]

    assert [(each.reference, each.outcome) for each in answers] == [
        ("Task/r", "renewed"),
        ("Communication/t", "answered"),
    ]


def test_a_thread_whose_last_word_is_the_surgery_s_waits_for_nothing(slow_full_portal):
    thread = create_thread(slow_full_portal.sign_in("ada"))
    slow_full_portal.store.put(surgery_message(thread, "q1"))
    with pytest.raises(NothingPending):
        slow_full_portal.surgery.answer(thread)


def test_of_two_who_answer_at_once_one_does(slow_full_portal, waiting):
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda _: slow_full_portal.surgery.answer(), range(2)))
    assert sorted(map(len, told)) == [0, 4]


def test_an_answer_that_was_given_early_is_not_given_again_when_it_is_due(
    slow_full_portal, waiting
):
    slow_full_portal.surgery.answer()
    slow_full_portal.clock.advance(slow_full_portal.surgery.delay)
    assert slow_full_portal.surgery.answer_due() == 0
