from dataclasses import replace
from datetime import timedelta

import pytest

from gpcli.care.confirmation import Agreement, Charge, Outcome, confirm_and_send
from gpcli.care.renewal_request import RenewalItem, RenewalPlan
from gpcli.care.renewals import propose_renewal
from gpcli.errors import (
    BadResponse,
    Conflict,
    ConsentNeeded,
    FeeNotAccepted,
    InputNeeded,
    InvalidUsage,
    NotFound,
    NotOffered,
    OffForNow,
    Rejected,
)
from gpcli.model.prescription import Basis, RenewalOutcome
from gpcli.model.service import Absence, ConsentLevel, Limits
from tests.care.builders import (
    BERG,
    DAHL,
    INTENT,
    NOW,
    ON_BEHALF,
    ScriptedAsker,
    a_price,
    an_offer,
    offers,
)
from tests.care.medicines import (
    ASKED_AT,
    RENEWAL,
    RENEWING_OFFERED,
    ScriptedChooser,
    a_low_one,
    a_prescription,
    a_renewal,
    a_renewal_context,
    a_renewal_request,
    prescription_portal,
    remaining,
    with_intent,
)

PRICE = a_price("161", "161")
PRICED = offers(an_offer(RENEWAL, answer_time="In three days."), prices={RENEWAL: PRICE})
CHARGED = offers(
    an_offer(RENEWAL), prices={RENEWAL: replace(a_price("100", "150"), at_sending=True)}
)
SHARED = offers(an_offer(RENEWAL), surgeries=(BERG, DAHL))
"""Two GPs, of whom only Berg renews."""
BOTH = offers(an_offer(RENEWAL), an_offer(RENEWAL, DAHL), surgeries=(BERG, DAHL))
OFF = offers(
    an_offer(RENEWAL, absences=(Absence("leave", NOW - timedelta(1), NOW + timedelta(9)),))
)


def decide(portal, *ids, asker=None, **wishes):
    return propose_renewal(a_renewal_context(portal, asker), a_renewal_request(*ids, **wishes))


def send(portal, *ids, **wishes):
    return confirm_and_send(
        decide(portal, *ids, **wishes), Agreement(yes=True), ScriptedAsker(), lambda decision: None
    )


def refused_by(error, portal, *ids, **wishes):
    """The message of the refusal; nothing must have been sent."""
    with pytest.raises(error) as refused:
        decide(portal, *ids, **wishes)
    assert portal.sent == []
    return refused.value.message


def stands(renewing):
    """Per line: its id, the request's id, and the word of its error."""
    return [
        (item.id, item.renewal and item.renewal.id, item.error and item.error.code)
        for item in renewing.items
    ]


def test_the_plan_says_what_is_asked_of_whom_and_what_it_may_cost():
    portal = prescription_portal(a_prescription("rx-1"), known=PRICED, parties=ON_BEHALF)

    decision = decide(portal, "rx-1", note="Two weeks left")

    assert (decision.action, decision.rows, decision.charge, decision.warnings) == (
        "Ask to renew this prescription",
        (
            ("To", "Kari Berg, Nordby legesenter"),
            ("Prescription", "Metformin 500 mg (rx-1), can be fetched 3 more times"),
            ("Dose", "1 tablet daily."),
            ("For", "Ada Nordmann"),
            ("By", "Guro Holm"),
            ("Note", "Two weeks left"),
            ("Answer", "In three days."),
            ("Price", PRICE),
        ),
        None,
        ("Metformin 500 mg: It can be fetched 3 more times.",),
    )
    assert portal.sent == []


def test_several_go_together_in_one_plan_and_one_sending():
    portal = prescription_portal(a_prescription("rx-1"), a_prescription("rx-2", name="Ramipril"))
    decision = decide(portal, "rx-2", "rx-1", note="Please")
    outcome = confirm_and_send(
        decision, Agreement(yes=True), ScriptedAsker(), lambda decision: None
    )

    assert decision.action == "Ask to renew these prescriptions"
    assert portal.sent == [("send_renewals", ("rx-2", "rx-1"), "Please", INTENT)]
    assert (stands(outcome.record), outcome.changed) == (
        [("rx-2", "task-rx-2", None), ("rx-1", "task-rx-1", None)],
        True,
    )


