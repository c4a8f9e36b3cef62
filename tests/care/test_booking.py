from dataclasses import replace
from datetime import date

import pytest

from gpcli.care.booking import MAX_CHOICES, propose_booking
from gpcli.care.coming_visits import find_coming
from gpcli.care.confirmation import Agreement, Outcome, confirm_and_send
from gpcli.care.offers import list_services
from gpcli.care.service_request import BookingChoice
from gpcli.errors import (
    AlreadyBooked,
    Conflict,
    ConsentNeeded,
    InputNeeded,
    InvalidUsage,
    NoSlot,
    NotFound,
    NotOffered,
    OffForNow,
    SlotTaken,
    TooLate,
)
from gpcli.model.appointment import Vaccination, Window
from gpcli.model.receipt import WriteResult
from gpcli.model.service import Absence, ConsentLevel, ServiceName
from tests.care.builders import (
    BERG,
    DAHL,
    INTENT,
    NOW,
    ON_BEHALF,
    FakePortal,
    ScriptedAsker,
    a_booking_context,
    a_price,
    a_request,
    a_search,
    a_slot,
    an_appointment,
    an_enquiry,
    an_offer,
    at,
    offers,
)

FLU = ServiceName.FLU_VACCINATION
ENQUIRY = ServiceName.BOOKING_ENQUIRY
AT_DAHL = an_offer(surgery=DAHL)
FLU_OFFER = an_offer(FLU)
BOOKS = offers(an_offer(), FLU_OFFER, prices={"booking": a_price()})
ENQUIRIES = offers(an_offer(ENQUIRY, answer_time="two days"), prices={"booking": a_price()})
TWO = offers(an_offer(), AT_DAHL, surgeries=(BERG, DAHL))
SLOT = a_slot()
FIRST = BookingChoice(first=True)
ASKING = BookingChoice(enquiry=True)


def decide(portal, choice, *, asker=None, search=None, **request):
    return propose_booking(a_booking_context(portal, asker, search), a_request(**request), choice)


def by_id(portal, identity="slot-1", **request):
    return decide(portal, BookingChoice(slot=identity), **request)


def agreed(decision):
    return confirm_and_send(decision, Agreement(yes=True), ScriptedAsker(), lambda _: None)


def refused_by(error, portal, choice, **request):
    """The message and the hint of the refusal; nothing must have been sent."""
    with pytest.raises(error) as refused:
        decide(portal, choice, **request)
    assert portal.sent == []
    return refused.value.message, refused.value.hint


@pytest.mark.parametrize(
    "choice",
    [
        BookingChoice("slot-1", first=True),
        BookingChoice("slot-1", enquiry=True),
        BookingChoice(None, True, True),
    ],
)
def test_a_time_can_be_chosen_in_one_way_only(choice):
    portal = FakePortal(BOOKS, slots=[SLOT])

    message, _ = refused_by(InvalidUsage, portal, choice)

    assert message == "Name a time, or --first, or --enquiry: only one of them."
    assert portal.calls == []


def test_the_plan_of_a_booking_says_what_when_with_whom_for_whom_and_what_it_costs():
    decision = by_id(FakePortal(BOOKS, slots=[SLOT]), reason="Knee")

    assert (decision.action, decision.rows, decision.warnings, decision.charge) == (
        "Book this time",
        (
            ("When", Window(SLOT.start, SLOT.end)),
            ("What", None),
            ("With", "Kari Berg"),
            ("Also", None),
            ("Way", "in-person"),
            ("Where", "Room 2"),
            ("Note", None),
            ("On these times", None),
            ("Surgery", "Kari Berg, Nordby legesenter"),
            ("For", "Ada Nordmann"),
            ("By", None),
            ("Reason", "Knee"),
            ("Price at the visit", a_price()),
        ),
        (),
        None,
    )


@pytest.mark.parametrize(
    ("practitioner", "reference", "surgery"),
    [
        ("Kari Berg", None, "Kari Berg, Nordby legesenter"),
        (None, None, "Kari Berg, Nordby legesenter"),
        ("Nurse Berit", None, "Nordby legesenter"),
        (None, "Practitioner/not-sent", "Nordby legesenter"),
    ],
)
def test_the_gp_is_not_named_in_the_plan_of_a_time_with_somebody_else(
    practitioner, reference, surgery
):
    slot = replace(SLOT, practitioner=practitioner, practitioner_ref=reference)
    assert dict(by_id(FakePortal(BOOKS, slots=[slot])).rows)["Surgery"] == surgery


