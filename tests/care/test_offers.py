from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gpcli.care.offers import (
    choose_service,
    filter_by_gp,
    find_hidden_commands,
    has_name,
    has_no_online_service,
    list_services,
    parse_service,
    require_service,
)
from gpcli.errors import (
    ConsentNeeded,
    InputNeeded,
    InvalidUsage,
    NotFound,
    NotOffered,
    NotPermitted,
    OffForNow,
)
from gpcli.model.service import (
    Absence,
    ConsentLevel,
    OpeningHours,
    Service,
    ServiceName,
    Standing,
)
from tests.care.builders import BERG, DAHL, NOW, ScriptedAsker, a_price, an_offer, at, offers

BOOKING = ServiceName.BOOKING
ENQUIRY = ServiceName.BOOKING_ENQUIRY
FLU = ServiceName.FLU_VACCINATION
BOTH = (BERG, DAHL)
NOT_SUPPORTED = {"supported": (), "permitted": ()}
WEEK_OFF = Absence("Leave", at("2026-11-30 08:00"), at("2026-12-07 08:00"))


def hidden_with(refused):
    return refused.value.message, refused.value.hint


def standing_of(known, name=BOOKING, now=NOW):
    (service,) = (each for each in list_services(known, now) if each.service is name)
    return service


def test_an_offered_service_says_all_that_is_known_of_it():
    over = Absence("Leave", None, at("2026-11-30 08:00"))
    coming = Absence("Leave", at("2026-12-24 08:00"), None)
    hours = (OpeningHours(("mon",), "08:00", None),)
    told = {"service_name": "Times", "details": "Bring your card.", "hours": hours}
    offer = an_offer(
        channels=("in-person",),
        answer_time="two days",
        eligibility=("Adults",),
        absences=(over, coming),
        exceptions=("Closed at Easter",),
        **told,
    )
    known = offers(offer, prices={"booking": a_price()})

    assert standing_of(known) == Service(
        service=BOOKING,
        status=Standing.OFFERED,
        surgery=BERG,
        price=a_price(),
        answer_time="two days",
        channels=("in-person",),
        eligibility=("Adults",),
        command="gpcli book",
        offer=offer,
        exceptions=("Closed at Easter",),
        absences=(coming,),
        **told,
    )


def test_there_is_one_row_for_each_gp_and_service_in_the_order_of_the_services():
    services = list_services(offers(surgeries=BOTH), NOW)

    wanted = [(gp.id, name) for gp in BOTH for name in ServiceName]
    assert [(service.surgery.id, service.service) for service in services] == wanted


def test_without_a_gp_there_are_no_rows():
    assert list_services(offers(surgeries=()), NOW) == ()


@pytest.mark.parametrize(
    ("offer", "known", "standing", "reason"),
    [
        (None, {}, "not_offered", "does not offer booking of times online"),
        ({"active": False}, {}, "not_offered", "does not offer booking of times online"),
        ({"absences": (WEEK_OFF,)}, {}, "off_for_now", "has switched off booking of times"),
        ({}, {"consent": ConsentLevel.BASIC}, "consent_needed", "consent to Full Access"),
        ({}, {"consent": ConsentLevel.BASIC_PLUS}, "consent_needed", "consent to Full Access"),
        ({}, {"permitted": ()}, "not_permitted", "Your sign-in does not allow booking of times"),
        ({}, NOT_SUPPORTED, "not_permitted", "description lists nothing that allows booking"),
        ({}, {}, "offered", None),
    ],
)
def test_each_standing_comes_with_its_reason(offer, known, standing, reason):
    service = standing_of(offers(*([] if offer is None else [an_offer(**offer)]), **known))

    assert service.status == standing
    assert service.reason is None if reason is None else reason in service.reason


def test_of_several_reasons_the_first_in_order_is_given():
    worst = {"consent": ConsentLevel.BASIC, "permitted": ()}

    gone = standing_of(offers(an_offer(active=False, absences=(WEEK_OFF,)), **worst))
    off = standing_of(offers(an_offer(absences=(WEEK_OFF,)), **worst))
    no_consent = standing_of(offers(an_offer(), **worst))

    assert [gone.status, off.status, no_consent.status] == [
        "not_offered",
        "off_for_now",
        "consent_needed",
    ]


