from dataclasses import replace
from decimal import Decimal

import pytest

from gpcli.care.confirmation import Agreement, Charge, Outcome, confirm_and_send
from gpcli.care.message import fetch_text_limit, find_answer_time, propose_contact
from gpcli.errors import (
    ConfirmationNeeded,
    Conflict,
    ConsentNeeded,
    FeeNotAccepted,
    InputNeeded,
    InvalidUsage,
    NotFound,
    NotOffered,
    NotPermitted,
    OffForNow,
)
from gpcli.model.service import Absence, ConsentLevel, Limits, Price, Rate, ServiceName
from gpcli.model.thread import AttachedFile, Conversation, Draft, ThreadKind
from tests.care.builders import BERG, DAHL, INTENT, ON_BEHALF, ScriptedAsker, an_offer, offers
from tests.care.messages import (
    PHOTO,
    WORDS,
    a_conversation,
    a_message,
    a_message_context,
    a_new_thread,
    a_thread,
    a_thread_request,
    an_attachment,
    mail_portal,
)

CONTACT = ServiceName.CONTACT
ADMINISTRATIVE = ThreadKind.ADMINISTRATIVE
FREE = Price(Decimal(0), Decimal(0), "NOK", (Rate("Administrative matters", Decimal(0)),))
OPEN = an_offer(CONTACT, answer_time="Within two working days.")
CAN = offers(OPEN, prices={CONTACT: FREE})


def decide(portal, new_thread=None, asker=None, **changes):
    request = a_thread_request(CONTACT, **changes)
    return propose_contact(a_message_context(portal, asker), new_thread or a_new_thread(), request)


def refused_by(error, portal, new_thread=None, **changes):
    """The message and the hint of the refusal; nothing must have been sent."""
    with pytest.raises(error) as refused:
        decide(portal, new_thread, **changes)
    assert portal.sent == []
    return refused.value.message, refused.value.hint


def test_the_plan_says_to_whom_for_whom_what_and_when_it_is_answered():
    decision = decide(mail_portal(CAN, parties=ON_BEHALF), a_new_thread(WORDS, PHOTO))

    assert (decision.action, decision.rows, decision.charge, decision.warnings) == (
        "Write to the surgery's reception",
        (
            ("Surgery", "Kari Berg, Nordby legesenter"),
            ("For", "Ada Nordmann"),
            ("By", "Guro Holm"),
            ("Subject", "Rash"),
            ("Message", "38 characters"),
            ("Attachment", "rash.jpg (image/jpeg, 9 bytes)"),
            ("Answer", "Within two working days."),
            ("Price", FREE),
        ),
        None,
        (),
    )
    assert find_answer_time(decision) == "Within two working days."


def test_a_person_sees_how_the_message_begins_and_nobody_else_does():
    shown, hidden = (
        dict(decide(mail_portal(CAN), asker=asker).rows)["Message"]
        for asker in (ScriptedAsker([True]), ScriptedAsker())
    )
    assert (shown, hidden) == ("It itches since Monday. (38 characters)", "38 characters")


def test_a_long_first_line_is_cut():
    decision = decide(mail_portal(CAN), a_new_thread("word " * 40), asker=ScriptedAsker([True]))
    beginning, _, _ = dict(decision.rows)["Message"].partition(" (")
    assert beginning == "word " * 11 + "word…"


def test_a_rehearsal_answers_with_the_thread_before_it_is_sent():
    decision = decide(mail_portal(CAN))
    thread = a_thread(
        None,
        kind=ADMINISTRATIVE,
        status="preparation",
        started=None,
        last=None,
        message_count=1,
        unread_count=0,
    )
    assert decision.preview == Conversation(thread, ())


def test_it_is_sent_once_with_what_was_written():
    portal = mail_portal(CAN)
    new_thread = a_new_thread(WORDS, PHOTO)

    outcome = confirm_and_send(
        decide(portal, new_thread), Agreement(yes=True), ScriptedAsker(), lambda _: None
    )

    assert portal.sent == [
        ("send_thread", ADMINISTRATIVE, OPEN.id, "Rash", Draft(WORDS, (PHOTO,)), INTENT)
    ]
    assert (outcome.record.thread.id, outcome.changed) == ("thr-9", True)


