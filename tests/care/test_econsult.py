from dataclasses import replace
from decimal import Decimal

import pytest

from gpcli.care.confirmation import Agreement, Charge, Outcome, confirm_and_send
from gpcli.care.econsult import (
    find_text_limit,
    group_by_channel,
    parse_channel,
    propose_timed_consultation,
    propose_written_consultation,
)
from gpcli.errors import (
    AlreadyBooked,
    Conflict,
    FeeNotAccepted,
    InputNeeded,
    InvalidUsage,
    NotOffered,
    OffForNow,
)
from gpcli.model.appointment import Window
from gpcli.model.service import Absence, Limits, Price, Rate, ServiceName, Surcharge
from gpcli.model.thread import Draft, ThreadKind
from tests.care.builders import (
    BERG,
    DAHL,
    INTENT,
    NOW,
    ScriptedAsker,
    a_price,
    a_search,
    an_appointment,
    an_offer,
    at,
    offers,
)
from tests.care.messages import (
    WORDS,
    a_conversation,
    a_message,
    a_message_context,
    a_new_thread,
    a_thread,
    a_thread_request,
    mail_portal,
)

ECONSULT = ServiceName.E_CONSULTATION
FEE = (Surcharge("Invoice fee", Decimal(69)),)
PRICE = Price(
    Decimal(0),
    Decimal("391.50"),
    "NOK",
    (
        Rate("Before 16:00", Decimal(253), FEE),
        Rate("In the evening", Decimal("391.50"), (*FEE, Surcharge(None, Decimal(5)))),
        Rate("Under 16", Decimal(0)),
        Rate(None, Decimal(100)),
    ),
)
OPEN = an_offer(ECONSULT, answer_time="Within five working days.")
CAN = offers(OPEN, prices={ECONSULT: PRICE})
WEEK = Window(at("2026-12-01 09:00"), at("2026-12-08 23:59:59"))
RATES = (
    ("Price", PRICE),
    ("Rate", "Before 16:00: NOK 253 (of which Invoice fee NOK 69)"),
    ("Rate", "In the evening: NOK 391.50 (of which Invoice fee NOK 69, a surcharge NOK 5)"),
    ("Rate", "Under 16: free"),
    ("Rate", "NOK 100"),
)


def write(portal, new_thread=None, asker=None, tells_all=False, **changes):
    context = a_message_context(portal, asker, tells_all=tells_all)
    return propose_written_consultation(
        context, new_thread or a_new_thread(), a_thread_request(**changes)
    )


def ask_for(
    portal, way="video", new_thread=None, asker=None, search=None, tells_all=False, **changes
):
    wished = search or a_search(last="+7d")
    context = a_message_context(portal, asker, tells_all=tells_all)
    return propose_timed_consultation(
        context, new_thread or a_new_thread(), a_thread_request(**changes), way, wished
    )


def refused_by(error, portal, decide, **changes):
    """The message and the hint of the refusal; nothing must have been sent."""
    with pytest.raises(error) as refused:
        decide(portal, **changes)
    assert portal.sent == []
    return refused.value.message, refused.value.hint


@pytest.mark.parametrize(
    ("word", "way"),
    [
        ("text", "text"),
        ("phone", "phone"),
        ("audio", "phone"),
        ("video", "video"),
        (" VIDEO ", "video"),
    ],
)
def test_ways_have_their_words(word, way):
    assert parse_channel(word) == way


@pytest.mark.parametrize("word", ["", "in-person", "fax", "tekst"])
def test_another_word_is_no_way(word):
    with pytest.raises(InvalidUsage) as refused:
        parse_channel(word)
    assert refused.value.hint == "The words are text, phone, video."


def test_in_writing_the_plan_spells_the_price_out_and_it_is_a_charge():
    decision = write(mail_portal(CAN))

    assert (decision.action, decision.rows, decision.charge) == (
        "Start an e-consultation in writing",
        (
            ("Surgery", "Kari Berg, Nordby legesenter"),
            ("For", "Ada Nordmann"),
            ("By", None),
            ("Subject", "Rash"),
            ("Message", "38 characters"),
            ("Answer", "Within five working days."),
            *RATES,
        ),
        Charge("An e-consultation", PRICE),
    )