def test_off_for_now_says_from_when_until_when_and_why():
    service = standing_of(offers(an_offer(absences=(WEEK_OFF,))))

    assert (service.reason, service.off_from, service.off_until) == (
        "Kari Berg, Nordby legesenter has switched off booking of times from "
        "Mon 30 Nov 2026 08:00 until Mon 7 Dec 2026 08:00 (Leave).",
        WEEK_OFF.start,
        WEEK_OFF.end,
    )


def test_off_for_now_words_the_portals_utc_times_in_the_surgerys_zone():
    ends = datetime(2026, 12, 7, 7, 0, tzinfo=UTC)

    service = standing_of(offers(an_offer(absences=(Absence(None, None, ends),))))

    assert service.reason.endswith("has switched off booking of times until Mon 7 Dec 2026 08:00.")
    assert service.off_until.tzinfo is UTC


def test_an_absence_without_ends_lasts():
    service = standing_of(offers(an_offer(absences=(Absence(None, None, None),))))

    assert service.status is Standing.OFF_FOR_NOW
    assert service.reason == "Kari Berg, Nordby legesenter has switched off booking of times."


@pytest.mark.parametrize(
    ("now", "standing"),
    [
        (WEEK_OFF.start - timedelta(seconds=1), "offered"),
        (WEEK_OFF.start, "off_for_now"),
        (WEEK_OFF.end - timedelta(seconds=1), "off_for_now"),
        (WEEK_OFF.end, "offered"),
    ],
)
def test_an_absence_begins_with_its_first_moment_and_is_over_with_its_last(now, standing):
    known = offers(an_offer(absences=(WEEK_OFF,)))

    assert standing_of(known, now=now).status == standing


def test_a_service_that_no_gp_offers_is_refused_with_the_gp_and_the_number_to_call():
    with pytest.raises(NotOffered) as refused:
        require_service(offers(), BOOKING, NOW)

    assert hidden_with(refused) == (
        "Kari Berg, Nordby legesenter does not offer booking of times online.",
        "Call the surgery instead: +47 21 00 00 01.",
    )


def test_a_service_that_neither_of_two_gps_offers_names_both_and_both_numbers():
    with pytest.raises(NotOffered) as refused:
        require_service(offers(surgeries=BOTH), BOOKING, NOW)

    assert hidden_with(refused) == (
        "Kari Berg, Nordby legesenter and Per Dahl, Sydby legekontor do not offer booking of "
        "times online.",
        "Call the surgery instead: +47 21 00 00 01 or +47 21 00 00 02.",
    )


def test_who_has_no_gp_is_told_so():
    with pytest.raises(NotOffered) as refused:
        require_service(offers(surgeries=()), BOOKING, NOW)

    assert hidden_with(refused) == (
        "You have no GP, so nobody offers you booking of times.",
        "gpcli gp shows what the portal knows of your GP.",
    )


@pytest.mark.parametrize(
    ("offer", "known", "error", "hint"),
    [
        ({"absences": (WEEK_OFF,)}, {}, OffForNow, "Call the surgery instead: +47 21 00 00 01."),
        (
            {"absences": (WEEK_OFF,), "phones": ("+47 21 00 00 09",)},
            {},
            OffForNow,
            "Call the surgery instead: +47 21 00 00 09.",
        ),
        ({}, {"consent": ConsentLevel.BASIC}, ConsentNeeded, "gpcli consent grant"),
        ({}, {"permitted": ()}, NotPermitted, "gpcli login"),
        ({}, NOT_SUPPORTED, NotPermitted, "Call the surgery instead: +47 21 00 00 01."),
    ],
)
def test_each_other_reason_has_its_error_and_its_cure(offer, known, error, hint):
    known = offers(an_offer(**offer), **known)

    with pytest.raises(error) as refused:
        require_service(known, BOOKING, NOW)

    assert hidden_with(refused) == (standing_of(known).reason, hint)