def test_each_goes_to_its_prescriber():
    portal = prescription_portal(
        a_prescription("rx-1"),
        a_prescription("rx-2", surgery_id=DAHL.id),
        a_prescription("rx-3"),
        a_prescription("rx-4", surgery_id=None, prescriber="Eli Vik"),
        known=BOTH,
    )

    decision = decide(portal, "rx-1", "rx-2", "rx-3", "rx-4")

    assert [service for service in decision.rows if service[0] in {"To", "Prescription"}] == [
        ("To", "Kari Berg, Nordby legesenter"),
        ("Prescription", "Metformin 500 mg (rx-1), can be fetched 3 more times"),
        ("Prescription", "Metformin 500 mg (rx-3), can be fetched 3 more times"),
        ("To", "Per Dahl, Sydby legekontor"),
        ("Prescription", "Metformin 500 mg (rx-2), can be fetched 3 more times"),
        ("To", "Eli Vik"),
        ("Prescription", "Metformin 500 mg (rx-4), can be fetched 3 more times"),
    ]


def test_the_same_twice_is_asked_for_once():
    portal = prescription_portal(a_prescription("rx-2", predecessors=("rx-1",)))
    outcome = send(portal, "rx-2", "rx-2")

    assert stands(outcome.record) == [("rx-2", "task-rx-2", None)]


@pytest.mark.parametrize("status", ["completed", "accepted"])
def test_what_was_renewed_is_done_by_its_former_id_and_what_replaced_it_is_named(status):
    newest = a_prescription("rx-3", predecessors=("rx-2", "rx-1"))
    asked = [a_renewal("task-9", "rx-2"), a_renewal("task-7", "rx-1", status=status)]
    portal = prescription_portal(newest, renewals=asked)

    decision = decide(portal, "rx-1")

    warning = "It was renewed already: rx-3 has replaced it."
    item = RenewalItem("rx-1", newest, renewal=asked[1], warnings=(warning,))
    assert decision == Outcome(RenewalPlan((item,)), changed=False)


@pytest.mark.parametrize("asked", [[], [a_renewal("task-7", "rx-1", status="rejected")]])
def test_what_was_replaced_without_a_request_is_refused_and_what_replaced_it_named(asked):
    portal = prescription_portal(
        a_prescription("rx-3", predecessors=("rx-2", "rx-1")), renewals=asked
    )

    [item] = decide(portal, "rx-1").record.items

    assert (item.error.code, item.error.message, item.error.hint) == (
        "already_answered",
        "It was replaced already, by rx-3.",
        "gpcli rx renew rx-3 asks for the new one.",
    )
    assert portal.sent == []


def test_a_former_id_beside_the_newest_asks_for_the_newest_only():
    portal = prescription_portal(a_prescription("rx-2", predecessors=("rx-1",)))
    outcome = send(portal, "rx-1", "rx-2")

    assert stands(outcome.record) == [
        ("rx-1", None, "already_answered"),
        ("rx-2", "task-rx-2", None),
    ]


def test_a_prescription_s_own_id_comes_before_that_of_a_predecessor():
    portal = prescription_portal(
        a_prescription("rx-1"), a_prescription("rx-2", predecessors=("rx-1",))
    )

    assert stands(send(portal, "rx-1").record) == [("rx-1", "task-rx-1", None)]


def test_what_is_asked_for_already_is_not_sent_again():
    open_one = a_renewal("task-7", status="received")
    portal = prescription_portal(a_prescription("rx-1", renewal=open_one), a_prescription("rx-2"))
    decision = decide(portal, "rx-1", "rx-2")
    outcome = confirm_and_send(
        decision, Agreement(yes=True), ScriptedAsker(), lambda decision: None
    )

    assert ("Asked for already", "Metformin 500 mg") in decision.rows
    assert portal.sent == [("send_renewals", ("rx-2",), None, INTENT)]
    assert [item.changed for item in outcome.record.items] == [False, True]


def test_all_asked_for_already_is_done_even_where_the_gp_has_stopped_renewing():
    there = a_prescription("rx-1", renewal=a_renewal("task-7"))
    portal = prescription_portal(there, known=OFF)

    decision = decide(portal, "rx-1")

    done = RenewalItem("rx-1", there, renewal=there.renewal)
    assert decision == Outcome(RenewalPlan((done,)), changed=False)


def test_a_note_to_what_is_asked_for_already_is_said_not_to_be_sent():
    there = a_prescription("rx-1", renewal=a_renewal("task-7"))

    decision = decide(prescription_portal(there), "rx-1", note="Hurry")

    [item] = decision.record.items
    assert item.warnings == ("It is asked for already; your note was not sent.",)