@pytest.mark.parametrize("decide", [write, ask_for])
def test_yes_alone_does_not_agree_to_the_charge(decide):
    portal = mail_portal(CAN)
    with pytest.raises(FeeNotAccepted, match=r"up to NOK 391.50"):
        confirm_and_send(decide(portal), Agreement(yes=True), ScriptedAsker(), lambda _: None)
    assert portal.sent == []


@pytest.mark.parametrize("decide", [write, ask_for])
@pytest.mark.parametrize("accepted", ["1000", None])
def test_a_price_that_nobody_knows_needs_any(decide, accepted):
    portal = mail_portal(offers(OPEN))
    decision = decide(portal)
    assert decision.rows[-1] == ("Price", None)
    with pytest.raises(FeeNotAccepted, match="an unknown amount"):
        confirm_and_send(
            decision, Agreement(yes=True, accept_fee=accepted), ScriptedAsker(), lambda _: None
        )
    confirm_and_send(
        decision, Agreement(yes=True, accept_fee="any"), ScriptedAsker(), lambda _: None
    )
    assert len(portal.sent) == 1


@pytest.mark.parametrize("decide", [write, ask_for])
def test_a_price_that_rises_while_a_person_reads_the_plan_stops_it(decide):
    portal = mail_portal(CAN)
    decision = decide(portal)
    portal.offered = offers(OPEN, prices={ECONSULT: a_price("0", "391.51")})
    with pytest.raises(FeeNotAccepted, match="has risen meanwhile"):
        confirm_and_send(decision, Agreement(), ScriptedAsker([True]), lambda _: None)
    assert portal.sent == []


@pytest.mark.parametrize("decide", [write, ask_for])
def test_one_plain_rate_is_the_price_itself(decide):
    plain = Price(Decimal(100), Decimal(100), "NOK", (Rate("Always", Decimal(100)),))
    decision = decide(mail_portal(offers(OPEN, prices={ECONSULT: plain})))
    assert decision.rows[-1] == ("Price", plain)


def test_in_writing_it_is_sent_as_an_e_consultation():
    portal = mail_portal(CAN)
    confirm_and_send(
        write(portal), Agreement(yes=True, accept_fee="400"), ScriptedAsker(), lambda _: None
    )
    assert portal.sent == [
        ("send_thread", ThreadKind.E_CONSULTATION, OPEN.id, "Rash", Draft(WORDS), INTENT)
    ]


def test_the_same_in_writing_again_is_done_already():
    there = a_conversation(a_message())
    portal = mail_portal(CAN, earlier=there)
    assert write(portal, repeated=True) == Outcome(there, changed=False)


def test_the_same_request_id_for_other_words_is_a_conflict():
    portal = mail_portal(CAN, earlier=a_conversation(a_message(text="Another thing")))
    refused_by(Conflict, portal, write, repeated=True)


def test_one_that_was_begun_is_completed_or_a_conflict():
    begun = replace(a_conversation(), messages=())
    assert write(mail_portal(CAN, earlier=begun, half=True), repeated=True).action
    other = mail_portal(CAN, earlier=begun, half=True)
    refused_by(Conflict, other, write, new_thread=a_new_thread(subject="Knee"), repeated=True)


def test_at_a_time_the_plan_shows_the_requested_time_and_the_charge():
    decision = ask_for(mail_portal(CAN))

    assert (decision.action, decision.rows, decision.charge) == (
        "Ask for an e-consultation by video",
        (
            ("Surgery", "Kari Berg, Nordby legesenter"),
            ("For", "Ada Nordmann"),
            ("By", None),
            ("Wished", WEEK),
            ("On e-consultations", None),
            ("Subject", "Rash"),
            ("Message", "38 characters"),
            ("Answer", "Within five working days."),
            *RATES,
        ),
        Charge("An e-consultation", PRICE),
    )
    preview = decision.preview
    assert (preview.id, preview.status, preview.channel, preview.requested, preview.reason) == (
        None,
        "proposed",
        "video",
        (WEEK,),
        WORDS,
    )


PHONES = ("+47 000 00 001", "+47 000 00 002", "+47 000 00 003")


@pytest.mark.parametrize(
    ("phones", "words"),
    [
        ((), "the portal gives none: write it in the message"),
        (PHONES[:1], "+47 000 00 001, as the portal has it"),
        (PHONES, "+47 000 00 001 (and 2 more), as the portal has it"),
    ],
)
def test_by_phone_the_plan_says_when_and_on_which_number_the_portal_has(phones, words):
    rows = ask_for(mail_portal(CAN, phones=phones), "phone", asker=ScriptedAsker([True])).rows
    assert rows[3:6] == (("Wished", WEEK), ("Phone", words), ("Who calls", None))