def test_of_two_gps_the_reason_that_is_nearest_to_a_cure_is_given():
    here = an_offer(absences=(WEEK_OFF,))
    there = an_offer(surgery=DAHL)

    with pytest.raises(ConsentNeeded):
        require_service(
            offers(here, there, surgeries=BOTH, consent=ConsentLevel.BASIC), BOOKING, NOW
        )


def test_a_service_is_usable_at_the_gp_who_offers_it_though_the_other_does_not():
    known = offers(an_offer(surgery=DAHL), surgeries=BOTH)

    assert [service.surgery for service in require_service(known, BOOKING, NOW)] == [DAHL]


def test_the_only_gp_is_chosen_without_a_question():
    asker = ScriptedAsker()

    assert choose_service(offers(an_offer()), BOOKING, NOW, None, asker).surgery == BERG
    assert asker.questions == []


def test_between_two_gps_the_person_is_asked():
    asker = ScriptedAsker(["gp-dahl"])
    known = offers(an_offer(), an_offer(surgery=DAHL), surgeries=BOTH)

    chosen = choose_service(known, BOOKING, NOW, None, asker)

    assert chosen.surgery == DAHL
    assert asker.questions == [
        (
            "Several of your GPs offer booking of times: Kari Berg, Nordby legesenter; "
            "Per Dahl, Sydby legekontor. Which one?",
            "--gp",
            (
                ("gp-berg", "Kari Berg, Nordby legesenter"),
                ("gp-dahl", "Per Dahl, Sydby legekontor"),
            ),
        )
    ]


def test_between_two_gps_and_nobody_to_ask_both_are_named_with_the_flag():
    known = offers(an_offer(), an_offer(surgery=DAHL), surgeries=BOTH)

    with pytest.raises(InputNeeded) as needed:
        choose_service(known, BOOKING, NOW, None, ScriptedAsker())

    assert hidden_with(needed) == (
        "Several of your GPs offer booking of times: Kari Berg, Nordby legesenter; "
        "Per Dahl, Sydby legekontor.",
        "Name one: --gp 'Kari Berg'.",
    )


@pytest.mark.parametrize("words", ["dahl", "gp-dahl", "Sydby", " PER DAHL "])
def test_a_gp_is_named_by_id_or_part_of_a_name(words):
    known = offers(an_offer(), an_offer(surgery=DAHL), surgeries=BOTH)

    assert choose_service(known, BOOKING, NOW, words, ScriptedAsker()).surgery == DAHL


def test_the_named_gp_who_does_not_offer_it_is_refused_alone():
    known = offers(an_offer(), surgeries=BOTH)

    with pytest.raises(NotOffered) as refused:
        choose_service(known, BOOKING, NOW, "Dahl", ScriptedAsker())

    assert hidden_with(refused) == (
        "Per Dahl, Sydby legekontor does not offer booking of times online.",
        "Call the surgery instead: +47 21 00 00 02.",
    )


@pytest.mark.parametrize("words", ["Strand", "", "  "])
def test_an_unknown_or_empty_gp_is_not_found_and_the_known_ones_are_named(words):
    with pytest.raises(NotFound) as missing:
        filter_by_gp(offers(surgeries=BOTH), words)

    assert hidden_with(missing) == (
        f"You have no GP called '{words}'.",
        "Your GPs: Kari Berg, Nordby legesenter; Per Dahl, Sydby legekontor.",
    )


def test_who_has_no_gp_is_told_so_whichever_gp_they_name():
    with pytest.raises(NotOffered, match="You have no GP"):
        choose_service(offers(surgeries=()), BOOKING, NOW, "Berg", ScriptedAsker())


def test_nothing_is_a_name_for_no_gp():
    assert [has_name(BERG, words) for words in ("", " ", "kari", "gp-berg", "gp-ber")] == [
        False,
        False,
        True,
        True,
        False,
    ]


