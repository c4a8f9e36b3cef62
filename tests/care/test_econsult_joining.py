from dataclasses import replace
from unittest.mock import Mock

import pytest

from gpcli.care.confirmation import Agreement, Charge, Outcome, confirm_and_send
from gpcli.care.econsult import choose_to_withdraw, propose_econsult_withdrawal
from gpcli.care.joining import choose_to_join, fetch_joining
from gpcli.errors import (
    BadResponse,
    FeeNotAccepted,
    InputNeeded,
    InvalidUsage,
    NotFound,
    NotPermitted,
    Rejected,
    TooLate,
)
from gpcli.model.appointment import Call, Joining
from gpcli.model.service import ServiceName
from gpcli.model.thread import ThreadKind
from tests.care.builders import (
    BERG,
    DAHL,
    INTENT,
    NOW,
    ScriptedAsker,
    a_price,
    an_appointment,
    an_offer,
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


OPENS = at("2026-12-03 08:10")
"""Ten minutes before the start of the video consultations."""


def join(portal, identity, now=NOW):
    return fetch_joining(portal, identity, now)


@pytest.mark.parametrize("there", [VIDEO, BOOKED_BY_VIDEO, replace(VIDEO, channel=None)])
def test_a_confirmed_one_is_joined_by_its_link_from_ten_minutes_before(there):
    assert join(holding(there), there.id) == Joining(there, LINK, OPENS, None)


def test_one_without_a_start_may_be_opened_at_any_time():
    there = replace(VIDEO, start=None, end=None)
    assert join(holding(there), "con-1") == Joining(there, LINK, None, None)


@pytest.mark.parametrize(
    ("there", "message"),
    [
        (ASKED, "The surgery has not confirmed con-3 yet."),
        (replace(VIDEO, status="pending"), "The surgery has not confirmed con-1 yet."),
        (replace(PHONE, status="pending"), "The surgery has not confirmed con-2 yet."),
        (replace(VIDEO, join_url=None), "The surgery has given no link to con-1 yet."),
        (replace(VIDEO, status="cancelled"), "con-1 is cancelled."),
        (replace(VIDEO, status="fulfilled"), "con-1 is over."),
        (replace(VIDEO, start=at("2026-12-01 08:00"), end=NOW), "con-1 is over."),
        (replace(PHONE, start=at("2026-12-01 08:00"), end=NOW), "con-2 is over."),
        (
            replace(VIDEO, start=at("2026-12-01 08:40"), end=None, minutes=20),
            "con-1 is over.",
        ),
        (VISIT, "app-1 is neither by video nor by phone."),
    ],
)
def test_others_can_not_and_the_reason_is_said(there, message):
    with pytest.raises(Rejected) as refused:
        join(holding(there), there.id)
    assert (refused.value.message, refused.value.hint) == (
        message,
        f"gpcli appointments show {there.id}",
    )


@pytest.mark.parametrize(
    "times",
    [
        {"start": at("2026-12-01 08:41"), "end": None, "minutes": 20},
        {"start": at("2026-12-01 08:00"), "end": None, "minutes": None},
        {"start": at("2026-12-01 08:00"), "end": at("2026-12-01 09:01")},
    ],
)
def test_one_that_has_begun_and_not_ended_is_open(times):
    there = replace(VIDEO, **times)
    joining = join(holding(there), "con-1")
    assert (joining.link, joining.opens < NOW) == (LINK, True)


def test_what_is_not_there_can_not_be_joined():
    with pytest.raises(NotFound):
        join(holding(), "con-1")


@pytest.mark.parametrize(
    ("portal", "identity", "hint"),
    [
        (mail_portal(NOTHING, a_conversation()), "thr-1", "gpcli messages show thr-1"),
        (
            holding(replace(VIDEO, channel="text")),
            "con-1",
            "gpcli messages list shows those in writing.",
        ),
    ],
)
def test_one_in_writing_is_among_the_messages(portal, identity, hint):
    with pytest.raises(Rejected) as refused:
        join(portal, identity)
    assert (refused.value.message, refused.value.hint) == (
        f"{identity} is in writing: it is among your messages.",
        hint,
    )


def test_a_message_to_the_reception_is_no_consultation():
    with pytest.raises(NotFound):
        join(mail_portal(NOTHING, a_conversation(kind=ThreadKind.ADMINISTRATIVE)), "thr-1")


ECONSULT = ServiceName.E_CONSULTATION
CALLS, LATER = "The doctor calls you.", "Within five days."
PHONES = ("+47 000 00 001", "+47 000 00 002")


@pytest.mark.parametrize(
    ("offered", "there", "words"),
    [
        (offers(an_offer(ECONSULT, details=CALLS, answer_time=LATER)), PHONE, (CALLS,)),
        (offers(an_offer(ECONSULT, answer_time=LATER)), PHONE, (LATER,)),
        (offers(an_offer(ECONSULT)), PHONE, ()),
        (offers(an_offer(details=CALLS)), PHONE, ()),
        (offers(an_offer(ECONSULT, DAHL, details=CALLS), surgeries=(BERG, DAHL)), PHONE, ()),
        (
            offers(an_offer(ECONSULT, DAHL, details=CALLS), surgeries=(BERG, DAHL)),
            replace(PHONE, surgery_id=None),
            (CALLS,),
        ),
        (NOTHING, PHONE, ()),
    ],
)
def test_of_one_by_phone_it_is_told_what_the_portal_knows_and_no_more(offered, there, words):
    portal = mail_portal(offered, appointments=(there,), phones=PHONES)
    assert join(portal, "con-2") == Joining(there, None, None, Call(PHONES, words))


@pytest.mark.parametrize("error", [NotFound, NotPermitted, BadResponse])
def test_a_call_takes_place_though_the_portal_does_not_show_the_patient(monkeypatch, error):
    portal = holding(PHONE)
    monkeypatch.setattr(portal, "fetch_offers", Mock(side_effect=error("No.")))
    assert join(portal, "con-2").call == Call(None, ())


def test_what_fits_is_there_to_withdraw_from():
    asker = ScriptedAsker(["con-1"])
    portal = holding(*EVERYTHING, replace(VIDEO, id="con-4", status="cancelled"))
    assert choose_to_withdraw(portal, None, NOW, asker, lambda one: f"the {one.id}") == "con-1"
    [(question, flag, choices)] = asker.questions
    assert (question, flag) == ("Which e-consultation?", "ID")
    assert choices == tuple((each, f"the {each}") for each in ("con-1", "con-2", "con-3"))


def pick(*there, answers=(), now=NOW):
    """The id that `join` takes, and the ids that it asked to choose from."""
    asker = ScriptedAsker([*answers])
    chosen = choose_to_join(holding(*there), None, now, asker, lambda one: f"the {one.id}")
    return chosen, [identity for _, _, choices in asker.questions for identity, _ in choices]


def test_the_only_one_by_video_is_taken_without_a_question():
    assert pick(VIDEO, PHONE, ASKED, VISIT) == ("con-1", [])
    assert pick(VIDEO, ASKED, VISIT, answers=["unused"]) == ("con-1", [])


def test_a_person_is_asked_which_of_several():
    asked = ["con-1", "app-2", "con-2"]
    assert pick(*EVERYTHING, answers=["app-2"]) == ("app-2", asked)
    assert pick(PHONE, VISIT, answers=["unused"]) == ("con-2", [])


def test_in_a_script_several_are_named():
    with pytest.raises(InputNeeded) as refused:
        pick(*EVERYTHING)
    assert (refused.value.message, refused.value.hint) == (
        "Several can be joined: con-1, app-2.",
        "Name one: gpcli econsult join con-1",
    )


@pytest.mark.parametrize("answers", [(), ["unused"]])
def test_of_several_the_one_that_is_open_now_is_taken(answers):
    later = replace(BOOKED_BY_VIDEO, start=at("2026-12-03 12:00"), end=at("2026-12-03 12:20"))
    assert pick(VIDEO, later, PHONE, answers=answers, now=OPENS) == ("con-1", [])


@pytest.mark.parametrize(
    ("there", "hint"),
    [
        ((PHONE, ASKED), "con-2 is by phone: gpcli econsult join con-2"),
        ((ASKED, VISIT), "The surgery has not confirmed con-3 yet."),
        *(
            (
                there,
                "gpcli appointments list shows what is to come. "
                "gpcli messages list shows those in writing.",
            )
            for there in (
                (),
                (VISIT,),
                (replace(VIDEO, join_url=None),),
                (replace(VIDEO, status="cancelled"),),
                (replace(PHONE, start=None, end=at("2026-12-01 08:59")),),
                (replace(VIDEO, end=at("2026-12-01 08:59")),),
            )
        ),
    ],
)
def test_where_there_is_none_to_join_what_is_there_is_named(there, hint):
    with pytest.raises(InputNeeded) as refused:
        pick(*there)
    assert (refused.value.message, refused.value.hint) == (
        "There is no video consultation to join.",
        hint,
    )


@pytest.mark.parametrize("choose", [choose_to_join, choose_to_withdraw])
def test_an_id_that_is_given_is_taken_without_a_question(choose):
    portal, asker = holding(*EVERYTHING), ScriptedAsker([])
    assert choose(portal, "x", NOW, asker, str) == "x"
    assert (portal.calls, asker.questions) == ([], [])


@pytest.mark.parametrize("choose", [choose_to_join, choose_to_withdraw])
@pytest.mark.parametrize(
    ("given", "asker", "there"),
    [
        (" ", ScriptedAsker(["con-1"]), EVERYTHING),
        (None, ScriptedAsker([1]), (VISIT,)),
    ],
)
def test_without_an_id_and_without_a_choice_it_is_asked_for(choose, given, asker, there):
    with pytest.raises(InputNeeded):
        choose(holding(*there), given, NOW, asker, str)


def test_what_to_withdraw_has_to_be_named_in_a_script():
    with pytest.raises(InputNeeded):
        choose_to_withdraw(holding(VIDEO), None, NOW, ScriptedAsker(), str)


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