@pytest.mark.parametrize(
    ("phones", "words"),
    [
        ((), "the portal gives none: write it in the message"),
        (PHONES[:1], "the portal has one"),
        (PHONES, "the portal has 3"),
    ],
)
def test_no_number_stands_in_a_scripts_log(phones, words):
    portal = mail_portal(CAN, phones=phones)
    assert dict(ask_for(portal, "phone").rows)["Phone"] == words


def test_a_dry_run_shows_the_number():
    portal = mail_portal(CAN, phones=PHONES[:1])
    rows = dict(ask_for(portal, "phone", tells_all=True).rows)
    assert rows["Phone"] == "+47 000 00 001, as the portal has it"


@pytest.mark.parametrize("way", ["phone", "video"])
def test_who_calls_is_in_the_surgerys_own_words(way):
    calls = "The doctor calls you."
    rows = dict(ask_for(mail_portal(offers(replace(OPEN, details=calls))), way).rows)
    assert rows["On e-consultations"] == calls


@pytest.mark.parametrize(("way", "words"), [("phone", "the portal does not say"), ("video", None)])
def test_who_calls_is_not_made_up(way, words):
    silent = offers(replace(OPEN, answer_time=None))
    assert dict(ask_for(mail_portal(silent), way).rows).get("Who calls") == words


def test_other_ways_need_no_number():
    assert "Phone" not in dict(ask_for(mail_portal(CAN, phones=PHONES), "video").rows)
    assert "Phone" not in dict(write(mail_portal(CAN, phones=PHONES)).rows)


@pytest.mark.parametrize("way", ["phone", "video"])
def test_at_a_time_the_request_names_the_way_and_the_subject(way):
    portal = mail_portal(CAN)
    decision = ask_for(portal, way)
    confirm_and_send(
        decision, Agreement(yes=True, accept_fee="any"), ScriptedAsker(), lambda _: None
    )
    assert portal.sent == [("send_enquiry", OPEN.id, (WEEK,), WORDS, INTENT, way, "Rash")]


def test_at_a_time_the_subject_is_the_receipts_too():
    assert ask_for(mail_portal(CAN)).preview.subject == "Rash"


@pytest.mark.parametrize("decide", [write, ask_for])
@pytest.mark.parametrize(
    ("asker", "tells_all", "service"),
    [
        (ScriptedAsker(), False, "38 characters"),
        (ScriptedAsker(), True, "It itches since Monday. (38 characters)"),
        (ScriptedAsker(["y"]), False, "It itches since Monday. (38 characters)"),
    ],
)
def test_the_plan_shows_how_the_message_begins_except_in_a_scripts_log(
    decide, asker, tells_all, service
):
    decision = decide(mail_portal(CAN), asker=asker, tells_all=tells_all)
    assert dict(decision.rows)["Message"] == service


def test_one_character_is_counted_as_one():
    assert (
        dict(write(mail_portal(CAN), new_thread=a_new_thread("?")).rows)["Message"] == "1 character"
    )


def test_at_a_time_a_subject_is_enough():
    portal = mail_portal(CAN)
    decision = ask_for(portal, new_thread=a_new_thread(""))
    confirm_and_send(
        decision, Agreement(yes=True, accept_fee="any"), ScriptedAsker(), lambda _: None
    )
    assert "Message" not in dict(decision.rows)
    assert portal.sent == [("send_enquiry", OPEN.id, (WEEK,), "Rash", INTENT, "video", "Rash")]


def test_hours_and_weekdays_are_requested_day_by_day():
    search = a_search(last="+7d", weekdays=["fri"], between="08:00-10:00")
    decision = ask_for(mail_portal(CAN), search=search)
    assert decision.preview.requested == (Window(at("2026-12-04 08:00"), at("2026-12-04 10:00")),)


def test_a_requested_time_in_the_past_is_refused():
    search = a_search(first="2026-11-01", last="2026-11-02")
    message, _ = refused_by(InvalidUsage, mail_portal(CAN), ask_for, search=search)
    assert message == "All of the wished time is past."


def test_a_message_that_is_too_long_is_refused_at_a_time_too():
    portal = mail_portal(offers(replace(OPEN, limits=Limits(text=5))))
    refused_by(InvalidUsage, portal, ask_for)
    refused_by(InvalidUsage, portal, write)


