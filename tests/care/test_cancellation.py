from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gpcli.care.appointments import late_cancellation_charge, propose_cancellation
from gpcli.care.confirmation import Agreement, Charge, Outcome, confirm_and_send
from gpcli.errors import (
    AlreadyAnswered,
    ConsentNeeded,
    FeeNotAccepted,
    NotFound,
    NotOffered,
    OffForNow,
    TooLate,
)
from gpcli.model.appointment import Window
from gpcli.model.service import Absence, ConsentLevel, PriceRule, ServiceName
from tests.care.builders import (
    BERG,
    DAHL,
    INTENT,
    NOW,
    ON_BEHALF,
    FakePortal,
    ScriptedAsker,
    a_price,
    an_appointment,
    an_enquiry,
    an_offer,
    at,
    offers,
)

CANCEL = ServiceName.CANCELLATION
UNTIL = at("2026-12-02 08:20")
BOOKED = an_appointment(cancel_until=UNTIL, practitioner="Kari Berg")
CAN = offers(an_offer(CANCEL), prices={"late-cancellation": a_price("200", "310")})


def portal_with(*there, known=CAN, **changes):
    return FakePortal(known, appointments=there, **changes)


def decide(portal, identity="app-1", now=NOW):
    return propose_cancellation(portal, identity, INTENT, lambda: now)


def refused_by(error, portal, **asked):
    """The message and the hint of the refusal; nothing must have been sent."""
    with pytest.raises(error) as refused:
        decide(portal, **asked)
    assert portal.sent == []
    return refused.value.message, refused.value.hint


def test_the_plan_says_which_booking_until_when_it_is_free_and_for_whom():
    decision = decide(portal_with(BOOKED))

    assert (
        decision.action,
        decision.rows,
        decision.charge,
        decision.warnings,
        decision.preview,
    ) == (
        "Cancel this booking",
        (
            ("Booking", "app-1"),
            ("When", Window(BOOKED.start, BOOKED.end)),
            ("Service", None),
            ("Way", None),
            ("Subject", None),
            ("Reason", None),
            ("With", "Kari Berg"),
            ("Surgery", "Nordby legesenter"),
            ("For", "Ada Nordmann"),
            ("By", None),
            ("Free of charge until", UNTIL),
            ("Fee for cancelling late", None),
        ),
        None,
        (),
        BOOKED,
    )


@pytest.mark.parametrize(
    ("visit", "said"),
    [
        (
            an_appointment(service="flu-vaccination", channel="in-person"),
            {"Service": "flu-vaccination", "Way": "in-person"},
        ),
        (
            an_appointment(channel="video", reason="Ear pain\nSince Monday"),
            {"Way": "video", "Reason": "Ear pain"},
        ),
        (an_appointment(subject="Ear", reason="It hurts"), {"Subject": "Ear"}),
        (an_enquiry("app-1", reason="Ear pain"), {"Reason": "Ear pain"}),
        (
            an_enquiry("app-1", service="e-consultation", subject="Ear", reason="It hurts"),
            {"Subject": "Ear"},
        ),
    ],
)
def test_the_plan_says_what_is_cancelled(visit, said):
    rows = dict(decide(portal_with(visit)).rows)

    told = {label: rows[label] for label in ("Service", "Way", "Subject", "Reason") if rows[label]}
    assert told == said


def test_who_acts_for_somebody_stands_in_the_plan():
    decision = decide(portal_with(BOOKED, parties=ON_BEHALF))

    assert ("By", "Guro Holm") in decision.rows


def test_a_cancellation_is_sent_once_and_keeps_the_names_that_were_read():
    portal = portal_with(BOOKED)

    outcome = confirm_and_send(decide(portal), Agreement(yes=True), ScriptedAsker(), lambda _: None)

    assert outcome == Outcome(replace(BOOKED, status="cancelled"), changed=True)
    assert portal.calls == [
        ("fetch_cancellation_facts", "app-1"),
        ("send_cancellation", "app-1", INTENT),
    ]


def test_what_somebody_else_cancelled_meanwhile_is_told_as_unchanged():
    portal = portal_with(BOOKED, unchanged=True)

    outcome = confirm_and_send(decide(portal), Agreement(yes=True), ScriptedAsker(), lambda _: None)

    assert outcome == Outcome(replace(BOOKED, status="cancelled"), changed=False)


@pytest.mark.parametrize("known", [CAN, offers()])
def test_what_is_cancelled_already_is_done_whatever_the_gp_offers(known):
    there = replace(BOOKED, status="cancelled")
    portal = portal_with(there, known=known)

    assert decide(portal) == Outcome(there, changed=False)
    assert portal.sent == []