def test_what_was_settled_before_can_be_asked_for_again():
    there = a_prescription("rx-1", renewal=a_renewal("task-7", status="completed"))

    assert stands(send(prescription_portal(there), "rx-1").record) == [("rx-1", "task-rx-1", None)]


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        (
            {"group": "A"},
            "Group A: a consultation is usually needed before it is renewed.",
        ),
        (
            {"group": "B"},
            "Group B: a consultation is usually needed before it is renewed.",
        ),
        (
            {"expired": True},
            "It has expired: portals usually refuse that, and a new one needs an appointment.",
        ),
        ({"status": "stopped"}, "It was stopped: portals usually refuse to renew that."),
        ({"status": "cancelled"}, "It was cancelled: portals usually refuse to renew that."),
        ({"status": "on-hold"}, "It is on hold: your GP may not renew it now."),
        (
            {"status": "on-hold", "status_reason": "Surgery"},
            "It is on hold (Surgery): your GP may not renew it now.",
        ),
        ({"status": "unknown"}, "The portal does not know whether it is still in force."),
        ({"reported": True}, "It is on record as reported, not as prescribed."),
        (
            {"reported": True, "reported_by": "Ada"},
            "It is on record as reported by Ada, not as prescribed.",
        ),
        (
            {"renewal": a_renewal(status="rejected", answer="A blood test first.")},
            "The surgery refused it when you last asked: A blood test first.",
        ),
        (
            {"renewal": a_renewal(status="rejected")},
            "The surgery refused it when you last asked.",
        ),
    ],
)
def test_what_may_be_refused_is_asked_for_with_a_warning(changes, warning):
    portal = prescription_portal(a_low_one("rx-1", **changes))
    decision = decide(portal, "rx-1")
    outcome = confirm_and_send(
        decision, Agreement(yes=True), ScriptedAsker(), lambda decision: None
    )

    assert decision.warnings == (f"Metformin 500 mg: {warning}",)
    assert [item.to_result("Europe/Oslo").warning for item in outcome.record.items] == [warning]


NEW_TODAY = {"issued": "2026-12-01T08:00:00+01:00", "predecessors": ("rx-0",)}


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"remaining": remaining(2, amount="400")}, "It can be fetched 2 more times."),
        ({"remaining": remaining(1)}, None),
        ({"remaining": remaining(2), "low": True}, None),
        ({"remaining": None, "low": None}, None),
        (
            NEW_TODAY | {"remaining": remaining(4)},
            "It was renewed today; it can be fetched 4 more times.",
        ),
        (
            NEW_TODAY | {"remaining": remaining(1)},
            "It was renewed today; it can be fetched once more.",
        ),
        (NEW_TODAY | {"remaining": remaining(0), "low": True}, "It was renewed today."),
        (NEW_TODAY | {"remaining": None, "low": None}, "It was renewed today."),
        (
            NEW_TODAY | {"issued": "2026-11-25", "remaining": remaining(1)},
            "It was renewed on Wed 25 Nov 2026; it can be fetched once more.",
        ),
        (NEW_TODAY | {"issued": "2026-11-24", "remaining": remaining(1)}, None),
        (NEW_TODAY | {"predecessors": (), "remaining": remaining(1)}, None),
    ],
)
def test_what_is_not_needed_yet_is_asked_for_with_a_warning(changes, warning):
    portal = prescription_portal(a_prescription("rx-1", **changes))
    decision = decide(portal, "rx-1")

    assert decision.warnings == ((f"Metformin 500 mg: {warning}",) if warning else ())
    assert stands(send(portal, "rx-1").record) == [("rx-1", "task-rx-1", None)]


def test_what_can_not_be_fetched_now_is_not_said_to_be_fetchable():
    held = a_prescription("rx-1", status="on-hold", **NEW_TODAY)

    assert decide(prescription_portal(held), "rx-1").warnings == (
        "Metformin 500 mg: It is on hold: your GP may not renew it now.",
    )


NOTHING_TO_RENEW = {
    "is an order not to take this": {"do_not_take": True},
    "was entered in error": {"status": "entered-in-error"},
    "is only proposed, not prescribed": {"status": "draft"},
}


@pytest.mark.parametrize("is_listed", [True, False])
@pytest.mark.parametrize(
    ("words", "changes"),
    [*NOTHING_TO_RENEW.items(), ("is only proposed, not prescribed", {"intent": "option"})],
)
def test_what_is_no_prescription_to_take_something_is_refused_before_anything_is_sent(
    words, changes, is_listed
):
    other = a_prescription("rx-1", **changes)
    portal = prescription_portal(*([other] if is_listed else []))
    portal.prescriptions.unlisted["rx-1"] = other

    decision = decide(portal, "rx-1")

    assert (type(decision), stands(decision.record)) == (Outcome, [("rx-1", None, "rejected")])
    [item] = decision.record.items
    assert item.error.message == f"It {words}: there is nothing to renew."
    assert portal.sent == []


def test_what_was_replaced_by_an_order_not_to_take_it_is_refused_as_that():
    newer = a_prescription("rx-2", do_not_take=True, predecessors=("rx-1",))

    [item] = decide(prescription_portal(newer), "rx-1").record.items

    assert (item.error.code, item.error.message) == (
        "rejected",
        "It was replaced by rx-2, an order not to take this.",
    )