UNDER_WAY = an_appointment("con-1", None, service="e-consultation", channel="phone")


@pytest.mark.parametrize(
    "there",
    [
        UNDER_WAY,
        an_appointment("con-1", service="e-consultation"),
        replace(UNDER_WAY, surgery_id=None),
    ],
)
def test_with_one_under_way_a_second_needs_another(there):
    portal = mail_portal(CAN, appointments=(there,))
    assert refused_by(AlreadyBooked, portal, ask_for) == (
        "There is already an e-consultation under way: con-1.",
        "gpcli appointments show con-1; to ask for one more, add --another.",
    )
    assert ask_for(portal, another=True).action


@pytest.mark.parametrize(
    "there",
    [
        an_appointment("app-1"),
        replace(UNDER_WAY, status="cancelled"),
        replace(UNDER_WAY, surgery_id=DAHL.id),
        an_appointment("con-1", "2026-11-30 08:20", service="e-consultation"),
    ],
)
def test_what_is_something_else_or_over_does_not_stand_in_the_way(there):
    assert ask_for(mail_portal(CAN, appointments=(there,))).action


BEGUN = a_thread("thr-7", started=at("2026-11-30 09:30"), unread_count=0)


@pytest.mark.parametrize(
    "begun",
    [
        BEGUN,
        replace(BEGUN, subject=" Rash "),
        replace(BEGUN, surgery_id=None),
        replace(BEGUN, status="on-hold"),
    ],
)
def test_one_in_writing_with_the_same_subject_on_the_same_day_needs_another(begun):
    portal = mail_portal(CAN, under_way=(begun,))
    assert refused_by(AlreadyBooked, portal, write) == (
        "An e-consultation with the same subject was started within the last day: thr-7.",
        "gpcli messages reply thr-7 adds to it; for one more, add --another.",
    )
    assert write(portal, another=True).action


def test_one_in_writing_that_does_not_tell_when_it_was_started_is_only_called_open():
    portal = mail_portal(CAN, under_way=(replace(BEGUN, started=None),))
    message, _ = refused_by(AlreadyBooked, portal, write)
    assert message == "An e-consultation with the same subject is open: thr-7."


@pytest.mark.parametrize(
    "begun",
    [
        replace(BEGUN, subject="Knee"),
        replace(BEGUN, subject=None),
        replace(BEGUN, surgery_id=DAHL.id),
        replace(BEGUN, started=at("2026-11-30 09:00")),
    ],
)
def test_one_in_writing_about_something_else_or_of_another_day_does_not_stand_in_the_way(begun):
    assert write(mail_portal(CAN, under_way=(begun,))).action


def test_one_that_was_only_begun_is_not_in_the_way_of_its_own_completion():
    half = replace(a_conversation(), messages=())
    portal = mail_portal(CAN, earlier=half, half=True, under_way=(BEGUN,))
    assert write(portal, repeated=True).action


@pytest.mark.parametrize(
    ("changes", "decide", "what"),
    [
        ({"appointment": "con-1"}, write, "con-1"),
        ({"begun": "thr-1"}, ask_for, "thread thr-1"),
    ],
)
def test_the_same_request_id_for_another_way_is_a_conflict(changes, decide, what):
    message, _ = refused_by(Conflict, mail_portal(CAN, **changes), decide, repeated=True)
    assert message == f"This --request-id was used for something else: {what}."


SAME = replace(UNDER_WAY, channel="video", reason=WORDS, subject="Rash")


def test_the_same_request_at_a_time_again_is_done_already():
    portal = mail_portal(CAN, appointments=(SAME,))
    portal.earlier = SAME
    assert ask_for(portal, repeated=True) == Outcome(SAME, changed=False)


@pytest.mark.parametrize(
    "earlier",
    [
        replace(SAME, channel="phone"),
        replace(SAME, reason="Another thing"),
        replace(SAME, subject="Knee"),
        replace(SAME, service="booking-enquiry"),
    ],
)
def test_the_same_request_id_for_another_request_is_a_conflict(earlier):
    portal = mail_portal(CAN)
    portal.earlier = earlier
    message, _ = refused_by(Conflict, portal, ask_for, repeated=True)
    assert message == "This --request-id was used for something else: con-1."