def test_an_unknown_appointment_is_not_found():
    assert refused_by(NotFound, portal_with(BOOKED), identity="app-x") == (
        "There is no appointment 'app-x'.",
        "gpcli appointments list shows yours.",
    )


def test_an_unknown_appointment_where_cancelling_is_not_offered_says_that_first():
    refused_by(NotOffered, portal_with(known=offers()), identity="app-x")


def test_what_was_entered_in_error_can_not_be_cancelled_and_is_not_called_past():
    in_error = portal_with(replace(BOOKED, status="entered-in-error"))
    assert refused_by(AlreadyAnswered, in_error)[0] == (
        "app-1 was entered in error: there is nothing to cancel."
    )


@pytest.mark.parametrize("status", ["fulfilled", "noshow"])
def test_what_is_over_can_not_be_cancelled(status):
    assert refused_by(TooLate, portal_with(replace(BOOKED, status=status))) == (
        "app-1 has begun or is past; it can't be cancelled.",
        "gpcli appointments list shows what is to come.",
    )


@pytest.mark.parametrize("since", [timedelta(0), timedelta(minutes=5), timedelta(days=2)])
def test_what_has_begun_can_not_be_cancelled(since):
    refused_by(TooLate, portal_with(BOOKED), now=BOOKED.start + since)


@pytest.mark.parametrize("before", [timedelta(0), timedelta(seconds=1), timedelta(days=1)])
def test_cancelling_is_free_up_to_and_with_the_deadline(before):
    assert decide(portal_with(BOOKED), now=UNTIL - before).charge is None


@pytest.mark.parametrize("price", [a_price("200", "310"), None])
def test_cancelling_after_the_deadline_costs_what_the_portal_says_or_an_unknown_amount(price):
    known = offers(an_offer(CANCEL), prices={"late-cancellation": price} if price else {})

    decision = decide(portal_with(BOOKED, known=known), now=UNTIL + timedelta(seconds=1))

    assert decision.charge == Charge("Cancelling this late", price, UNTIL)
    assert decision.rows[-1] == ("Fee for cancelling late", price or "unknown")


def test_what_late_cancelling_costs_at_another_surgery_is_not_what_it_costs_at_the_gps():
    ours = PriceRule("late-cancellation", a_price(), frozenset({"Organization/ours"}))
    surgery = replace(BERG, references=ours.owners)
    known = replace(offers(an_offer(CANCEL), surgeries=(surgery,)), prices=(ours,))

    at_ours, elsewhere = (
        late_cancellation_charge(replace(BOOKED, surgery_id=each), known, UNTIL + timedelta(1))
        for each in (BERG.id, "other")
    )

    assert at_ours == Charge("Cancelling this late", a_price(), UNTIL)
    assert elsewhere == Charge("Cancelling this late", None, UNTIL)


@pytest.mark.parametrize("late", ["charged", None, "some-new-code"])
def test_late_cancelling_costs_unless_the_surgery_refuses_it(late):
    known = offers(an_offer(CANCEL, late_cancelling=late))

    decision = decide(portal_with(BOOKED, known=known), now=UNTIL + timedelta(hours=1))

    assert decision.charge == Charge("Cancelling this late", None, UNTIL)


def test_a_surgery_that_refuses_late_cancelling_gives_the_deadline_and_its_number():
    known = offers(an_offer(CANCEL, late_cancelling="refused"))

    assert refused_by(
        TooLate, portal_with(BOOKED, known=known), now=UNTIL + timedelta(seconds=1)
    ) == (
        "Kari Berg, Nordby legesenter took cancellations of this time until Wed 2 Dec 2026 08:20.",
        "Call the surgery: +47 21 00 00 01.",
    )


def test_the_deadline_is_worded_by_the_surgerys_clock():
    known = offers(an_offer(CANCEL, late_cancelling="refused"))
    there = replace(BOOKED, cancel_until=datetime(2026, 12, 1, 7, 0, tzinfo=UTC))

    message, _ = refused_by(TooLate, portal_with(there, known=known))

    assert message.endswith("until Tue 1 Dec 2026 08:00.")


def test_a_surgery_that_refuses_late_cancelling_takes_it_in_time():
    known = offers(an_offer(CANCEL, late_cancelling="refused"))

    assert decide(portal_with(BOOKED, known=known), now=UNTIL).charge is None


def test_where_the_portal_names_no_deadline_none_is_made_up():
    there = replace(BOOKED, cancel_until=None)

    decision = decide(portal_with(there), now=there.start - timedelta(minutes=1))

    assert (decision.charge, dict(decision.rows)["Free of charge until"]) == (None, None)


