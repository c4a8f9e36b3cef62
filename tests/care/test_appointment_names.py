from datetime import datetime

import pytest

from gpcli.care.appointment_names import AppointmentFinder, is_word
from gpcli.care.appointments import COMING_APPOINTMENT
from gpcli.care.econsult import TO_WITHDRAW
from gpcli.care.joining import TO_JOIN
from gpcli.care.move import TO_MOVE
from gpcli.errors import InputNeeded, InvalidUsage, NotFound, NotOffered
from tests.care.builders import (
    NOW,
    OSLO,
    FakePortal,
    ScriptedAsker,
    an_appointment,
    an_enquiry,
    offers,
)

ENQUIRY = an_enquiry("enq-1", subject="Knee")
ENDED = an_appointment("ended", "2026-12-01 08:00", status="fulfilled")
LATER = an_appointment("later", "2026-12-01 14:00", subject="Blood test")
PENDING = an_appointment("pending", "2026-12-02 08:00", status="pending")
FRIDAY = an_appointment("friday-1", "2026-12-04 10:00", practitioner="Dr. Åse Øvrebø")
CALLED_OFF = an_appointment("off", "2026-12-04 12:00", status="cancelled", subject="Wart")
VIDEO = an_appointment("vid-1", "2026-12-09 09:00", service="e-consultation", channel="video")
MONDAY_1 = an_appointment("mon-1", "2026-12-14 09:00")
MONDAY_2 = an_appointment("mon-2", "2026-12-14 13:00")
ALL = [ENQUIRY, ENDED, LATER, PENDING, FRIDAY, CALLED_OFF, VIDEO, MONDAY_1, MONDAY_2]


def find(text, there=ALL, *, now=NOW, answers=(), **how):
    portal = FakePortal(offers(), appointments=there)
    asker = ScriptedAsker([*answers])
    finder = AppointmentFinder(portal, now, asker, lambda each: f"on {each.id}", **how)
    return finder.find(text)


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("next", "later"),
        ("NEXT", "later"),
        ("neste", "later"),
        ("today", "later"),
        ("i dag", "later"),
        ("tomorrow", "pending"),
        ("friday", "friday-1"),
        ("4.12", "friday-1"),
        ("2026-12-09", "vid-1"),
        ("+8d", "vid-1"),
        ("blood", "later"),
        ("ase ovrebo", "friday-1"),
        ("knee", "enq-1"),
        ("fri", "friday-1"),
        ("vid", "vid-1"),
        ("wart", "off"),
        ("ended", "ended"),
        ("off", "off"),
    ],
)
def test_a_day_words_the_next_visit_and_the_beginning_of_an_id_are_found(text, identity):
    assert find(text) == identity


@pytest.mark.parametrize(
    "text", ["", "x", "saturday", "nobody", "next week", "next-week", "next month", "🩺", "今日"]
)
def test_where_nothing_is_nothing_fits(text):
    assert find(text) is None


FLU = an_appointment("f1", "2026-12-03 14:00", service="flu-vaccination", channel="in-person")
CALL = an_appointment("c1", "2026-12-03 08:00", channel="phone", reason="Ear pain\nSince Monday")


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("flu", "f1"),
        ("flu vaccination", "f1"),
        ("phone", "c1"),
        ("in-person", "f1"),
        ("ear", "c1"),
        ("since monday", "c1"),
    ],
)
def test_a_service_a_way_and_the_words_of_a_reason_are_names(text, identity):
    assert find(text, [FLU, CALL]) == identity


def test_a_service_of_several_visits_is_a_question():
    again = an_appointment("f2", "2026-12-10 14:00", service="flu-vaccination")
    with pytest.raises(InputNeeded):
        find("flu", [FLU, again])


def not_found(text, *, there=(FLU, CALL), **how):
    portal = FakePortal(offers(), appointments=there)
    finder = AppointmentFinder(portal, NOW, ScriptedAsker(), str, **how)
    with pytest.raises(NotFound) as none:
        finder.act(text, portal.fetch_appointment)
    return none.value.message


LOOKED_THROUGH = "its subject, its reason, its service, its way or the name of whom it is with."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("video", f"No coming visit has 'video' in {LOOKED_THROUGH}"),
        ("ear ache", f"No coming visit has 'ear ache' in {LOOKED_THROUGH}"),
        ("friday", "No coming visit is on Fri 4 Dec 2026."),
        ("2026-12-04", "No coming visit is on Fri 4 Dec 2026."),
        ("a-4z4rc9cg", "There is no appointment 'a-4z4rc9cg'."),
        ("ab", "There is no appointment 'ab'."),
    ],
)
def test_where_nothing_fits_it_is_said_what_was_looked_for(text, why):
    assert not_found(text) == why


def test_where_the_past_was_looked_through_it_is_said_of_all_visits():
    assert not_found("video", looks_back=True) == f"No visit has 'video' in {LOOKED_THROUGH}"


def test_of_what_may_be_in_writing_only_the_id_is_said_to_be_unknown():
    assert not_found("video", prompt=TO_WITHDRAW) == "There is no appointment 'video'."


def test_a_time_that_is_not_found_for_a_visit_that_is_stays_so():
    def act(identity):
        raise NotFound("There is no time 's-1'.")

    finder = AppointmentFinder(FakePortal(offers(), appointments=[FLU]), NOW, ScriptedAsker(), str)
    with pytest.raises(NotFound, match="There is no time 's-1'"):
        finder.act("flu", act)


def test_a_day_with_several_visits_is_a_question():
    assert find("14.12", answers=["mon-2"]) == "mon-2"
    with pytest.raises(InputNeeded) as needed:
        find("14.12")
    assert needed.value.message == "Several visits fit: mon-1, mon-2."