def test_one_that_can_not_be_read_is_never_said_to_be_absent():
    portal = prescription_portal(a_prescription("rx-1"))
    portal.prescriptions.unlisted["rx-9"] = BadResponse("The portal's answer can't be read.")

    assert stands(send(portal, "rx-9", "rx-1").record) == [
        ("rx-9", None, "bad_response"),
        ("rx-1", "task-rx-1", None),
    ]


def test_one_that_the_list_does_not_have_is_renewed_all_the_same():
    portal = prescription_portal()
    portal.prescriptions.unlisted["rx-1"] = a_prescription("rx-1")
    portal.prescriptions.unlisted["rx-2"] = a_prescription("rx-2", renewal=a_renewal(of="rx-2"))

    assert stands(send(portal, "rx-1", "rx-2").record) == [
        ("rx-1", "task-rx-1", None),
        ("rx-2", "task-1", None),
    ]


def test_low_leaves_out_what_is_not_to_be_taken_or_only_reported():
    reported = a_low_one("rx-2", reported=True, reported_by="Ada")
    decision = decide(prescription_portal(a_low_one("rx-1", do_not_take=True), reported), low=True)

    assert stands(decision.record) == []
    assert [each.sentence for each in decision.record.skipped] == [
        "Metformin 500 mg (rx-2) runs out but is left out: "
        "it is on record as reported by Ada, not as prescribed."
    ]


def test_a_request_that_was_entered_in_error_is_none_that_was_made_before():
    wrong = with_intent(a_renewal(status="entered-in-error"))
    portal = prescription_portal(a_prescription("rx-1"), renewals=[wrong])

    assert stands(send(portal, "rx-1", repeated=True).record) == [("rx-1", "task-rx-1", None)]


def test_an_unknown_id_is_one_failed_line_among_the_others():
    portal = prescription_portal(a_low_one("rx-1"))
    decision = decide(portal, "rx-9", "rx-1")
    outcome = confirm_and_send(
        decision, Agreement(yes=True), ScriptedAsker(), lambda decision: None
    )

    assert decision.warnings == ("rx-9 can't be asked for: There is no prescription 'rx-9'.",)
    assert stands(outcome.record) == [("rx-9", None, "not_found"), ("rx-1", "task-rx-1", None)]


def test_with_unknown_ids_alone_there_is_no_plan():
    decision = decide(prescription_portal(a_prescription("rx-1")), "rx-8", "rx-9")

    assert (type(decision), stands(decision.record)) == (
        Outcome,
        [("rx-8", None, "not_found"), ("rx-9", None, "not_found")],
    )


def test_a_portal_s_refusal_is_one_failed_line_among_the_others():
    no = Rejected("It has expired.")
    portal = prescription_portal(
        a_prescription("rx-1"), a_prescription("rx-2"), refuses={"rx-2": no}
    )

    outcome = send(portal, "rx-1", "rx-2")

    assert stands(outcome.record) == [("rx-1", "task-rx-1", None), ("rx-2", None, "rejected")]


def test_a_rehearsal_shows_requests_that_were_not_sent():
    portal = prescription_portal(a_prescription("rx-1"))
    decision = decide(portal, "rx-1", note="Please")
    outcome = confirm_and_send(
        decision, Agreement(dry_run=True), ScriptedAsker(), lambda decision: None
    )

    [item] = outcome.record.items
    expected = a_renewal(None, "rx-1", asked=None, updated=None, note="Please")
    assert (item.renewal, item.changed, outcome.dry_run) == (expected, False, True)
    assert portal.sent == []


def test_low_asks_for_what_runs_out():
    portal = prescription_portal(a_low_one("rx-1"), a_prescription("rx-2"), a_low_one("rx-3"))

    assert stands(send(portal, low=True).record) == [
        ("rx-1", "task-rx-1", None),
        ("rx-3", "task-rx-3", None),
    ]


def test_low_leaves_out_what_would_be_in_vain_and_says_so():
    refused = a_renewal(status="rejected", answer="A blood test first.")
    portal = prescription_portal(
        a_low_one("rx-1"),
        a_low_one("rx-2", group="A", name="Oxycodone", strength=None),
        a_low_one("rx-3", renewal=refused, name="Naproxen"),
    )

    decision = decide(portal, low=True)

    assert stands(decision.preview) == [("rx-1", None, None)]
    assert [each.sentence for each in decision.preview.skipped] == [
        "Oxycodone (rx-2) runs out but is left out: "
        "group A, for which a consultation is usually needed first.",
        "Naproxen 500 mg (rx-3) runs out but is left out: "
        "the surgery refused it when you last asked: A blood test first.",
    ]