@pytest.mark.parametrize(
    "known",
    [
        offers(),
        offers(an_offer(CANCEL, absences=(Absence("Leave", None, None),))),
        offers(an_offer(CANCEL), permitted=()),
        offers(surgeries=()),
    ],
)
def test_an_enquiry_that_waits_can_always_be_withdrawn(known):
    portal = portal_with(an_enquiry(), known=known)

    decision = decide(portal, "enq-1")

    assert (decision.action, decision.charge) == ("Withdraw this enquiry", None)
    (wished,) = an_enquiry().requested
    assert decision.rows[:3] == (("Enquiry", "enq-1"), ("When", None), ("Wished", wished))


def test_a_booking_without_a_time_is_no_enquiry():
    there = an_appointment(start=None, status="booked")

    refused_by(NotOffered, portal_with(there, known=offers()))


def test_a_booking_that_the_surgery_has_not_confirmed_is_cancelled_like_another():
    pending = replace(BOOKED, status="pending")

    assert decide(portal_with(pending)).action == "Cancel this booking"


def test_where_the_gp_takes_no_cancelling_the_number_to_call_is_given():
    assert refused_by(NotOffered, portal_with(BOOKED, known=offers())) == (
        "Kari Berg, Nordby legesenter does not offer cancelling online.",
        "Call the surgery instead: +47 21 00 00 01.",
    )


@pytest.mark.parametrize(
    ("known", "error"),
    [
        (offers(an_offer(CANCEL, absences=(Absence(None, None, None),))), OffForNow),
        (offers(an_offer(CANCEL), consent=ConsentLevel.BASIC), ConsentNeeded),
    ],
)
def test_each_other_reason_has_its_error(known, error):
    refused_by(error, portal_with(BOOKED, known=known))


def test_cancelling_is_offered_without_booking():
    assert decide(portal_with(BOOKED, known=offers(an_offer(CANCEL)))).action == (
        "Cancel this booking"
    )


def test_a_booking_at_the_gp_who_takes_no_cancelling_is_not_cancelled_through_the_other():
    known = offers(an_offer(CANCEL, DAHL), surgeries=(BERG, DAHL))

    assert refused_by(NotOffered, portal_with(BOOKED, known=known)) == (
        "Kari Berg, Nordby legesenter does not offer cancelling online.",
        "Call the surgery instead: +47 21 00 00 01.",
    )


def test_a_booking_that_names_no_gp_is_cancelled_where_any_takes_it():
    known = offers(an_offer(CANCEL, DAHL), surgeries=(BERG, DAHL))
    there = replace(BOOKED, surgery_id=None)

    assert decide(portal_with(there, known=known)).action == "Cancel this booking"


def test_a_deadline_that_passes_while_a_person_decides_stops_it():
    clock = iter([at("2026-12-02 08:20"), at("2026-12-02 08:21")])
    portal = portal_with(BOOKED)
    decision = propose_cancellation(portal, "app-1", INTENT, lambda: next(clock))

    with pytest.raises(FeeNotAccepted) as refused:
        confirm_and_send(decision, Agreement(), ScriptedAsker([True]), lambda _: None)

    assert (refused.value.message, refused.value.hint, portal.sent) == (
        "The time for cancelling free of charge has passed meanwhile. Nothing was sent.",
        "Run it again to see what it costs now.",
        [],
    )


def test_a_deadline_that_passes_where_late_is_refused_stops_it_too():
    refusing = offers(an_offer(CANCEL, late_cancelling="refused"))
    clock = iter([at("2026-12-02 08:20"), at("2026-12-02 08:21")])
    portal = portal_with(BOOKED, known=refusing)
    decision = propose_cancellation(portal, "app-1", INTENT, lambda: next(clock))

    with pytest.raises(TooLate):
        confirm_and_send(decision, Agreement(), ScriptedAsker([True]), lambda _: None)
    assert portal.sent == []


def test_a_fee_that_rises_while_a_person_decides_stops_it():
    late = at("2026-12-02 09:00")
    portal = portal_with(BOOKED)
    decision = propose_cancellation(portal, "app-1", INTENT, lambda: late)
    portal.offered = offers(an_offer(CANCEL), prices={"late-cancellation": a_price("200", "311")})

    with pytest.raises(FeeNotAccepted, match="cancelling this late costs up to NOK 311 now"):
        confirm_and_send(decision, Agreement(), ScriptedAsker([True]), lambda _: None)
    assert portal.sent == []


def test_what_somebody_else_cancelled_meanwhile_is_cancelled():
    portal = portal_with(BOOKED, unchanged=True)
    decision = decide(portal)
    portal.appointments = (replace(BOOKED, status="cancelled"),)

    outcome = confirm_and_send(decision, Agreement(), ScriptedAsker([True]), lambda _: None)

    assert (outcome.record.status, outcome.changed) == ("cancelled", False)
