from datetime import date
from unittest.mock import Mock

import pytest

from gpcli.care.booking import fetch_flu_answer, is_vaccinated_this_season
from gpcli.errors import InputNeeded, NotOffered, NotPermitted
from gpcli.model.appointment import FluAnswer, Vaccination
from gpcli.model.service import ServiceName
from tests.care.builders import (
    BERG,
    DAHL,
    FakePortal,
    ScriptedAsker,
    a_price,
    a_search,
    a_slot,
    an_appointment,
    an_offer,
    at,
    offers,
)

FLU = ServiceName.FLU_VACCINATION
HERE = an_offer(FLU, eligibility=("From 65 years",), deep_link="https://flu.example/book")
THERE = an_offer(FLU, DAHL)
KNOWN = offers(HERE, prices={"flu-vaccination": a_price("0", "50")})
FREE = [a_slot(f"2026-12-03 08:{minute:02}", f"flu-{minute}", HERE) for minute in (0, 20, 40)]


def test_one_answer_has_eligibility_price_last_vaccination_and_free_times():
    shots = (Vaccination("Vaxigrip", "2026-10-02"), Vaccination("Vaxigrip", "2025-11"))
    portal = FakePortal(KNOWN, slots=FREE, vaccinations=shots)

    assert fetch_flu_answer(portal, a_search(), None, ScriptedAsker(), 2) == FluAnswer(
        surgery=BERG,
        eligibility=("From 65 years",),
        price=a_price("0", "50"),
        last_vaccination=shots[0],
        this_season=True,
        deep_link="https://flu.example/book",
        slots=(FREE[0], FREE[1]),
    )
    assert portal.calls == [
        ("fetch_offers",),
        ("fetch_slots", ("gp-berg-flu-vaccination",), date(2026, 12, 1), date(2026, 12, 29)),
        ("fetch_vaccinations",),
        ("fetch_appointments", date(2026, 12, 1)),
    ]


def test_the_answer_has_the_coming_appointment_for_it():
    visit = an_appointment("app-1", "2026-12-02 10:00")
    booked = an_appointment("app-2", "2026-12-03 08:00", service="flu-vaccination")
    portal = FakePortal(KNOWN, appointments=[visit, booked])

    assert fetch_flu_answer(portal, a_search(), None, ScriptedAsker(), 2).booked == booked


def test_where_appointments_are_not_shown_the_rest_is(monkeypatch):
    portal = FakePortal(KNOWN, slots=FREE)
    refusal = NotPermitted("The sign-in shows no appointments.")
    monkeypatch.setattr(portal, "fetch_appointments", Mock(side_effect=refusal))

    answer = fetch_flu_answer(portal, a_search(), None, ScriptedAsker(), 2)
    assert (answer.booked, answer.slots) == (None, (FREE[0], FREE[1]))


def test_what_is_not_known_is_not_made_up():
    answer = fetch_flu_answer(
        FakePortal(offers(THERE, surgeries=(DAHL,))), a_search(), None, ScriptedAsker(), 10
    )

    assert answer == FluAnswer(DAHL, (), None, None, False, None, ())


def test_filters_hold_for_flu_times_too():
    search = a_search(between="08:30-09:00")

    answer = fetch_flu_answer(FakePortal(KNOWN, slots=FREE), search, None, ScriptedAsker(), 10)

    assert (answer.slots, search.removed) == ((FREE[2],), {"--between": 2})


def test_of_two_gps_the_one_is_named_or_asked_for():
    portal = FakePortal(offers(HERE, THERE, surgeries=(BERG, DAHL)))

    assert fetch_flu_answer(portal, a_search(), "Dahl", ScriptedAsker(), 1).surgery == DAHL
    assert fetch_flu_answer(portal, a_search(), None, ScriptedAsker(["gp-dahl"]), 1).surgery == DAHL
    with pytest.raises(InputNeeded):
        fetch_flu_answer(portal, a_search(), None, ScriptedAsker(), 1)


def test_where_it_is_not_offered_nothing_else_is_asked_of_the_portal():
    portal = FakePortal(offers())

    with pytest.raises(NotOffered):
        fetch_flu_answer(portal, a_search(), None, ScriptedAsker(), 10)
    assert portal.calls == [("fetch_offers",)]


@pytest.mark.parametrize(
    ("now", "written", "this_season"),
    [
        ("2026-12-01 09:00", "2026-07-01", True),
        ("2026-12-01 09:00", "2026-06-30", False),
        ("2026-12-01 09:00", "2026-10-05T09:30:00+02:00", True),
        ("2026-12-01 09:00", "2026-07", True),
        ("2026-12-01 09:00", "2026-06", False),
        ("2026-12-01 09:00", "2026", None),
        ("2026-12-01 09:00", "2025", False),
        ("2027-02-01 09:00", "2026", None),
        ("2027-02-01 09:00", "2025", False),
        ("2026-12-01 09:00", "", None),
        ("2026-12-01 09:00", "last autumn", None),
        ("2027-06-30 23:59", "2026-07-01", True),
        ("2027-06-30 23:59", "2027-01-10", True),
        ("2027-07-01 00:00", "2027-06-30", False),
        ("2027-07-01 00:00", "2026-10-05", False),
        ("2027-07-01 00:00", "2027-07-01", True),
    ],
)
def test_a_season_runs_from_july_to_june_and_a_year_alone_proves_nothing(now, written, this_season):
    shots = (Vaccination("Flu", written),)
    assert is_vaccinated_this_season(shots, at(now), is_all=True) is this_season
    assert is_vaccinated_this_season(shots, at(now), is_all=False) is (this_season or None)


def test_any_of_the_vaccinations_may_be_this_seasons():
    shots = (Vaccination("Flu", "2026"), Vaccination("Flu", "2026-10"), Vaccination("Flu", "2025"))

    assert is_vaccinated_this_season(shots, at("2026-12-01 09:00"), is_all=True)
    assert is_vaccinated_this_season((), at("2026-12-01 09:00"), is_all=True) is False


def test_a_dose_that_was_too_weak_does_not_protect_this_season():
    weak = Vaccination("Flu", "2026-10-05", subpotent=True)

    assert is_vaccinated_this_season((weak,), at("2026-12-01 09:00"), is_all=True) is False