def test_low_leaves_out_what_was_just_renewed_whatever_is_left_of_it():
    def renewed(identity, issued, **changes):
        return a_low_one(identity, issued=issued, **{"predecessors": ("rx-0",), **changes})

    portal = prescription_portal(
        renewed("today", "2026-12-01T08:00:00+01:00"),
        renewed("this-week", "2026-11-25"),
        renewed("a-week-ago", "2026-11-24"),
        renewed("this-month", "2026-12"),
        renewed("unsaid", None),
        renewed("the-first", "2026-12-01", predecessors=()),
    )

    record = decide(portal, low=True).preview

    assert [item.id for item in record.items] == ["a-week-ago", "this-month", "unsaid", "the-first"]
    assert {(each.prescription.id, each.why) for each in record.skipped} == {
        ("today", "it was renewed less than a week ago."),
        ("this-week", "it was renewed less than a week ago."),
    }


def test_low_tells_what_it_leaves_out_also_where_nothing_is_to_be_sent():
    portal = prescription_portal(
        a_low_one("rx-1", renewal=a_renewal()), a_low_one("rx-2", group="B")
    )

    record = decide(portal, low=True).record

    assert stands(record) == [("rx-1", "task-1", None)]
    assert [each.prescription.id for each in record.skipped] == ["rx-2"]


def test_low_leaves_out_nothing_that_is_asked_for_already():
    portal = prescription_portal(a_low_one("rx-1", group="B", renewal=a_renewal()))

    record = decide(portal, low=True).record

    assert (stands(record), record.skipped) == ([("rx-1", "task-1", None)], ())


def test_low_asks_for_nothing_that_is_in_use_no_longer():
    portal = prescription_portal(
        a_low_one("rx-1", status="completed"), a_low_one("rx-2", expired=True)
    )

    assert decide(portal, low=True) == Outcome(RenewalPlan(()), changed=False)


def test_low_with_a_gp_leaves_the_others_prescriptions_alone():
    portal = prescription_portal(
        a_low_one("rx-1"), a_low_one("rx-2", surgery_id=DAHL.id), known=BOTH
    )

    assert stands(send(portal, low=True, gp="Dahl").record) == [("rx-2", "task-rx-2", None)]


def test_low_with_a_gp_says_what_may_be_that_gp_s_or_another_s():
    portal = prescription_portal(a_low_one("rx-1", surgery_id=None), known=BOTH)
    decision = decide(portal, low=True, gp="Dahl")

    assert stands(decision.record) == []
    assert [each.why for each in decision.record.skipped] == [
        "it does not tell which surgery prescribed it."
    ]


def test_an_empty_list_of_ids_asks_for_nothing():
    portal = prescription_portal(a_low_one("rx-1"))

    assert decide(portal, ids=()) == Outcome(RenewalPlan(()), changed=False)


def test_at_a_terminal_one_picks_from_those_that_can_be_asked_for():
    portal = prescription_portal(
        a_prescription("rx-1"),
        a_prescription("rx-2", renewal=a_renewal()),
        a_prescription("rx-3", status="stopped"),
        a_low_one("rx-4"),
    )
    asker = ScriptedChooser([["rx-4", "rx-1"]])

    decision = decide(portal, asker=asker)

    choices = (("rx-4", "label of rx-4"), ("rx-1", "label of rx-1"))
    assert asker.questions == [("Which prescriptions?", "ID", choices, "rx-4")]
    assert stands(decision.preview) == [("rx-4", None, None), ("rx-1", None, None)]


def test_where_several_run_out_one_can_pick_them_all_at_once():
    portal = prescription_portal(
        a_low_one("rx-1"), a_low_one("rx-2", name="Ramipril"), a_prescription("rx-3")
    )
    asker = ScriptedChooser([["rx-2", "--low", "rx-3"]])

    decision = decide(portal, asker=asker)

    [(_, _, choices, default)] = asker.questions
    assert default == "--low"
    assert choices[0] == ("--low", "All that run out: Metformin 500 mg, Ramipril 500 mg")
    assert [item.id for item in decision.preview.items] == ["rx-1", "rx-2", "rx-3"]


def test_with_nothing_chosen_and_nobody_to_ask_the_ways_to_choose_are_named():
    with pytest.raises(InputNeeded) as needed:
        decide(prescription_portal(a_prescription()))

    assert (needed.value.message, needed.value.hint) == (
        "Which prescription?",
        "Name prescriptions (gpcli rx list shows their ids), or --low.",
    )