def test_who_acts_for_somebody_stands_in_the_plan_with_them():
    decision = by_id(FakePortal(BOOKS, slots=[SLOT], parties=ON_BEHALF))

    assert decision.rows[9:11] == (("For", "Ada Nordmann"), ("By", "Guro Holm"))


def test_a_rehearsed_booking_has_the_slots_times_and_no_id():
    decision = by_id(FakePortal(BOOKS, slots=[SLOT]), reason="Knee")

    assert decision.preview == an_appointment(
        None,
        status="proposed",
        channel="in-person",
        practitioner="Kari Berg",
        location="Room 2",
        reason="Knee",
        slot_id="slot-1",
        surgery_id=None,
    )


def test_a_booking_is_sent_once_with_the_slot_the_offer_the_reason_and_the_intent():
    portal = FakePortal(BOOKS, slots=[SLOT])

    outcome = agreed(by_id(portal, reason="Knee"))

    assert portal.sent == [("send_booking", "slot-1", "gp-berg-booking", "Knee", INTENT)]
    assert (outcome.record.id, outcome.record.status, outcome.changed) == ("app-9", "pending", True)


def test_until_the_portal_says_more_the_slots_own_words_stand():
    record = agreed(by_id(FakePortal(BOOKS, slots=[SLOT]))).record

    assert (record.practitioner, record.location) == ("Kari Berg", "Room 2")


def test_deciding_sends_nothing():
    portal = FakePortal(BOOKS, slots=[SLOT])

    by_id(portal)

    assert portal.calls == [("fetch_booking_facts", "slot-1", None)]


@pytest.mark.parametrize(
    ("day", "asked", "hint"),
    [
        ("friday", {}, "gpcli book --from friday --to friday"),
        ("next-week", {}, "gpcli book --from next-week --to next-week"),
        ("i morgen", {}, "gpcli book --from 'i morgen' --to 'i morgen'"),
        ("4.12", {"service": FLU}, "gpcli flu --from 4.12 --to 4.12"),
        ("fri", {"replaces": "app-1"}, "gpcli move app-1 --from fri --to fri"),
        ("30.2", {}, "gpcli slots lists the free times."),
    ],
)
def test_for_a_day_in_place_of_a_time_the_line_that_lists_its_times_is_given(day, asked, hint):
    portal = FakePortal(BOOKS)
    assert refused_by(NotFound, portal, BookingChoice(day), **asked) == (
        f"There is no time '{day}'.",
        hint,
    )


def test_an_unknown_time_is_not_found():
    assert refused_by(NotFound, FakePortal(BOOKS), BookingChoice("slot-x")) == (
        "There is no time 'slot-x'.",
        "gpcli slots lists the free times.",
    )


def test_an_unknown_time_where_booking_needs_consent_asks_for_consent_first():
    portal = FakePortal(offers(an_offer(), consent=ConsentLevel.BASIC))

    _, hint = refused_by(ConsentNeeded, portal, BookingChoice("slot-x"))

    assert hint == "gpcli consent grant"


@pytest.mark.parametrize("identity", ["", "   "])
def test_an_empty_id_is_named_and_the_portal_is_not_asked(identity):
    portal = FakePortal(BOOKS)

    message, _ = refused_by(InputNeeded, portal, BookingChoice(identity))

    assert (message, portal.calls) == ("The time's id is empty.", [])


@pytest.mark.parametrize("start", ["2026-12-01 08:40", "2026-12-01 09:00"])
def test_a_time_that_has_begun_is_too_late(start):
    portal = FakePortal(BOOKS, slots=[a_slot(start)])

    message, _ = refused_by(TooLate, portal, BookingChoice("slot-1"))

    assert message == "That time has begun or is past."


@pytest.mark.parametrize("status", ["busy", "busy-unavailable", "busy-tentative"])
def test_a_time_that_is_not_free_is_taken(status):
    portal = FakePortal(BOOKS, slots=[a_slot(status=status)])

    message, _ = refused_by(SlotTaken, portal, BookingChoice("slot-1"))

    assert message == "The time slot-1 is taken."


def test_a_time_at_another_gp_than_named_is_a_usage_error():
    portal = FakePortal(TWO, slots=[SLOT])

    message, _ = refused_by(InvalidUsage, portal, BookingChoice("slot-1"), gp="Dahl")

    assert message == "slot-1 is not a time at 'Dahl'."