def test_nothing_is_sent_without_agreement():
    portal = mail_portal(CAN)
    with pytest.raises(ConfirmationNeeded):
        confirm_and_send(decide(portal), Agreement(), ScriptedAsker(), lambda _: None)
    assert portal.sent == []


def test_a_person_who_took_their_time_gets_a_second_look():
    portal = mail_portal(CAN)
    decision = decide(portal)
    portal.offered = offers()
    with pytest.raises(NotOffered):
        confirm_and_send(decision, Agreement(), ScriptedAsker([True]), lambda _: None)
    assert portal.sent == []


def test_a_portal_that_charges_for_sending_makes_it_a_charge():
    costs = replace(FREE, high=Decimal(50), at_sending=True)
    portal = mail_portal(offers(OPEN, prices={CONTACT: costs}))
    decision = decide(portal)
    assert decision.charge == Charge("A message to the surgery", costs)
    with pytest.raises(FeeNotAccepted, match="up to NOK 50"):
        confirm_and_send(decision, Agreement(yes=True), ScriptedAsker(), lambda _: None)
    assert portal.sent == []


def test_a_price_that_nobody_knows_is_no_charge_and_not_nothing():
    decision = decide(mail_portal(offers(OPEN)))
    assert (decision.charge, decision.rows[-1]) == (None, ("Price", None))


@pytest.mark.parametrize(
    ("known", "error"),
    [
        (offers(), NotOffered),
        (offers(surgeries=()), NotOffered),
        (offers(replace(OPEN, active=False)), NotOffered),
        (offers(replace(OPEN, absences=(Absence("Leave", None, None),))), OffForNow),
        (offers(OPEN, consent=ConsentLevel.BASIC), ConsentNeeded),
        (offers(OPEN, permitted=()), NotPermitted),
    ],
)
def test_what_the_surgery_does_not_take_is_refused(known, error):
    portal = mail_portal(known)
    refused_by(error, portal)
    with pytest.raises(error):
        fetch_text_limit(a_message_context(portal), None)


BOTH = offers(OPEN, an_offer(CONTACT, DAHL), surgeries=(BERG, DAHL))


def test_with_two_surgeries_one_must_be_named_or_picked():
    portal = mail_portal(BOTH)
    refused_by(InputNeeded, portal)
    assert decide(portal, gp="dahl").rows[0] == ("Surgery", "Per Dahl, Sydby legekontor")
    picked = decide(portal, asker=ScriptedAsker([DAHL.id]))
    assert picked.rows[0] == ("Surgery", "Per Dahl, Sydby legekontor")


def test_a_gp_of_another_name_is_not_found():
    refused_by(NotFound, mail_portal(BOTH), gp="nobody")


@pytest.mark.parametrize("length", [9, 10])
def test_what_the_surgery_takes_is_sent_up_to_its_last_character(length):
    limited = offers(replace(OPEN, limits=Limits(text=10)))
    assert decide(mail_portal(limited), a_new_thread("x" * length)).action


def test_a_message_that_is_too_long_is_refused_and_both_lengths_are_named():
    limited = offers(replace(OPEN, limits=Limits(text=10)))
    assert refused_by(InvalidUsage, mail_portal(limited), a_new_thread("æ" * 11)) == (
        "The message has 11 characters; the surgery takes 10.",
        "Make it shorter.",
    )


@pytest.mark.parametrize(
    ("limits", "message", "hint"),
    [
        (Limits(attachment=8), "rash.jpg has 9 bytes; the surgery takes 8.", "Make it smaller."),
        (
            Limits(types=("application/pdf", "image/png")),
            "The surgery does not take rash.jpg: it is image/jpeg.",
            "It takes application/pdf, image/png.",
        ),
    ],
)
def test_a_file_that_the_surgery_does_not_take_is_refused(limits, message, hint):
    limited = offers(replace(OPEN, limits=limits))
    assert refused_by(InvalidUsage, mail_portal(limited), a_new_thread(WORDS, PHOTO)) == (
        message,
        hint,
    )