def test_with_nothing_to_choose_from_nothing_is_asked():
    asker = ScriptedChooser([["x"]])

    message = refused_by(
        InputNeeded, prescription_portal(a_prescription(status="stopped")), asker=asker
    )

    assert (message, asker.questions) == ("There is no prescription to choose from.", [])


@pytest.mark.parametrize(
    ("wishes", "error", "words"),
    [
        ({"ids": ("rx-1",), "low": True}, InvalidUsage, "only one of them"),
        ({"ids": ("rx-1",), "note": " "}, InvalidUsage, "--note is empty"),
        ({"ids": ("rx-1", "")}, InputNeeded, "id is empty"),
    ],
)
def test_contradictory_and_empty_requests_are_refused_before_anything_is_read(wishes, error, words):
    portal = prescription_portal(a_prescription("rx-1"))

    assert words in refused_by(error, portal, **wishes)
    assert portal.calls == []


@pytest.mark.parametrize(
    ("known", "error"),
    [
        (offers(), NotOffered),
        (offers(surgeries=()), NotOffered),
        (OFF, OffForNow),
        (offers(an_offer(RENEWAL), consent=ConsentLevel.BASIC), ConsentNeeded),
    ],
)
@pytest.mark.parametrize("ids", [("rx-1",), ("rx-9",), ()])
def test_where_no_gp_renews_nothing_is_asked_or_sent(known, error, ids):
    asker = ScriptedChooser([["rx-1"]])

    refused_by(error, prescription_portal(a_prescription("rx-1"), known=known), *ids, asker=asker)

    assert asker.questions == []


def test_one_whose_prescriber_does_not_renew_is_a_failed_line():
    portal = prescription_portal(
        a_prescription("rx-1"), a_prescription("rx-2", surgery_id=DAHL.id), known=SHARED
    )
    outcome = send(portal, "rx-1", "rx-2")

    assert stands(outcome.record) == [("rx-1", "task-rx-1", None), ("rx-2", None, "not_offered")]
    assert portal.sent == [("send_renewals", ("rx-1",), None, INTENT)]


def test_a_renewal_goes_to_the_prescriber_whatever_gp_is_named():
    portal = prescription_portal(a_prescription("rx-1"), known=BOTH)

    assert refused_by(InvalidUsage, portal, "rx-1", gp="Dahl") == (
        "rx-1 was prescribed by Kari Berg, Nordby legesenter, and a renewal goes there, "
        "not to 'Dahl'."
    )


def test_a_renewal_can_be_tried_where_the_portal_names_no_gp():
    silent = offers(surgeries=(), told=())
    portal = prescription_portal(a_prescription("rx-1", surgery_id=None), known=silent)

    assert stands(send(portal, "rx-1").record) == [("rx-1", "task-rx-1", None)]


def test_a_gp_that_the_person_does_not_have_is_not_found():
    message = refused_by(NotFound, prescription_portal(a_prescription("rx-1")), "rx-1", gp="Lie")

    assert message == "You have no GP called 'Lie'."


def test_sending_costs_nothing_unless_the_portal_says_so():
    portal = prescription_portal(a_prescription("rx-1"), known=PRICED)

    assert decide(portal, "rx-1").charge is None


def test_where_sending_costs_every_request_counts():
    portal = prescription_portal(a_prescription("rx-1"), a_prescription("rx-2"), known=CHARGED)
    decision = decide(portal, "rx-1", "rx-2")

    whole = replace(a_price("200", "300"), at_sending=True, rates=())
    assert decision.charge == Charge("Asking for 2 prescriptions", whole)
    with pytest.raises(FeeNotAccepted, match="costs up to NOK 300"):
        confirm_and_send(
            decision, Agreement(yes=True, accept_fee="150"), ScriptedAsker(), lambda decision: None
        )


def test_the_price_of_several_is_shown_each_and_in_all():
    portal = prescription_portal(a_prescription("rx-1"), a_prescription("rx-2"), known=PRICED)
    decision = decide(portal, "rx-1", "rx-2")

    whole = replace(a_price("322", "322"), rates=())
    assert decision.rows[-2:] == (("Price each", PRICE), ("Price in all", whole))


def test_several_for_nothing_have_one_price():
    free = offers(an_offer(RENEWAL), prices={RENEWAL: a_price("0", "0")})
    portal = prescription_portal(a_prescription("rx-1"), a_prescription("rx-2"), known=free)

    assert decide(portal, "rx-1", "rx-2").rows[-1] == ("Price", a_price("0", "0"))


def test_only_what_is_sent_has_a_price():
    there = a_prescription("rx-1", renewal=a_renewal("task-7"))
    portal = prescription_portal(there, a_prescription("rx-2"), known=PRICED)

    assert decide(portal, "rx-1", "rx-2").rows[-1] == ("Price", PRICE)