def test_a_time_of_somebody_elses_gp_is_not_booked():
    portal = FakePortal(BOOKS, slots=[a_slot(healthcare_service="theirs", surgery_ids=frozenset())])

    refused_by(NotOffered, portal, BookingChoice("slot-1"))


def test_a_time_at_the_second_gp_is_booked_there():
    portal = FakePortal(TWO, slots=[a_slot(offer=AT_DAHL)])

    agreed(by_id(portal))

    assert portal.sent == [("send_booking", "slot-1", "gp-dahl-booking", None, INTENT)]


def test_a_visit_is_no_flu_vaccination():
    portal = FakePortal(BOOKS, slots=[SLOT])

    message, _ = refused_by(InvalidUsage, portal, BookingChoice("slot-1"), service=FLU)

    assert message == "slot-1 is not a time for flu vaccination."


def test_an_overlap_with_another_booking_is_said():
    beside = an_appointment("app-2", "2026-12-03 08:40")
    across = an_appointment("app-3", "2026-12-03 08:10", service="e-consultation")
    gone = an_appointment("app-4", "2026-12-03 08:20", status="cancelled")
    before = an_appointment("app-5", "2026-12-03 08:00")
    portal = FakePortal(BOOKS, slots=[SLOT], appointments=[before, across, gone, beside])

    assert by_id(portal, another=True).warnings == (
        "It overlaps your booking app-3: Thu 3 Dec 2026 08:10.",
    )


@pytest.mark.parametrize(
    ("there", "warning"),
    [
        (an_appointment("app-2", "2026-12-20 10:00"), "already: Sun 20 Dec 2026 10:00."),
        (an_enquiry("app-2"), "already: app-2, without a time yet."),
        (
            an_appointment("app-2", "2026-12-03 08:10"),
            "It overlaps your booking app-2: Thu 3 Dec 2026 08:10.",
        ),
    ],
)
def test_a_named_time_beside_a_coming_one_is_warned_of_once(there, warning):
    portal = FakePortal(BOOKS, slots=[SLOT], appointments=[there])

    (said,) = by_id(portal).warnings
    assert said.removeprefix("You have one ") == warning


@pytest.mark.parametrize("asked", [{"another": True}, {"replaces": "app-9"}])
def test_who_asked_for_another_or_moves_one_is_not_warned(asked):
    there = an_appointment("app-2", "2026-12-20 10:00")

    assert by_id(FakePortal(BOOKS, slots=[SLOT], appointments=[there]), **asked).warnings == ()


def test_a_flu_time_beside_a_visit_is_not_warned_of():
    there = an_appointment("app-2", "2026-12-20 10:00", service="flu-vaccination")

    assert by_id(FakePortal(BOOKS, slots=[SLOT], appointments=[there])).warnings == ()


def test_a_flu_time_warns_of_a_vaccination_this_season_and_of_the_portals_own_page():
    linked = replace(FLU_OFFER, deep_link="https://flu.example/book")
    portal = FakePortal(
        offers(linked),
        slots=[a_slot(offer=linked)],
        vaccinations=(Vaccination("Flu", "2026-10-02"),),
    )

    decision = by_id(portal, service=FLU)

    assert (decision.action, decision.warnings) == (
        "Book this time for flu vaccination",
        (
            "The record shows a flu vaccination this season already.",
            "The portal books this at https://flu.example/book.",
        ),
    )


def test_a_visit_does_not_ask_for_vaccinations():
    portal = FakePortal(BOOKS, slots=[SLOT])

    by_id(portal)

    assert ("fetch_vaccinations",) not in portal.calls


def test_the_first_time_that_fits_is_taken():
    free = [a_slot("2026-12-02 08:00", "wed"), a_slot("2026-12-03 08:00", "thu")]
    portal = FakePortal(BOOKS, slots=free)

    agreed(decide(portal, FIRST, search=a_search(weekdays=("thu",))))

    assert portal.calls == [
        ("fetch_booking_facts", None, None),
        ("fetch_slots", ("gp-berg-booking",), date(2026, 12, 1), date(2026, 12, 29)),
        ("send_booking", "thu", "gp-berg-booking", None, INTENT),
    ]


