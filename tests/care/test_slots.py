from contextlib import suppress
from datetime import date

import pytest

from gpcli.care.slots import fetch_slots, find_slot_service
from gpcli.errors import InputNeeded, InvalidUsage, NotFound, NotOffered, OffForNow
from gpcli.model.appointment import Actor
from gpcli.model.service import Absence, ServiceName
from tests.care.builders import (
    BERG,
    DAHL,
    NOW,
    FakePortal,
    ScriptedAsker,
    a_search,
    a_slot,
    an_offer,
    offers,
)

BOOKING = ServiceName.BOOKING
FLU = ServiceName.FLU_VACCINATION
AT_DAHL = an_offer(surgery=DAHL)
FLU_OFFER = an_offer(FLU)
BOTH = offers(an_offer(), AT_DAHL, FLU_OFFER, surgeries=(BERG, DAHL))

EARLY = a_slot("2026-12-02 08:00", "early")
LATE = a_slot("2026-12-04 14:00", "late")
ELSEWHERE = a_slot("2026-12-03 09:00", "elsewhere", AT_DAHL)


def find_owner(slot, *, known=BOTH, wanted=BOOKING, gp=None, asker=None):
    return find_slot_service(slot, known, wanted, NOW, gp, asker or ScriptedAsker())


def test_free_times_are_asked_for_at_every_gp_who_offers_them_in_one_question():
    portal = FakePortal(BOTH, slots=[EARLY, ELSEWHERE, LATE])

    found = list(fetch_slots(portal, BOOKING, a_search(last="+3d")))

    assert found == [EARLY, ELSEWHERE, LATE]
    assert portal.calls == [
        ("fetch_offers",),
        (
            "fetch_slots",
            ("gp-berg-booking", "gp-dahl-booking"),
            date(2026, 12, 1),
            date(2026, 12, 4),
        ),
    ]


def test_free_times_at_the_named_gp_only():
    portal = FakePortal(BOTH, slots=[EARLY, ELSEWHERE])

    assert list(fetch_slots(portal, BOOKING, a_search(), gp="Dahl")) == [ELSEWHERE]


def test_at_most_as_many_as_asked_for_and_no_more_are_read():
    search = a_search()
    unread = iter([EARLY, ELSEWHERE, LATE])

    assert list(search.select(unread, 1)) == [EARLY]
    assert list(unread) == [ELSEWHERE, LATE]


def test_a_gp_who_is_off_for_now_is_left_out_while_another_is_there():
    off = an_offer(absences=(Absence(None, None, None),))
    portal = FakePortal(offers(off, AT_DAHL, surgeries=(BERG, DAHL)), slots=[EARLY, ELSEWHERE])

    assert list(fetch_slots(portal, BOOKING, a_search())) == [ELSEWHERE]


def test_where_nobody_offers_it_no_time_is_asked_for():
    portal = FakePortal(offers())

    with pytest.raises(NotOffered):
        fetch_slots(portal, BOOKING, a_search())
    assert portal.calls == [("fetch_offers",)]


def test_an_unknown_gp_is_not_found():
    with pytest.raises(NotFound):
        fetch_slots(FakePortal(BOTH), BOOKING, a_search(), gp="Strand")


@pytest.mark.parametrize("start", ["2026-12-01 08:59", "2026-12-01 09:00"])
def test_what_has_begun_is_no_free_time(start):
    search = a_search()

    assert list(search.select([a_slot(start)])) == []
    assert search.removed == {"being in the past": 1}


def test_what_starts_in_a_minute_is_a_free_time():
    assert list(a_search().select([a_slot("2026-12-01 09:01")])) == [a_slot("2026-12-01 09:01")]


def test_no_free_times_at_all_says_what_was_searched():
    search = a_search()

    assert list(search.select([])) == []
    assert search.explain_none() == ("No free time from Tue 1 Dec 2026 to Tue 29 Dec 2026.")


def test_free_times_that_all_miss_are_counted_by_the_filter_that_took_them_out():
    search = a_search(weekdays=("thu",), between="08:00-10:00")
    free = [EARLY, LATE, a_slot("2026-12-03 11:00"), a_slot("2026-12-01 08:00")]

    assert list(search.select(free)) == []
    assert search.explain_none() == (
        "No free time from Tue 1 Dec 2026 to Tue 29 Dec 2026 fits: 4 free, all left out "
        "(2 by --weekday, 1 by --between, 1 by being in the past)."
    )


def test_a_search_has_begun_once_the_first_time_was_asked_for():
    search = a_search()
    picked = search.select([EARLY])

    before = search.started
    next(picked)

    assert (before, search.started) == (False, True)