@pytest.mark.parametrize(("known", "cap"), [(PRICED, "321.99"), (RENEWING_OFFERED, "1000")])
def test_a_cap_that_is_too_low_or_can_not_be_compared_keeps_everything_back(known, cap):
    portal = prescription_portal(a_prescription("rx-1"), a_prescription("rx-2"), known=known)
    decision = decide(portal, "rx-1", "rx-2")

    with pytest.raises(FeeNotAccepted, match="Asking for 2 prescriptions costs"):
        confirm_and_send(
            decision, Agreement(yes=True, accept_fee=cap), ScriptedAsker(), lambda decision: None
        )
    assert portal.sent == []


@pytest.mark.parametrize(
    ("known", "cap"), [(PRICED, "322"), (PRICED, "any"), (RENEWING_OFFERED, "any")]
)
def test_a_cap_that_is_high_enough_lets_them_go(known, cap):
    portal = prescription_portal(a_prescription("rx-1"), a_prescription("rx-2"), known=known)
    decision = decide(portal, "rx-1", "rx-2")
    confirm_and_send(
        decision, Agreement(yes=True, accept_fee=cap), ScriptedAsker(), lambda decision: None
    )

    assert len(portal.sent) == 1


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"remaining": remaining(0)}, ", nothing left to fetch"),
        ({"remaining": remaining(1)}, ", can be fetched once more"),
        ({"remaining": None}, ", not known how much is left"),
        ({"remaining": remaining(0, Basis.EXPIRED), "expired": True}, ""),
    ],
)
def test_the_plan_says_what_is_left_in_the_words_of_the_list(changes, left):
    decision = decide(prescription_portal(a_prescription("rx-1", **changes)), "rx-1")

    assert ("Prescription", f"Metformin 500 mg (rx-1){left}") in decision.rows


def test_an_unknown_price_stands_in_the_plan_as_unknown():
    decision = decide(prescription_portal(a_prescription("rx-1")), "rx-1")

    assert ("Price", None) in decision.rows


def test_what_the_gp_has_switched_off_while_a_person_thought_is_not_sent():
    portal = prescription_portal(a_prescription("rx-1"))
    decision = decide(portal, "rx-1")
    portal.offered = OFF

    with pytest.raises(OffForNow):
        confirm_and_send(decision, Agreement(), ScriptedAsker([True]), lambda decision: None)
    assert portal.sent == []


def test_only_the_gps_that_are_asked_must_still_renew():
    portal = prescription_portal(a_prescription("rx-1"), known=BOTH)
    decision = decide(portal, "rx-1")
    portal.offered = offers(an_offer(RENEWAL), surgeries=(BERG, DAHL))

    outcome = confirm_and_send(decision, Agreement(), ScriptedAsker([True]), lambda decision: None)

    assert stands(outcome.record) == [("rx-1", "task-rx-1", None)]


def test_a_note_that_is_longer_than_the_surgery_takes_is_refused():
    known = offers(an_offer(RENEWAL, limits=Limits(text=5)))
    portal = prescription_portal(a_prescription("rx-1"), known=known)

    message = refused_by(InvalidUsage, portal, "rx-1", note="123456")

    assert message == "--note has 6 characters; the surgery takes 5."
    assert stands(send(portal, "rx-1", note="12345").record) == [("rx-1", "task-rx-1", None)]


def test_a_repetition_finds_what_it_asked_for_before_whatever_came_of_it():
    earlier = with_intent(a_renewal("task-7", status="rejected", note="Please"))
    portal = prescription_portal(a_prescription("rx-1", renewal=earlier), renewals=[earlier])

    decision = decide(portal, "rx-1", repeated=True, note="Please")

    assert stands(decision.record) == [("rx-1", "task-7", None)]
    assert portal.sent == []


def test_a_repetition_of_what_was_renewed_since_does_not_renew_the_new_one():
    earlier = with_intent(a_renewal("task-7", "rx-1", status="completed"))
    portal = prescription_portal(a_prescription("rx-2", predecessors=("rx-1",)), renewals=[earlier])

    assert stands(decide(portal, "rx-1", repeated=True).record) == [("rx-1", "task-7", None)]
    assert stands(decide(portal, "rx-2", repeated=True).record) == [("rx-1", "task-7", None)]


def test_a_repetition_by_a_former_id_with_another_note_is_a_conflict():
    earlier = with_intent(a_renewal("task-7", "rx-1", status="completed", note="Please"))
    portal = prescription_portal(a_prescription("rx-2", predecessors=("rx-1",)), renewals=[earlier])

    message = refused_by(Conflict, portal, "rx-1", repeated=True, note="Other words")

    assert message == "This --request-id was used for something else: task-7."


