from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gpcli.care.confirmation import Agreement, Outcome, confirm_and_send
from gpcli.care.prescription_list import (
    PrescriptionListing,
    choose_prescription,
    choose_renewal,
    fetch_prescriptions,
    propose_renewal_withdrawal,
)
from gpcli.errors import AlreadyAnswered, BadResponse, InputNeeded, NotFound
from tests.care.builders import BERG, DAHL, INTENT, NOW, ON_BEHALF, ScriptedAsker, an_offer, offers
from tests.care.medicines import (
    ASKED_AT,
    RENEWAL,
    a_low_one,
    a_prescription,
    a_renewal,
    prescription_portal,
)

LEAP_DAY = datetime(2028, 2, 29, 9, 0, tzinfo=ZoneInfo("Europe/Oslo"))


def expired(identity, until):
    return a_prescription(identity, valid_until=until, expired=True)


def shown(listing):
    return [one.id for one in listing.shown], listing.inactive, listing.long_expired


def a_label(one):
    return f"label of {one.id}"


def test_those_in_use_are_shown_and_the_others_counted():
    portal = prescription_portal(
        a_prescription("used"),
        expired("expired", "2026-08-01"),
        a_prescription("stopped", status="stopped"),
        a_prescription("completed", status="completed"),
    )

    assert shown(fetch_prescriptions(portal, NOW)) == (["used"], 3, 0)


def test_all_shows_those_of_the_last_twelve_months_and_never_older_ones():
    portal = prescription_portal(
        a_prescription("used"),
        a_prescription("stopped", status="stopped"),
        expired("a year ago", "2025-12-01"),
        expired("longer ago", "2025-11-30"),
    )

    assert shown(fetch_prescriptions(portal, NOW, everything=True)) == (
        ["used", "stopped", "a year ago"],
        0,
        1,
    )


@pytest.mark.parametrize(
    ("until", "is_shown"),
    [
        ("2025-12", True),
        ("2025-11", False),
        ("2025", True),
        ("2024", False),
        ("2025-12-01T23:59:59+01:00", True),
        (None, True),
    ],
)
def test_a_partial_end_counts_to_its_last_day(until, is_shown):
    found = fetch_prescriptions(prescription_portal(expired("rx", until)), NOW, everything=True)

    assert shown(found) == ((["rx"], 0, 0) if is_shown else ([], 0, 1))


def test_a_year_before_a_leap_day_is_the_last_of_february():
    portal = prescription_portal(expired("in time", "2027-02-28"), expired("too old", "2027-02-27"))

    assert shown(fetch_prescriptions(portal, LEAP_DAY, everything=True)) == (["in time"], 0, 1)


def test_what_is_not_to_be_taken_on_hold_or_of_unknown_status_is_in_force():
    portal = prescription_portal(
        a_prescription("not", do_not_take=True),
        a_prescription("held", status="on-hold"),
        a_prescription("unknown", status="unknown"),
        a_prescription("cancelled", status="cancelled"),
        a_prescription("not any more", do_not_take=True, status="completed"),
    )

    assert shown(fetch_prescriptions(portal, NOW)) == (["not", "held", "unknown"], 2, 0)
    assert shown(fetch_prescriptions(portal, NOW, everything=True))[1] == 0


def test_what_is_no_prescription_is_left_out_and_counted():
    portal = prescription_portal(
        a_prescription("rx"),
        a_prescription("proposal", intent="proposal"),
        a_prescription("option", intent="option"),
        a_prescription("draft", status="draft"),
        a_prescription("error", status="entered-in-error"),
        a_prescription("both", status="entered-in-error", intent="proposal"),
    )

    for everything in (False, True):
        found = fetch_prescriptions(portal, NOW, everything=everything)
        assert (shown(found), found.proposed, found.in_error) == ((["rx"], 0, 0), 3, 2)


def test_low_leaves_what_runs_out():
    portal = prescription_portal(
        a_low_one("low"), a_prescription("full"), a_prescription("x", remaining=None)
    )

    assert shown(fetch_prescriptions(portal, NOW, low=True)) == (["low"], 0, 0)


