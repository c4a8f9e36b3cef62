"""Having the surgery answer before it is due: all that waits, or one, in the words given."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from gpcli.sandbox.answered import Answered, NothingWaits
from gpcli.sandbox.surgery.reply import Reply
from tests.sandbox.fhir.letters import from_surgery, made, medicine, prescription, renewal, started
from tests.sandbox.fhir.letters import thread as header_of
from tests.sandbox.fhir.letters import written as write
from tests.sandbox.fhir.world import enquiry

NO = Reply(decline=True, text="Not this week.")


@pytest.fixture(autouse=True)
def prescribed(busy):
    busy.store.put_all([medicine(), prescription()])


@pytest.fixture
def waiting(busy):
    """One of each that waits: a booking, an enquiry, a message in a thread and a request."""
    ada = busy.as_("ada")
    thread = started(ada)
    write(ada, thread)
    return {
        "booking": f"Appointment/{ada.booked(busy.slot(1))['id']}",
        "enquiry": f"Appointment/{made(ada('POST', '/Appointment', enquiry()))['id']}",
        "thread": thread,
        "request": f"Task/{made(ada('POST', '/Task', renewal()))['id']}",
    }


def stored(world, reference):
    return world.store.get(*reference.split("/"))


def said(world, thread):
    present = world.store.find("Communication", part_of=thread)
    return [each["payload"][0]["contentString"] for each in present[1:]]


def by_reference(answers):
    return sorted(answers, key=lambda each: each.reference)


def test_all_that_waits_is_answered(busy, waiting):
    answers = busy.surgery.answer()

    assert by_reference(answers) == by_reference(
        [
            Answered(waiting["booking"], "booking", "booked"),
            Answered(waiting["enquiry"], "booking-enquiry", "booked"),
            Answered(waiting["thread"], "e-consultation", "answered"),
            Answered(waiting["request"], "prescription-renewal", "renewed"),
        ]
    )
    assert busy.surgery.answer() == []


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
def test_one_is_answered_by_its_id_or_its_reference(busy, waiting, name, kind, outcome, by_id):
    reference = waiting[name]
    wanted = reference.partition("/")[2] if by_id else reference

    assert busy.surgery.answer(wanted) == [Answered(reference, kind, outcome)]
    assert len(busy.surgery.answer()) == 3


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("booking", "declined"),
        ("enquiry", "declined"),
        ("thread", "declined"),
        ("request", "refused"),
    ],
)
def test_each_can_be_declined(busy, waiting, name, outcome):
    (answer,) = busy.surgery.answer(waiting[name], NO)
    assert (answer.reference, answer.outcome) == (waiting[name], outcome)


def test_a_declined_booking_frees_its_time_and_says_why(busy, waiting):
    busy.surgery.answer(waiting["booking"], NO)

    found = busy.store.find("AppointmentResponse", appointment=waiting["booking"])
    assert [(each["participantStatus"], each["comment"]) for each in found] == [
        ("declined", "Not this week.")
    ]
    assert stored(busy, waiting["booking"])["status"] == "cancelled"
    assert busy.slot(1)["status"] == "free"


def test_a_declined_request_and_thread_say_why(busy, waiting):
    busy.surgery.answer(waiting["request"], NO)
    busy.surgery.answer(waiting["thread"], NO)

    request, thread = stored(busy, waiting["request"]), stored(busy, waiting["thread"])
    assert (request["status"], request["statusReason"]["text"]) == ("rejected", NO.text)
    assert (thread["status"], thread["statusReason"]["text"]) == ("not-done", NO.text)
    assert said(busy, waiting["thread"]) == [NO.text]


def test_the_words_are_the_surgery_s(busy, waiting):
    words = Reply(text="See you then.")
    for reference in waiting.values():
        busy.surgery.answer(reference, words)

    responses = busy.store.find("AppointmentResponse")
    assert [each["comment"] for each in responses] == ["See you then."] * 2
    assert said(busy, waiting["thread"]) == ["See you then."]
    assert stored(busy, waiting["request"])["statusReason"]["text"] == "See you then."


@pytest.mark.parametrize("wanted", ["none", "Task/none", "Patient/ada", "rx", "", "Task/"])
def test_what_does_not_wait_is_said_not_to(busy, waiting, wanted):
    with pytest.raises(NothingWaits, match="waits for an answer"):
        busy.surgery.answer(wanted)
    assert len(busy.surgery.answer()) == 4


@pytest.mark.parametrize("name", ["booking", "enquiry", "thread", "request"])
def test_what_was_answered_waits_no_more(busy, waiting, name):
    busy.surgery.answer(waiting[name])
    with pytest.raises(NothingWaits):
        busy.surgery.answer(waiting[name])


def test_a_thread_goes_by_any_of_its_messages_too(busy, waiting):
    (message,) = busy.store.find("Communication", part_of=waiting["thread"])
    assert busy.surgery.answer(message["id"])[0].reference == waiting["thread"]


def test_one_answer_does_for_all_that_was_written_in_the_thread(busy, waiting):
    write(busy.as_("ada"), waiting["thread"], "And a fever.")

    busy.surgery.answer(waiting["thread"])

    assert len(said(busy, waiting["thread"])) == 2
    assert waiting["thread"] not in [each.reference for each in busy.surgery.answer()]


def test_an_empty_thread_waits_for_nothing(busy):
    empty = started(busy.as_("ada"))
    with pytest.raises(NothingWaits):
        busy.surgery.answer(empty)


def test_what_the_people_came_with_is_answered_when_it_is_named(busy):
    mine = header_of() | {"id": "t", "status": "in-progress"}
    asked = header_of(partOf=[{"reference": "Communication/t"}], status="completed") | {"id": "m"}
    payload = {"payload": [{"contentString": "I cough."}]}
    busy.store.put_all([renewal() | {"id": "r"}, mine, asked | payload])

    answers = [*busy.surgery.answer("r"), *busy.surgery.answer("t")]

    assert [(each.reference, each.outcome) for each in answers] == [
        ("Task/r", "renewed"),
        ("Communication/t", "answered"),
    ]


def test_a_thread_whose_last_word_is_the_surgery_s_waits_for_nothing(busy):
    thread = started(busy.as_("ada"))
    busy.store.put(from_surgery(thread, "q1"))
    with pytest.raises(NothingWaits):
        busy.surgery.answer(thread)


def test_of_two_who_answer_at_once_one_does(busy, waiting):
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda _: busy.surgery.answer(), range(2)))
    assert sorted(map(len, told)) == [0, 4]


def test_an_answer_that_was_given_early_is_not_given_again_when_it_is_due(busy, waiting):
    busy.surgery.answer()
    busy.clock.advance(busy.surgery.delay)
    assert busy.surgery.catch_up() == 0
