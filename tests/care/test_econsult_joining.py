from dataclasses import replace
from unittest.mock import Mock

import pytest

from gpcli.care.confirmation import Agreement, Charge, Outcome, confirm_and_send
from gpcli.care.econsult import (
    choose_to_join,
    choose_to_withdraw,
    fetch_join_link,
    propose_econsult_withdrawal,
)
from gpcli.errors import (
    FeeNotAccepted,
    InputNeeded,
    InvalidUsage,
    NotFound,
    NotPermitted,
    Rejected,
    TooLate,
)
from gpcli.model.thread import ThreadKind
from tests.care.builders import (
    INTENT,
    NOW,
    ScriptedAsker,
    a_price,
    an_appointment,
    at,
    offers,
)
from tests.care.messages import a_conversation, mail_portal

LINK = "https://video.example/room"
VIDEO = an_appointment("con-1", service="e-consultation", channel="video", join_url=LINK)
PHONE = an_appointment("con-2", service="e-consultation", channel="phone")
ASKED = an_appointment("con-3", None, service="e-consultation", channel="video")
VISIT = an_appointment("app-1", channel="in-person")
BOOKED_BY_VIDEO = an_appointment("app-2", channel="video", join_url=LINK)
EVERYTHING = (VIDEO, PHONE, ASKED, VISIT, BOOKED_BY_VIDEO)
NOTHING = offers()
"""Whatever is offered: what is under way is never gated."""


def holding(*there):
    return mail_portal(NOTHING, appointments=there)


@pytest.mark.parametrize("there", [VIDEO, BOOKED_BY_VIDEO])
def test_a_confirmed_one_can_be_joined(there):
    assert fetch_join_link(holding(there), there.id) == (there, LINK)


@pytest.mark.parametrize(
    ("there", "message"),
    [
        (ASKED, "The surgery has not confirmed con-3 yet."),
        (replace(VIDEO, status="pending"), "The surgery has not confirmed con-1 yet."),
        (replace(VIDEO, join_url=None), "The surgery has given no link to con-1 yet."),
        (replace(VIDEO, status="cancelled"), "con-1 is cancelled."),
        (replace(VIDEO, status="fulfilled"), "con-1 is over."),
        (PHONE, "con-2 is not by video but phone."),
        (VISIT, "app-1 is not by video but in-person."),
    ],
)
def test_others_can_not_and_the_reason_is_said(there, message):
    with pytest.raises(Rejected) as refused:
        fetch_join_link(holding(there), there.id)
    assert (refused.value.message, refused.value.hint) == (
        message,
        f"gpcli appointments show {there.id}",
    )


def test_what_is_not_there_can_not_be_joined():
    with pytest.raises(NotFound):
        fetch_join_link(holding(), "con-1")


@pytest.mark.parametrize(
    ("pick", "offered"),
    [(choose_to_join, ["con-1", "app-2"]), (choose_to_withdraw, ["con-1", "con-2", "con-3"])],
)
def test_what_fits_is_there_to_pick_from(pick, offered):
    asker = ScriptedAsker(["con-1"])
    portal = holding(*EVERYTHING, replace(VIDEO, id="con-4", status="cancelled"))
    assert pick(portal, None, NOW, asker, lambda one: f"the {one.id}") == "con-1"
    [(question, flag, choices)] = asker.questions
    assert (question, flag) == ("Which e-consultation?", "ID")
    assert choices == tuple((each, f"the {each}") for each in offered)


@pytest.mark.parametrize(
    "there",
    [
        ASKED,
        replace(VIDEO, join_url=None),
        replace(VIDEO, status="pending"),
        replace(VIDEO, end=at("2026-12-01 08:59")),
    ],
)
def test_what_can_not_be_joined_is_not_there_to_pick_from(there):
    with pytest.raises(InputNeeded, match="none to choose from"):
        choose_to_join(holding(there), None, NOW, ScriptedAsker(["con-1"]), str)


@pytest.mark.parametrize("pick", [choose_to_join, choose_to_withdraw])
def test_an_id_that_is_given_is_taken_without_a_question(pick):
    portal, asker = holding(*EVERYTHING), ScriptedAsker([])
    assert pick(portal, "x", NOW, asker, str) == "x"
    assert (portal.calls, asker.questions) == ([], [])