def test_a_kind_leaves_those_known_to_be_of_it():
    portal = prescription_portal(
        a_prescription("strips", kind="consumable"),
        a_prescription("pills"),
        a_prescription("unsaid", kind=None),
        a_prescription("old strips", kind="consumable", status="stopped"),
    )

    found = fetch_prescriptions(portal, NOW, kind="consumable")

    assert (shown(found), found.unknown_kind) == ((["strips"], 1, 0), 1)


def test_of_unknown_kind_only_those_are_counted_that_would_be_shown():
    portal = prescription_portal(
        a_prescription("used", kind=None),
        a_prescription("stopped", kind=None, status="stopped"),
        a_prescription("low", kind=None, low=True),
    )

    counts = [
        fetch_prescriptions(portal, NOW, kind=kind, **more).unknown_kind
        for kind, more in [
            ("medicine", {}),
            ("medicine", {"everything": True}),
            ("medicine", {"low": True}),
            (None, {}),
        ]
    ]

    assert counts == [2, 3, 1, 0]


@pytest.mark.parametrize(("given", "found"), [("rx-1", "rx-1"), ("rx-2", "rx-2"), ("rx-0", "rx-2")])
def test_one_is_found_by_its_id_or_that_of_what_it_replaced(given, found):
    there = (a_prescription("rx-1"), a_prescription("rx-2", predecessors=("rx-1", "rx-0")))

    assert (
        choose_prescription(prescription_portal(*there), given, ScriptedAsker(), a_label).id
        == found
    )


@pytest.mark.parametrize("given", ["rx-9", ""])
def test_one_that_is_not_there_is_not_found(given):
    with pytest.raises(NotFound, match=f"There is no prescription '{given}'"):
        choose_prescription(prescription_portal(a_prescription()), given, ScriptedAsker(), a_label)


def test_one_that_is_no_prescription_is_shown_by_its_id_as_what_it_is():
    portal = prescription_portal(a_prescription("rx-1"))
    draft = a_prescription("rx-2", status="draft")
    portal.prescriptions.unlisted["rx-2"] = draft

    assert choose_prescription(portal, "rx-2", ScriptedAsker(), a_label) == draft


def test_one_that_is_there_and_can_not_be_read_is_never_said_to_be_absent():
    portal = prescription_portal()
    portal.prescriptions.unlisted["rx-2"] = BadResponse("The portal's answer can't be read.")

    with pytest.raises(BadResponse):
        choose_prescription(portal, "rx-2", ScriptedAsker(), a_label)


def test_at_a_terminal_one_picks_from_those_in_use():
    there = (a_prescription("rx-1", status="stopped"), a_prescription("rx-2"))
    asker = ScriptedAsker(["rx-2"])

    assert choose_prescription(prescription_portal(*there), None, asker, a_label).id == "rx-2"
    assert asker.questions == [("Which prescription?", "ID", (("rx-2", "label of rx-2"),))]


def test_without_an_id_and_a_terminal_nothing_is_read():
    portal = prescription_portal(a_prescription())

    with pytest.raises(InputNeeded, match="A prescription's id is needed"):
        choose_prescription(portal, None, ScriptedAsker(), a_label)
    assert portal.calls == []


def test_with_nothing_in_use_there_is_nothing_to_pick_from():
    with pytest.raises(InputNeeded, match="no prescription to choose from"):
        choose_prescription(
            prescription_portal(a_prescription(status="stopped")),
            None,
            ScriptedAsker(["x"]),
            a_label,
        )


def test_a_gp_s_name_leaves_what_that_gp_prescribed():
    known = offers(an_offer(RENEWAL), surgeries=(BERG, DAHL))
    portal = prescription_portal(
        a_prescription("bergs"),
        a_prescription("dahls", surgery_id=DAHL.id),
        a_prescription("a specialist's", surgery_id=None),
        known=known,
    )

    found = fetch_prescriptions(portal, NOW, gp="per dahl")
    assert (shown(found), found.unknown_surgery) == ((["dahls"], 0, 0), 1)
    assert fetch_prescriptions(portal, NOW).unknown_surgery == 0


def test_a_gp_that_the_person_does_not_have_is_not_found():
    with pytest.raises(NotFound, match="no GP called 'Lie'"):
        fetch_prescriptions(prescription_portal(a_prescription()), NOW, gp="Lie")


def test_having_none_is_no_failure():
    assert fetch_prescriptions(prescription_portal(), NOW) == PrescriptionListing(())