def test_a_time_belongs_to_the_gp_whose_service_it_is_for():
    assert find_owner(ELSEWHERE).surgery == DAHL


def test_a_time_for_flu_belongs_to_the_flu_service_also_when_a_booking_was_meant():
    flu = a_slot(offer=FLU_OFFER)

    assert find_owner(flu).service is FLU
    assert find_owner(flu, wanted=FLU).service is FLU


def test_a_time_without_a_service_is_one_for_seeing_the_gp():
    assert find_owner(a_slot(service=None)).service is BOOKING


def test_a_time_for_seeing_the_gp_is_none_for_flu():
    with pytest.raises(InvalidUsage) as wrong:
        find_owner(EARLY, wanted=FLU)

    assert (wrong.value.message, wrong.value.hint) == (
        "early is not a time for flu vaccination.",
        "gpcli flu lists those.",
    )


@pytest.mark.parametrize("service", ["e-consultation", "cancellation"])
def test_a_time_for_another_service_is_not_booked(service):
    with pytest.raises(InvalidUsage) as wrong:
        find_owner(a_slot(service=service))

    assert wrong.value.message == f"slot-1 is a time for '{service}', which gpcli does not book."


def test_a_time_for_what_gpcli_has_no_name_for_is_a_time_for_a_visit():
    assert find_owner(a_slot(service="Blood test", services=())).service is ServiceName.BOOKING


@pytest.mark.parametrize(
    "changes",
    [
        {"healthcare_service": "somebody-elses", "surgery_ids": frozenset()},
        {"healthcare_service": None, "surgery_ids": frozenset({"gp-strand"})},
        {"healthcare_service": "gp-dahl-booking", "surgery_ids": frozenset({"gp-berg"})},
    ],
)
def test_a_time_at_somebody_elses_gp_is_not_booked_with_ones_own(changes):
    with pytest.raises(NotOffered) as refused:
        find_owner(a_slot(**changes))

    assert refused.value.message == "The portal does not say that slot-1 is a time at your GP."


def test_a_time_at_another_gp_than_the_named_one_is_refused():
    with pytest.raises(InvalidUsage) as wrong:
        find_owner(ELSEWHERE, gp="Berg")

    assert (wrong.value.message, wrong.value.hint) == (
        "elsewhere is not a time at 'Berg'.",
        "Leave --gp out.",
    )


@pytest.mark.parametrize(
    ("reference", "gps"),
    [(None, {"gp-berg", "gp-dahl"}), ("Practitioner/nurse", set()), ("Location/room-2", set())],
)
def test_a_time_is_at_no_gp_where_its_actors_are_known_and_none_is_the_gps(reference, gps):
    actor = Actor(reference, "Practitioner", "Nurse Berit")
    slot = a_slot(healthcare_service=None, surgery_ids=frozenset(), actors=(actor,))
    found = set()
    for gp in ("gp-berg", "gp-dahl"):
        with suppress(NotOffered):
            found.add(find_owner(slot, gp=gp).surgery.id)
    assert found == gps


NOBODYS = a_slot(healthcare_service=None, surgery_ids=frozenset())


def test_where_the_portal_does_not_say_whose_time_it_is_the_person_is_asked():
    assert find_owner(NOBODYS, asker=ScriptedAsker(["gp-dahl"])).surgery == DAHL
    assert find_owner(NOBODYS, gp="Dahl").surgery == DAHL
    assert find_owner(NOBODYS, known=offers(an_offer())).surgery == BERG


def test_where_nobody_knows_whose_time_it_is_it_is_not_guessed():
    with pytest.raises(InputNeeded, match="Several of your GPs"):
        find_owner(NOBODYS)


def test_a_flu_time_where_flu_is_not_offered_is_refused_for_flu():
    flu = a_slot(offer=FLU_OFFER)

    with pytest.raises(NotOffered, match="does not offer flu vaccination online"):
        find_owner(flu, known=offers(an_offer(FLU, active=False)))


def test_a_time_at_a_gp_who_is_off_for_now_is_refused_with_that_gps_reason():
    off = an_offer(surgery=DAHL, absences=(Absence("Leave", None, None),))
    known = offers(an_offer(), off, surgeries=(BERG, DAHL))

    with pytest.raises(OffForNow) as refused:
        find_owner(ELSEWHERE, known=known)

    assert refused.value.message == (
        "Per Dahl, Sydby legekontor has switched off booking of times (Leave)."
    )


def test_without_a_gp_no_time_has_an_owner():
    with pytest.raises(NotOffered, match="You have no GP"):
        find_owner(EARLY, known=offers(surgeries=()), gp="Berg")