def test_the_same_request_at_a_time_again_is_none_where_that_one_was_withdrawn():
    portal = mail_portal(CAN)
    portal.earlier = replace(SAME, status="cancelled")
    message, _ = refused_by(Conflict, portal, ask_for, repeated=True)
    assert message == "This --request-id was used before: con-1 is cancelled now."


def test_the_same_request_id_at_another_gp_is_a_conflict():
    both = offers(OPEN, an_offer(ECONSULT, DAHL), surgeries=(BERG, DAHL))
    portal = mail_portal(both)
    portal.earlier = SAME
    refused_by(Conflict, portal, ask_for, repeated=True, gp="dahl")
    assert ask_for(portal, repeated=True, gp="berg") == Outcome(SAME, changed=False)


def only(*channels, gp=BERG):
    return an_offer(ECONSULT, gp, channels=channels)


@pytest.mark.parametrize(
    ("channels", "decide", "message", "hint"),
    [
        (
            ("video", "phone"),
            write,
            "Kari Berg, Nordby legesenter takes e-consultations by phone or by video, "
            "not in writing.",
            "gpcli econsult start --via phone",
        ),
        (
            ("text",),
            ask_for,
            "Kari Berg, Nordby legesenter takes e-consultations in writing, not by video.",
            "gpcli econsult start --via text",
        ),
        (
            ("telex",),
            write,
            "Kari Berg, Nordby legesenter takes e-consultations in ways that gpcli does not know, "
            "not in writing.",
            "gpcli services",
        ),
    ],
)
def test_a_way_that_the_gp_does_not_take_is_refused_and_the_others_named(
    channels, decide, message, hint
):
    portal = mail_portal(offers(only(*channels)))
    assert refused_by(NotOffered, portal, decide) == (message, hint)


def test_of_two_gps_the_one_who_takes_it_this_way_is_meant():
    both = offers(only("text"), only("video", gp=DAHL), surgeries=(BERG, DAHL))
    portal = mail_portal(both)
    assert write(portal).rows[0] == ("Surgery", BERG.label)
    assert ask_for(portal).rows[0] == ("Surgery", DAHL.label)
    message, _ = refused_by(NotOffered, portal, ask_for, way="phone")
    assert message.endswith("take e-consultations in writing or by video, not by phone.")


def test_of_two_gps_who_take_it_one_must_be_named_or_picked():
    both = offers(only("text"), only("text", gp=DAHL), surgeries=(BERG, DAHL))
    refused_by(InputNeeded, mail_portal(both), write)
    assert write(mail_portal(both), asker=ScriptedAsker([DAHL.id])).rows[0] == (
        "Surgery",
        DAHL.label,
    )


@pytest.mark.parametrize("decide", [write, ask_for])
def test_what_is_off_is_refused_and_what_is_not_offered_too(decide):
    away = replace(OPEN, absences=(Absence("Leave", None, at("2026-12-10 00:00")),))
    refused_by(OffForNow, mail_portal(offers(away)), decide)
    refused_by(NotOffered, mail_portal(offers()), decide)


def gps_by_channel(known, gp=None):
    """The GPs who take each channel."""
    grouped = group_by_channel(known, gp, NOW)
    return {channel: [each.surgery for each in those] for channel, those in grouped.items()}


def test_the_ways_to_choose_from_are_those_that_a_gp_takes():
    both = offers(only("video", "telex"), only("text", gp=DAHL), surgeries=(BERG, DAHL))
    assert gps_by_channel(both, None) == {"text": [DAHL], "video": [BERG]}
    assert gps_by_channel(both, "berg") == {"video": [BERG]}
    assert gps_by_channel(offers(only())) == {"text": [BERG], "phone": [BERG], "video": [BERG]}


def test_where_no_way_is_known_there_is_none_to_choose():
    with pytest.raises(NotOffered, match="in ways that gpcli does not know"):
        group_by_channel(offers(only("telex")), None, NOW)


def test_a_way_is_checked_before_anybody_is_made_to_write():
    assert find_text_limit(offers(only("video")), None, "video", NOW) is None
    short = replace(only("video"), limits=Limits(text=50))
    both = offers(short, replace(only(gp=DAHL), limits=Limits(text=80)), surgeries=(BERG, DAHL))
    assert find_text_limit(both, None, "video", NOW) == 50
    with pytest.raises(NotOffered):
        find_text_limit(offers(only("video")), None, "text", NOW)