def picked(portal, given, asker):
    return choose_renewal(portal, given, asker, lambda one: f"label of {one.id}")


def test_an_id_that_is_given_is_taken_as_it_is():
    portal = prescription_portal()

    assert (picked(portal, "task-7", ScriptedAsker()), portal.calls) == ("task-7", [])


def test_at_a_terminal_one_picks_from_those_that_can_be_taken_back():
    there = [
        a_renewal("new"),
        a_renewal("seen", status="received"),
        a_renewal("begun", status="accepted"),
        a_renewal("done", status="completed"),
    ]
    asker = ScriptedAsker(["seen"])

    assert picked(prescription_portal(renewals=there), None, asker) == "seen"
    choices = (("new", "label of new"), ("seen", "label of seen"))
    assert asker.questions == [("Which request?", "ID", choices)]


@pytest.mark.parametrize("given", [None, "", "  "])
def test_without_an_id_and_a_terminal_the_id_is_asked_for_by_name(given):
    with pytest.raises(InputNeeded, match="A request's id is needed"):
        picked(prescription_portal(renewals=[a_renewal()]), given, ScriptedAsker())


def test_with_nothing_to_take_back_there_is_nothing_to_pick():
    with pytest.raises(InputNeeded, match="no request that can be taken back"):
        picked(
            prescription_portal(renewals=[a_renewal(status="completed")]),
            None,
            ScriptedAsker(["x"]),
        )


def test_the_plan_of_a_withdrawal_says_what_was_asked_when_and_for_whom():
    there = a_renewal(note="Two weeks left")
    decision = propose_renewal_withdrawal(
        prescription_portal(renewals=[there], parties=ON_BEHALF), "task-1", INTENT
    )

    assert (decision.action, decision.rows, decision.charge, decision.preview) == (
        "Withdraw this request",
        (
            ("Request", "task-1"),
            ("Prescription", "Metformin 500 mg"),
            ("Asked", ASKED_AT),
            ("Note", "Two weeks left"),
            ("For", "Ada Nordmann"),
            ("By", "Guro Holm"),
        ),
        None,
        there,
    )


def test_withdrawing_sends_it_once_agreed_and_asks_nothing_of_what_the_gp_offers():
    portal = prescription_portal(renewals=[a_renewal()], known=offers())
    decision = propose_renewal_withdrawal(portal, "task-1", INTENT)
    outcome = confirm_and_send(
        decision, Agreement(yes=True), ScriptedAsker(), lambda decision: None
    )

    assert (outcome.record.status, outcome.changed) == ("cancelled", True)
    assert portal.calls == [("send_withdrawal", "task-1", INTENT)]


def test_a_rehearsal_of_a_withdrawal_sends_nothing():
    portal = prescription_portal(renewals=[a_renewal()])
    decision = propose_renewal_withdrawal(portal, "task-1", INTENT)
    outcome = confirm_and_send(
        decision, Agreement(dry_run=True), ScriptedAsker(), lambda decision: None
    )

    assert outcome == Outcome(a_renewal(), changed=False, dry_run=True)
    assert portal.sent == []


def test_what_is_withdrawn_already_is_done():
    there = a_renewal(status="cancelled")

    decision = propose_renewal_withdrawal(prescription_portal(renewals=[there]), "task-1", INTENT)

    assert decision == Outcome(there, changed=False)


@pytest.mark.parametrize("status", ["accepted", "in-progress", "completed", "rejected", "failed"])
def test_what_the_surgery_has_taken_up_can_t_be_withdrawn(status):
    portal = prescription_portal(renewals=[a_renewal(status=status)])

    with pytest.raises(AlreadyAnswered) as refused:
        propose_renewal_withdrawal(portal, "task-1", INTENT)

    assert refused.value.message == f"The surgery has taken task-1 up: it is {status}."
    assert portal.sent == []


def test_what_was_entered_in_error_is_no_request_to_withdraw():
    portal = prescription_portal(renewals=[a_renewal(status="entered-in-error")])

    with pytest.raises(AlreadyAnswered, match="task-1 was entered in error"):
        propose_renewal_withdrawal(portal, "task-1", INTENT)


def test_a_request_that_is_not_there_is_not_found():
    with pytest.raises(NotFound, match="no request 'task-9'"):
        propose_renewal_withdrawal(prescription_portal(), "task-9", INTENT)