@pytest.mark.parametrize("types", [("image/jpeg",), ("Image/JPEG",), ("image/*",), ("*/*",), ()])
def test_a_file_of_a_type_that_the_surgery_takes_goes_along(types):
    limited = offers(replace(OPEN, limits=Limits(attachment=9, types=types)))
    assert decide(mail_portal(limited), a_new_thread(WORDS, PHOTO)).action


EARLIER = a_conversation(
    a_message(attachments=(an_attachment(),)), kind=ADMINISTRATIVE, subject="Rash"
)


def test_the_same_request_again_is_done_already():
    portal = mail_portal(CAN, earlier=EARLIER)
    decision = decide(portal, a_new_thread(f"  {WORDS}\n", PHOTO), repeated=True)
    assert decision == Outcome(EARLIER, changed=False)
    assert portal.mailbox.calls == [("fetch_thread_facts", INTENT, ADMINISTRATIVE)]


def test_without_a_request_id_nothing_earlier_is_looked_for():
    portal = mail_portal(CAN, earlier=EARLIER)
    decide(portal)
    assert portal.mailbox.calls == [("fetch_thread_facts", None, ADMINISTRATIVE)]


def test_done_already_needs_no_offer_any_more():
    decision = decide(
        mail_portal(offers(), earlier=EARLIER), a_new_thread(WORDS, PHOTO), repeated=True
    )
    assert decision == Outcome(EARLIER, changed=False)


@pytest.mark.parametrize(
    "new_thread",
    [
        a_new_thread(WORDS),
        a_new_thread("Something else", PHOTO),
        a_new_thread(WORDS, PHOTO, subject="Knee"),
        a_new_thread(WORDS, PHOTO, PHOTO),
        a_new_thread(WORDS, replace(PHOTO, name="other.jpg")),
        a_new_thread(WORDS, replace(PHOTO, content=b"\xff\xd8 a cat!")),
        a_new_thread(WORDS, AttachedFile("rash.jpg", "image/jpeg", b"shorter")),
    ],
)
def test_the_same_request_id_for_another_message_is_a_conflict(new_thread):
    message, _ = refused_by(Conflict, mail_portal(CAN, earlier=EARLIER), new_thread, repeated=True)
    assert message == "This --request-id was used for something else: thread thr-1."


def test_the_same_request_id_for_another_kind_or_gp_is_a_conflict():
    other_kind = mail_portal(CAN, earlier=a_conversation(a_message()))
    refused_by(Conflict, other_kind, repeated=True)
    other_gp = mail_portal(BOTH, earlier=EARLIER)
    refused_by(Conflict, other_gp, a_new_thread(WORDS, PHOTO), repeated=True, gp="dahl")


def test_files_that_the_portal_keeps_elsewhere_are_compared_by_name_and_size():
    elsewhere = replace(an_attachment(), content=None, source="Binary/1")
    there = a_conversation(a_message(attachments=(elsewhere,)), kind=ADMINISTRATIVE)
    decision = decide(mail_portal(CAN, earlier=there), a_new_thread(WORDS, PHOTO), repeated=True)
    assert decision == Outcome(there, changed=False)


HALF = a_conversation(kind=ADMINISTRATIVE)


def test_a_thread_whose_message_never_arrived_is_completed_with_the_same_intent():
    begun = Conversation(HALF.thread, ())
    portal = mail_portal(CAN, earlier=begun, half=True)

    confirm_and_send(
        decide(portal, repeated=True), Agreement(yes=True), ScriptedAsker(), lambda _: None
    )

    assert portal.sent == [("send_thread", ADMINISTRATIVE, OPEN.id, "Rash", Draft(WORDS), INTENT)]


def test_a_thread_that_was_begun_about_something_else_is_a_conflict():
    begun = Conversation(replace(HALF.thread, subject="Knee"), ())
    refused_by(Conflict, mail_portal(CAN, earlier=begun, half=True), repeated=True)