@pytest.mark.parametrize("pick", [choose_to_join, choose_to_withdraw])
@pytest.mark.parametrize(
    ("given", "asker", "there"),
    [
        (None, ScriptedAsker(), EVERYTHING),
        (" ", ScriptedAsker(["con-1"]), EVERYTHING),
        (None, ScriptedAsker([1]), (VISIT,)),
    ],
)
def test_without_an_id_and_without_a_choice_it_is_asked_for(pick, given, asker, there):
    with pytest.raises(InputNeeded):
        pick(holding(*there), given, NOW, asker, str)


def withdraw(portal, identity, clock=lambda: NOW):
    return propose_econsult_withdrawal(portal, identity, INTENT, clock)


@pytest.mark.parametrize("there", [VIDEO, PHONE, ASKED, replace(ASKED, status="booked")])
def test_one_that_is_under_way_can_be_withdrawn_whatever_is_offered_now(there):
    portal = holding(there)
    decision = withdraw(portal, there.id)
    outcome = confirm_and_send(decision, Agreement(yes=True), ScriptedAsker(), lambda _: None)
    assert (decision.action, decision.charge) == ("Withdraw this e-consultation", None)
    assert (outcome.record.status, portal.sent) == (
        "cancelled",
        [("send_cancellation", there.id, INTENT)],
    )


@pytest.mark.parametrize("there", [VIDEO, ASKED])
def test_the_plan_of_withdrawing_calls_it_what_it_is(there):
    rows = withdraw(holding(replace(there, subject="Knee")), there.id).rows
    assert rows[0] == ("E-consultation", there.id)
    assert dict(rows)["Subject"] == "Knee"


def test_one_that_is_withdrawn_already_is_so():
    gone = replace(VIDEO, status="cancelled")
    assert withdraw(holding(gone), "con-1") == Outcome(gone, changed=False)


@pytest.mark.parametrize(
    "there",
    [replace(VIDEO, status="fulfilled"), replace(VIDEO, start=NOW), replace(PHONE, start=NOW)],
)
def test_one_that_has_begun_can_not(there):
    with pytest.raises(TooLate):
        withdraw(holding(there), there.id)


def test_what_is_no_e_consultation_is_for_cancel():
    with pytest.raises(InvalidUsage) as refused:
        withdraw(holding(VISIT), "app-1")
    assert refused.value.hint == "gpcli cancel app-1"


def test_one_in_writing_is_answered_not_withdrawn():
    with pytest.raises(InvalidUsage) as refused:
        withdraw(mail_portal(NOTHING, a_conversation()), "thr-1")
    assert (refused.value.message, refused.value.hint) == (
        "An e-consultation in writing can't be withdrawn.",
        "Tell the surgery: gpcli messages reply thr-1",
    )


@pytest.mark.parametrize("threads", [(), (a_conversation(kind=ThreadKind.ADMINISTRATIVE),)])
def test_what_is_neither_is_not_found(threads):
    with pytest.raises(NotFound, match="no appointment 'thr-1'"):
        withdraw(mail_portal(NOTHING, *threads), "thr-1")


def test_an_id_that_is_no_appointment_is_not_found_where_no_thread_can_be_looked_for(monkeypatch):
    portal = mail_portal(NOTHING)
    refusal = NotPermitted("The portal can't be asked for Communication.")
    monkeypatch.setattr(portal.mailbox, "fetch_conversation", Mock(side_effect=refusal))
    with pytest.raises(NotFound, match="no appointment 'thr-1'"):
        withdraw(portal, "thr-1")


LATE = replace(VIDEO, cancel_until=at("2026-11-30 08:20"))


def test_withdrawing_late_costs_what_cancelling_late_costs():
    fee = a_price("200", "310")
    portal = mail_portal(offers(prices={"late-cancellation": fee}), appointments=(LATE,))
    decision = withdraw(portal, "con-1")
    assert decision.charge == Charge("Cancelling this late", fee, LATE.cancel_until)
    with pytest.raises(FeeNotAccepted):
        confirm_and_send(decision, Agreement(yes=True), ScriptedAsker(), lambda _: None)
    assert portal.sent == []


def test_a_deadline_that_passes_while_a_person_decides_stops_it():
    until = replace(VIDEO, cancel_until=NOW)
    clock = iter([NOW, at("2026-12-01 09:01")])
    portal = holding(until)
    decision = withdraw(portal, "con-1", lambda: next(clock))
    with pytest.raises(FeeNotAccepted, match="has passed meanwhile"):
        confirm_and_send(decision, Agreement(), ScriptedAsker([True]), lambda _: None)
    assert portal.sent == []