def test_the_first_time_leaves_the_notice_asked_for():
    free = [a_slot("2026-12-01 10:59", "soon"), a_slot("2026-12-01 11:00", "later")]
    portal = FakePortal(BOOKS, slots=free)

    decision = decide(portal, FIRST, search=a_search(notice="2h"))

    assert decision.preview.slot_id == "later"


def test_no_time_that_fits_says_what_was_searched_and_what_the_filters_removed():
    portal = FakePortal(BOOKS, slots=[SLOT])

    assert refused_by(NoSlot, portal, FIRST, search=a_search(weekdays=("fri",))) == (
        "No free time at Kari Berg, Nordby legesenter from Tue 1 Dec 2026 to Tue 29 Dec 2026 "
        "fits: 1 free, all left out (1 by --weekday).",
        f"Widen --from, --to or the filters. Call the surgery instead: {BERG.phone}.",
    )


@pytest.mark.parametrize(
    ("there", "what"),
    [
        (an_appointment("app-2", "2026-12-20 10:00"), "a coming booking"),
        (an_appointment("app-2", "2026-12-20 10:00", status="pending"), "a coming booking"),
        (an_appointment("app-2", "2026-12-20 10:00", service=None), "a coming booking"),
        (an_appointment("app-2", "2026-12-20 10:00", surgery_id=None), "a coming booking"),
        (an_enquiry("app-2"), "an open enquiry"),
    ],
)
def test_the_first_time_is_not_taken_twice(there, what):
    portal = FakePortal(BOOKS, slots=[SLOT], appointments=[there])

    assert refused_by(AlreadyBooked, portal, FIRST) == (
        f"There is already {what} for this: app-2.",
        "gpcli appointments show app-2; to book one more, add --another.",
    )


@pytest.mark.parametrize(
    "there",
    [
        an_appointment("app-2", "2026-12-20 10:00", status="cancelled"),
        an_appointment("app-2", "2026-12-20 10:00", service="flu-vaccination"),
        an_appointment("app-2", "2026-12-20 10:00", service="e-consultation"),
        an_appointment("app-2", "2026-12-20 10:00", surgery_id="gp-dahl"),
        an_appointment("app-2", "2026-12-01 08:00"),
        an_appointment("app-2", "2026-12-01 09:00"),
    ],
)
def test_what_is_over_elsewhere_or_for_something_else_does_not_stand_in_the_way(there):
    portal = FakePortal(BOOKS, slots=[SLOT], appointments=[there])

    assert decide(portal, FIRST).preview.slot_id == "slot-1"


def test_another_one_is_booked_when_asked_for():
    portal = FakePortal(
        BOOKS, slots=[SLOT], appointments=[an_appointment("app-2", "2026-12-20 10:00")]
    )

    assert decide(portal, FIRST, another=True).preview.slot_id == "slot-1"


def test_a_flu_booking_stands_in_the_way_of_a_second_one_only():
    portal = FakePortal(
        BOOKS,
        slots=[SLOT, a_slot("2026-12-04 08:00", "flu-1", FLU_OFFER)],
        appointments=[an_appointment("app-2", "2026-12-20 10:00", service="flu-vaccination")],
    )

    refused_by(AlreadyBooked, portal, FIRST, service=FLU)
    assert decide(portal, FIRST).preview.slot_id == "slot-1"


def test_a_time_named_by_its_id_may_be_a_second_one():
    portal = FakePortal(
        BOOKS, slots=[SLOT], appointments=[an_appointment("app-2", "2026-12-20 10:00")]
    )

    assert by_id(portal).preview.slot_id == "slot-1"


def test_what_is_coming_for_the_same_is_the_first_that_counts():
    service = next(service for service in list_services(BOOKS, NOW) if service.service == "booking")
    late, later = an_appointment("a", "2026-12-20 10:00"), an_appointment("b", "2026-12-21 10:00")

    assert find_coming([an_appointment("x", "2026-11-30 10:00"), late, later], service, NOW) == late


def test_between_two_gps_and_nobody_to_ask_the_first_time_needs_a_gp():
    portal = FakePortal(TWO, slots=[SLOT])

    message, _ = refused_by(InputNeeded, portal, FIRST)

    assert "Kari Berg" in message
    assert "Per Dahl" in message


def test_the_named_gps_times_are_searched():
    portal = FakePortal(TWO, slots=[SLOT, a_slot("2026-12-04 08:00", "dahls", AT_DAHL)])

    assert decide(portal, FIRST, gp="Dahl").preview.slot_id == "dahls"