def test_what_is_both_a_day_and_a_name_is_a_question():
    with_mona = an_appointment("mona", "2026-12-03 10:00", practitioner="Mona Dahl")
    on_monday = an_appointment("mon-3", "2026-12-07 10:00")

    with pytest.raises(InputNeeded) as needed:
        find("mon", [with_mona, on_monday])

    assert needed.value.message == "Several visits fit: mona, mon-3."


def test_what_is_over_does_not_stand_beside_what_is_to_come():
    assert find("friday") == "friday-1"
    assert find("friday", [CALLED_OFF]) == "off"


@pytest.mark.parametrize("there", [[], [ENQUIRY, PENDING, CALLED_OFF, ENDED]])
def test_without_a_confirmed_visit_none_is_next(there):
    with pytest.raises(NotFound) as none:
        find("next", there)

    assert none.value.message == "No visit is booked."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("30.2", "The day '30.2' is not a day: February has at most 29 days."),
        ("2026-13-01", "The day '2026-13-01' is not a day: there is no month 13."),
        ("next friday", "The day 'next friday' may be 4 December 2026 or 11 December 2026."),
        ("3/12", "The day '3/12' may be 3 December or 12 March."),
        ("2099-01-01", "The day '2099-01-01' is more than ten years away."),
    ],
)
def test_what_is_written_like_a_day_and_is_none_is_explained(text, why):
    with pytest.raises(InvalidUsage) as wrong:
        find(text)

    assert wrong.value.message == why


def test_what_looks_like_a_wrong_day_may_be_an_id_or_the_beginning_of_one():
    assert find("30.2", [an_appointment("30.2", None)]) == "30.2"
    assert find("2026-13", [an_appointment("2026-13-7")]) == "2026-13-7"


def test_the_past_is_looked_through_only_where_it_may_be():
    past = an_appointment("past-1", "2026-10-05 08:00", status="fulfilled", subject="Ear")

    assert find("ear", [past, LATER], looks_back=True) == "past-1"
    assert find("2026-10-05", [past, LATER], looks_back=True) == "past-1"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2027, 3, 27, 23, 30, tzinfo=OSLO), "tomorrow"),
        (datetime(2027, 3, 28, 0, 30, tzinfo=OSLO), "today"),
        (datetime(2027, 3, 28, 0, 30, tzinfo=OSLO), "28.3"),
    ],
)
def test_a_day_is_the_surgery_s_also_when_clocks_change(moment, text):
    late = an_appointment("late", "2027-03-28 23:40")
    after = an_appointment("after", "2027-03-29 00:10")

    assert find(text, [late, after], now=moment) == "late"


def test_a_day_of_25_hours_is_one_day():
    now = datetime(2027, 10, 31, 0, 10, tzinfo=OSLO)
    late = an_appointment("late", "2027-10-31 23:50")
    after = an_appointment("after", "2027-11-01 00:00")

    assert find("today", [late, after], now=now) == "late"


@pytest.mark.parametrize(
    ("prompt", "text", "identity"),
    [
        (TO_WITHDRAW, "next", "vid-1"),
        (TO_WITHDRAW, "friday", None),
        (TO_JOIN, "next", "vid-1"),
        (TO_JOIN, "blood", None),
        (TO_MOVE, "next", "later"),
        (COMING_APPOINTMENT, "9.12", "vid-1"),
    ],
)
def test_a_word_stands_for_what_the_command_is_about(prompt, text, identity):
    assert find(text, prompt=prompt) == identity


def test_a_repeat_means_what_the_first_try_meant():
    assert find("next", earlier=lambda: "gone") == "gone"


@pytest.mark.parametrize("text", ["next", "Today", "tomorrow", "i morgen", "friday", "fre"])
def test_words_for_days_are_not_tried_as_ids(text):
    assert is_word(text)


@pytest.mark.parametrize("text", ["a-4z4rc9cg", "9.12", "2026-12-09", "rash", "", "🩺"])
def test_all_else_may_be_an_id(text):
    assert not is_word(text)


@pytest.mark.parametrize(("text", "asked"), [("next", ["later"]), ("blood", ["blood", "later"])])
def test_it_is_acted_on_once_it_is_known(text, asked):
    tried = []

    def act(identity):
        tried.append(identity)
        if identity == "blood":
            raise NotFound("none")
        return identity

    portal = FakePortal(offers(), appointments=ALL)
    finder = AppointmentFinder(portal, NOW, ScriptedAsker(), str)

    assert finder.act(text, act) == "later"
    assert tried == asked


@pytest.mark.parametrize(
    ("there", "asked"), [([], ["enq"]), ([ENQUIRY], ["enq", "enq-1"])], ids=["none", "one"]
)
def test_where_cancelling_is_not_offered_an_enquiry_is_found_by_its_beginning(there, asked):
    tried = []

    def act(identity):
        tried.append(identity)
        if identity == "enq":
            raise NotOffered("Nothing can be cancelled.")
        return identity

    finder = AppointmentFinder(FakePortal(offers(), appointments=there), NOW, ScriptedAsker(), str)

    if there:
        assert finder.act("enq", act) == "enq-1"
    else:
        with pytest.raises(NotOffered):
            finder.act("enq", act)
    assert tried == asked


def test_a_visit_that_is_refused_is_never_taken_for_the_beginning_of_another():
    visit, other = an_appointment("abc"), an_appointment("abcd")
    finder = AppointmentFinder(
        FakePortal(offers(), appointments=[visit, other]), NOW, ScriptedAsker(), str
    )

    def refuse(identity):
        assert identity == "abc"
        raise NotOffered("Nothing can be cancelled.")

    with pytest.raises(NotOffered):
        finder.act("abc", refuse)