FIRST_TRY = with_intent(a_renewal("task-7", "rx-1", asked=ASKED_AT))
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("updated", [None, ASKED_AT, ASKED_AT + MINUTE])
def test_a_repetition_does_not_ask_for_what_somebody_had_asked_for_at_the_first_try(updated):
    other = a_renewal("t-9", "rx-2", status="rejected", asked=ASKED_AT - MINUTE, updated=updated)
    portal = prescription_portal(
        a_prescription("rx-1", renewal=FIRST_TRY),
        a_prescription("rx-2", renewal=other),
        renewals=[FIRST_TRY, other],
    )

    decision = decide(portal, "rx-1", "rx-2", repeated=True)

    assert stands(decision.record) == [("rx-1", "task-7", None), ("rx-2", "t-9", None)]
    assert decision.changed is False


@pytest.mark.parametrize(
    "times",
    [
        {"asked": ASKED_AT - 2 * MINUTE, "updated": ASKED_AT - MINUTE},
        {"asked": ASKED_AT + MINUTE, "updated": ASKED_AT + 2 * MINUTE},
        {"asked": None, "updated": ASKED_AT + MINUTE},
    ],
)
def test_a_repetition_asks_for_what_nobody_had_asked_for_at_the_first_try(times):
    other = a_renewal("t-9", "rx-2", status="rejected", **times)
    portal = prescription_portal(
        a_prescription("rx-1", renewal=FIRST_TRY),
        a_prescription("rx-2", renewal=other),
        renewals=[FIRST_TRY, other],
    )

    outcome = send(portal, "rx-1", "rx-2", repeated=True)

    assert stands(outcome.record) == [("rx-1", "task-7", None), ("rx-2", "task-rx-2", None)]


def test_a_note_to_what_another_run_asked_for_meanwhile_is_said_not_to_be_sent():
    portal = prescription_portal(a_low_one("rx-1"))
    others = a_renewal("task-9")
    portal.prescriptions.send_renewals = lambda asked, note, intent: [
        RenewalOutcome(asked[0], others, False)
    ]

    [item] = send(portal, "rx-1", note="Hurry").record.items

    assert (item.changed, item.warnings) == (
        False,
        ("It is asked for already; your note was not sent.",),
    )


def test_a_repetition_asks_for_what_is_missing():
    earlier = with_intent(a_renewal("task-7", "rx-1"))
    portal = prescription_portal(
        a_prescription("rx-1", renewal=earlier), a_prescription("rx-2"), renewals=[earlier]
    )

    outcome = send(portal, "rx-1", "rx-2", repeated=True)

    assert stands(outcome.record) == [("rx-1", "task-7", None), ("rx-2", "task-rx-2", None)]
    assert portal.sent == [("send_renewals", ("rx-2",), None, INTENT)]


@pytest.mark.parametrize("note", [None, "Something else"])
def test_a_request_id_that_was_used_with_another_note_is_a_conflict(note):
    earlier = with_intent(a_renewal("task-7", note="Please"))
    portal = prescription_portal(a_prescription("rx-1"), renewals=[earlier])

    message = refused_by(Conflict, portal, "rx-1", repeated=True, note=note)

    assert message == "This --request-id was used for something else: task-7."


def test_a_request_id_that_was_used_for_another_prescription_is_a_conflict():
    earlier = with_intent(a_renewal("task-7", "rx-1"))
    portal = prescription_portal(a_prescription("rx-1"), a_prescription("rx-2"), renewals=[earlier])

    message = refused_by(Conflict, portal, "rx-2", repeated=True)

    assert message == "This --request-id was used for something else: task-7."


def test_what_low_asked_for_in_an_earlier_try_is_told_though_it_runs_out_no_more():
    earlier = with_intent(a_renewal("task-7", "rx-1", status="completed"))
    portal = prescription_portal(a_prescription("rx-1"), a_low_one("rx-2"), renewals=[earlier])

    outcome = send(portal, low=True, repeated=True)

    assert stands(outcome.record) == [("rx-2", "task-rx-2", None), ("rx-1", "task-7", None)]
    assert [item.changed for item in outcome.record.items] == [True, False]


def test_requests_of_others_with_the_same_prescription_are_no_earlier_try():
    another = a_renewal("task-7", "rx-1", status="completed", identifiers=("urn:uuid:other",))
    portal = prescription_portal(a_prescription("rx-1", renewal=another), renewals=[another])

    assert stands(send(portal, "rx-1", repeated=True).record) == [("rx-1", "task-rx-1", None)]


def test_without_a_request_id_nobody_looks_for_earlier_tries():
    portal = prescription_portal(a_prescription("rx-1"))
    decide(portal, "rx-1")

    assert portal.calls == [("fetch_renewal_facts",)]