def test_a_time_is_picked_from_a_list():
    asker = ScriptedAsker(["thu"])
    free = [a_slot("2026-12-02 08:00", "wed"), a_slot("2026-12-03 08:00", "thu")]

    decision = decide(FakePortal(BOOKS, slots=free), BookingChoice(), asker=asker)

    assert decision.preview.slot_id == "thu"
    assert asker.questions == [
        ("Which time?", "--first", (("wed", "time wed"), ("thu", "time thu")))
    ]


def test_who_picks_a_time_sees_what_they_do_and_may_have_two():
    there = [an_appointment("app-2", "2026-12-20 10:00")]

    decision = decide(
        FakePortal(BOOKS, slots=[SLOT], appointments=there),
        BookingChoice(),
        asker=ScriptedAsker(["slot-1"]),
    )

    assert decision.preview.slot_id == "slot-1"


def test_the_list_to_pick_from_is_short():
    asker = ScriptedAsker(["slot-2"])
    free = [a_slot(identity=f"slot-{number}") for number in range(MAX_CHOICES + 1)]

    decide(FakePortal(BOOKS, slots=free), BookingChoice(), asker=asker)

    ((question, _, choices),) = asker.questions
    assert (question, len(choices)) == ("Which of the first 200 times?", MAX_CHOICES)


def test_with_nothing_to_pick_from_nobody_is_asked():
    asker = ScriptedAsker(["slot-1"])

    refused_by(NoSlot, FakePortal(BOOKS), BookingChoice(), asker=asker)

    assert asker.questions == []


def test_without_a_choice_and_nobody_to_ask_the_ways_to_choose_are_named():
    assert refused_by(InputNeeded, FakePortal(BOOKS, slots=[SLOT]), BookingChoice()) == (
        "Which time?",
        "Give its id (gpcli slots lists them), or --first.",
    )


@pytest.mark.parametrize("choice", [FIRST, BookingChoice()])
def test_a_gp_who_takes_enquiries_only_points_there(choice):
    assert refused_by(NotOffered, FakePortal(ENQUIRIES), choice) == (
        "Kari Berg, Nordby legesenter does not offer booking of times online. It takes enquiries.",
        "gpcli book --enquiry",
    )


def test_a_gp_who_takes_nothing_does_not_point_to_the_other_gps_enquiries():
    known = offers(an_offer(ENQUIRY), surgeries=(BERG, DAHL))

    assert refused_by(NotOffered, FakePortal(known), FIRST, gp="Dahl") == (
        "Per Dahl, Sydby legekontor does not offer booking of times online.",
        "Call the surgery instead: +47 21 00 00 02.",
    )


def test_flu_is_not_pointed_to_enquiries():
    _, hint = refused_by(NotOffered, FakePortal(ENQUIRIES), FIRST, service=FLU)

    assert hint == "Call the surgery instead: +47 21 00 00 01."


def test_an_enquiry_asks_for_the_requested_periods():
    portal = FakePortal(ENQUIRIES)
    wished = Window(at("2026-12-02 08:00"), at("2026-12-02 10:00"))
    search = a_search(first="tomorrow", last="tomorrow", between="08:00-10:00")

    decision = decide(portal, ASKING, search=search, reason="Knee")
    outcome = agreed(decision)

    assert (decision.action, decision.rows) == (
        "Ask the surgery for a time",
        (
            ("Surgery", "Kari Berg, Nordby legesenter"),
            ("For", "Ada Nordmann"),
            ("By", None),
            ("Wished", wished),
            ("Reason", "Knee"),
            ("Answer", "two days"),
            ("Price at a visit", a_price()),
        ),
    )
    assert decision.preview == an_enquiry(
        None, practitioner="Kari Berg", requested=(wished,), reason="Knee", surgery_id=None
    )
    assert portal.sent == [("send_enquiry", "gp-berg-booking-enquiry", (wished,), "Knee", INTENT)]
    assert outcome == Outcome(an_enquiry("enq-9", requested=(wished,), reason="Knee"), changed=True)


ASKING_WHY = replace(ASKING, asks_reason=True)


@pytest.mark.parametrize(("answer", "reason"), [("Knee", "Knee"), ("", None)])
def test_a_person_is_asked_what_an_enquiry_is_about_and_may_leave_it_out(answer, reason):
    asker = ScriptedAsker([answer])
    decision = decide(FakePortal(ENQUIRIES), ASKING_WHY, asker=asker)
    assert (dict(decision.rows)["Reason"], decision.preview.reason) == (reason, reason)
    assert asker.questions == [("What is it about?", "--reason")]