STARTS = {"slots": (BOOKING,), "book": (BOOKING, ENQUIRY), "flu": (FLU,)}


def test_commands_are_hidden_whose_services_no_gp_offers():
    known = offers(an_offer(ENQUIRY))

    assert find_hidden_commands(known, NOW, STARTS) == {
        "slots": "Kari Berg, Nordby legesenter does not offer booking of times online. "
        "Call the surgery instead: +47 21 00 00 01.",
        "flu": "Kari Berg, Nordby legesenter does not offer flu vaccination online. "
        "Call the surgery instead: +47 21 00 00 01.",
    }


@pytest.mark.parametrize(
    ("offer", "known"),
    [
        ({"absences": (WEEK_OFF,)}, {}),
        ({}, {"consent": ConsentLevel.BASIC}),
        ({}, {"permitted": ()}),
    ],
)
def test_what_is_off_or_lacks_consent_or_permission_stays_visible(offer, known):
    known = offers(an_offer(**offer), **known)

    assert find_hidden_commands(known, NOW, {"slots": (BOOKING,)}) == {}


def test_a_command_stays_visible_when_one_of_two_gps_offers_its_service():
    known = offers(an_offer(surgery=DAHL), surgeries=BOTH)

    assert find_hidden_commands(known, NOW, {"slots": (BOOKING,)}) == {}


def test_without_a_gp_every_starting_command_is_hidden_and_says_why():
    why = "gpcli gp shows what the portal knows of your GP."

    assert find_hidden_commands(offers(surgeries=()), NOW, STARTS) == {
        "slots": f"You have no GP, so nobody offers you booking of times. {why}",
        "book": f"You have no GP, so nobody offers you booking of times. {why}",
        "flu": f"You have no GP, so nobody offers you flu vaccination. {why}",
    }


def test_a_service_is_called_by_its_code():
    assert parse_service("flu-vaccination") is FLU


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("flu", "; did you mean 'flu-vaccination'?"),
        ("Booking", "; did you mean 'booking'?"),
        ("", "."),
    ],
)
def test_an_unknown_service_names_the_nearest_and_all_that_there_are(word, end):
    with pytest.raises(InvalidUsage) as wrong:
        parse_service(word)

    assert hidden_with(wrong) == (
        f"There is no service '{word}'{end}",
        "The services are e-consultation, contact, prescription-renewal, booking, "
        "booking-enquiry, cancellation, flu-vaccination.",
    )


def test_nothing_is_digital_only_when_no_row_is_more_than_not_offered():
    assert has_no_online_service(list_services(offers(), NOW))
    assert has_no_online_service(())
    off = list_services(offers(an_offer(absences=(WEEK_OFF,))), NOW)
    assert not has_no_online_service(off)


def test_a_surgery_without_a_phone_gets_no_hint_to_call():
    quiet = BERG.__class__("gp-quiet", "Ola Lie", None)

    with pytest.raises(NotOffered) as refused:
        require_service(offers(surgeries=(quiet,)), BOOKING, NOW)

    assert hidden_with(refused) == ("Ola Lie does not offer booking of times online.", "")


def test_nothing_is_hidden_when_a_record_could_not_be_read():
    nothing = replace(offers(), offers=())

    assert set(find_hidden_commands(nothing, NOW, STARTS)) == set(STARTS)
    assert find_hidden_commands(replace(nothing, complete=False), NOW, STARTS) == {}


@pytest.mark.parametrize(
    ("offered", "hidden"),
    [
        ((BOOKING, ServiceName.CANCELLATION), set()),
        ((FLU, ServiceName.CANCELLATION), set()),
        ((BOOKING,), {"move"}),
        ((ServiceName.CANCELLATION,), {"move"}),
        ((), {"move"}),
    ],
)
def test_a_command_that_needs_another_service_too_is_hidden_without_it(offered, hidden):
    known = offers(*map(an_offer, offered))
    starts, needs = {"move": (BOOKING, FLU)}, {"move": (ServiceName.CANCELLATION,)}
    assert set(find_hidden_commands(known, NOW, starts, needs)) == hidden