@pytest.mark.parametrize(
    ("choice", "answers", "reason"),
    [(ASKING_WHY, ["unused"], "Knee"), (ASKING, ["unused"], None), (ASKING_WHY, [], None)],
)
def test_nobody_is_asked_for_a_reason_that_is_given_or_in_a_script(choice, answers, reason):
    asker = ScriptedAsker(answers)
    decision = decide(FakePortal(ENQUIRIES), choice, asker=asker, reason=reason)
    assert (dict(decision.rows)["Reason"], asker.questions) == (reason, [])


@pytest.mark.parametrize(
    "portal", [FakePortal(BOOKS), FakePortal(ENQUIRIES, appointments=[an_enquiry()])]
)
def test_nobody_is_asked_for_the_reason_of_an_enquiry_that_can_not_be_sent(portal):
    asker = ScriptedAsker(["unused"])
    with pytest.raises((NotOffered, AlreadyBooked)):
        decide(portal, ASKING_WHY, asker=asker)
    assert asker.questions == []


def test_an_enquiry_that_was_sent_is_not_asked_about_again():
    earlier, asker = an_enquiry("enq-7", reason="Knee"), ScriptedAsker(["unused"])
    portal = FakePortal(ENQUIRIES, earlier=earlier)
    assert decide(portal, ASKING_WHY, asker=asker, repeated=True) == Outcome(earlier, changed=False)
    assert asker.questions == []


def test_an_enquiry_leaves_out_the_periods_that_are_over():
    search = a_search(last="tomorrow", between="07:00-08:00")

    decision = decide(FakePortal(ENQUIRIES), ASKING, search=search)

    assert decision.preview.requested == (Window(at("2026-12-02 07:00"), at("2026-12-02 08:00")),)


def test_an_enquiry_for_the_past_is_refused():
    search = a_search(last="today", between="07:00-08:00")

    assert refused_by(InvalidUsage, FakePortal(ENQUIRIES), ASKING, search=search) == (
        "All of the wished time is past.",
        "Give a later --from or --to.",
    )


@pytest.mark.parametrize("filters", [{"practitioner": "Berg"}, {"channel": "video"}])
def test_an_enquiry_says_so_when_it_cannot_carry_a_filter(filters):
    assert refused_by(InvalidUsage, FakePortal(ENQUIRIES), ASKING, search=a_search(**filters)) == (
        "--enquiry takes no --with or --via.",
        "Say it in --reason.",
    )


def test_a_second_enquiry_is_not_sent_while_one_is_open():
    message, _ = refused_by(
        AlreadyBooked, FakePortal(ENQUIRIES, appointments=[an_enquiry()]), ASKING
    )

    assert message == "There is already an open enquiry for this: enq-1."


@pytest.mark.parametrize(
    ("there", "another"),
    [
        (an_enquiry(), True),
        (an_enquiry(status="cancelled"), False),
        (an_appointment("app-2", "2026-12-20 10:00"), False),
    ],
)
def test_an_enquiry_is_sent_beside_a_booking_or_when_another_is_asked_for(there, another):
    portal = FakePortal(ENQUIRIES, appointments=[there])

    assert decide(portal, ASKING, another=another).action == "Ask the surgery for a time"


def test_an_enquiry_at_a_gp_who_takes_none_is_refused():
    message, _ = refused_by(NotOffered, FakePortal(BOOKS), ASKING)

    assert message == "Kari Berg, Nordby legesenter does not offer booking enquiries online."


def test_an_enquiry_while_the_gp_is_off_says_so():
    off = offers(an_offer(ENQUIRY, absences=(Absence("Leave", None, None),)))

    refused_by(OffForNow, FakePortal(off), ASKING)


MADE = an_appointment("app-7", slot_id="slot-1", status="pending", reason="Knee")
ASKED = an_enquiry("enq-7", reason="Knee")
ANSWERED = an_appointment("enq-7", service="booking-enquiry", reason="Knee", slot_id="slot-5")


@pytest.mark.parametrize(
    ("earlier", "choice"),
    [
        (MADE, BookingChoice("slot-1")),
        (replace(MADE, status="fulfilled"), BookingChoice("slot-1")),
        (MADE, FIRST),
        (replace(MADE, service=None), FIRST),
        (ASKED, ASKING),
        (ANSWERED, ASKING),
    ],
)
def test_the_same_request_again_is_done_already(earlier, choice):
    portal = FakePortal(BOOKS, slots=[SLOT], earlier=earlier)

    decision = decide(portal, choice, repeated=True, reason="Knee")

    assert decision == Outcome(earlier, changed=False)
    assert portal.calls == [("fetch_booking_facts", choice.slot, INTENT)]


@pytest.mark.parametrize(
    ("earlier", "choice", "reason"),
    [
        (MADE, BookingChoice("slot-2"), "Knee"),
        (MADE, BookingChoice("slot-1"), "Elbow"),
        (MADE, BookingChoice("slot-1"), None),
        (MADE, ASKING, "Knee"),
        (ASKED, FIRST, "Knee"),
        (ANSWERED, FIRST, "Knee"),
        (ASKED, BookingChoice("slot-1"), "Knee"),
        (replace(MADE, service="flu-vaccination"), FIRST, "Knee"),
    ],
)
def test_the_same_request_id_for_something_else_is_a_conflict(earlier, choice, reason):
    portal = FakePortal(BOOKS, slots=[SLOT], earlier=earlier)

    assert refused_by(Conflict, portal, choice, repeated=True, reason=reason) == (
        f"This --request-id was used for something else: {earlier.id}.",
        "Use a new --request-id for a new request.",
    )


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
@pytest.mark.parametrize(("earlier", "choice"), [(MADE, BookingChoice("slot-1")), (ASKED, ASKING)])
def test_the_same_request_again_is_no_booking_where_that_one_was_undone(earlier, choice, status):
    portal = FakePortal(BOOKS, slots=[SLOT], earlier=replace(earlier, status=status))

    assert refused_by(Conflict, portal, choice, repeated=True, reason="Knee") == (
        f"This --request-id was used before: {earlier.id} is {status} now.",
        "Use a new --request-id for a new request.",
    )
    assert portal.sent == []


@pytest.mark.parametrize("status", ["free", "busy"])
@pytest.mark.parametrize("another", [True, False])
def test_a_time_that_one_has_is_not_booked_again_whatever_the_portal_shows(status, another):
    portal = FakePortal(BOOKS, slots=[a_slot(status=status)], appointments=[MADE])

    assert refused_by(SlotTaken, portal, BookingChoice("slot-1"), another=another) == (
        "The time slot-1 is taken, by your own booking app-7.",
        "gpcli appointments show app-7",
    )


def test_a_time_that_one_had_can_be_booked_anew():
    portal = FakePortal(BOOKS, slots=[SLOT], appointments=[replace(MADE, status="cancelled")])

    assert by_id(portal).preview.slot_id == "slot-1"


def test_the_first_time_is_one_that_the_person_has_not_got_yet():
    free = [SLOT, a_slot("2026-12-04 08:00", "slot-2")]
    portal = FakePortal(BOOKS, slots=free, appointments=[MADE])

    assert decide(portal, FIRST, another=True).preview.slot_id == "slot-2"


def test_the_same_request_again_counts_though_the_time_is_taken_by_itself_now():
    taken = a_slot(status="busy")
    portal = FakePortal(BOOKS, slots=[taken], appointments=[MADE], earlier=MADE)

    assert by_id(portal, repeated=True, reason=" Knee ") == Outcome(MADE, changed=False)


def test_without_a_request_id_no_earlier_try_is_looked_for():
    portal = FakePortal(BOOKS, slots=[SLOT], earlier=MADE)

    assert by_id(portal).preview.slot_id == "slot-1"


class Overtaken(FakePortal):
    """The same request has taken another time since its facts were fetched."""

    def send_booking(self, slot, offer, reason, intent):
        return WriteResult(an_appointment("app-1", slot_id="another"), False)


def test_the_first_time_is_the_one_that_the_same_request_has_taken_meanwhile():
    sent = agreed(decide(Overtaken(BOOKS, slots=[SLOT]), BookingChoice(first=True)))
    assert (sent.record.slot_id, sent.changed) == ("another", False)


def test_a_named_time_is_a_conflict_where_the_same_request_has_taken_another_meanwhile():
    decision = by_id(Overtaken(BOOKS, slots=[SLOT]))
    with pytest.raises(Conflict, match="used for something else: app-1"):
        agreed(decision)
