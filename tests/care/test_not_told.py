"""Portals that do not say which services their GPs offer: nothing is called not offered there."""

from dataclasses import replace

import pytest

from gpcli.care.appointments import late_cancellation_charge, propose_cancellation
from gpcli.care.offers import (
    UNNAMED_GP,
    filter_by_gp,
    find_hidden_commands,
    has_no_online_service,
    list_services,
    require_service,
)
from gpcli.care.slots import SlotSearch, find_slot_service, parse_slot_filters
from gpcli.errors import NotFound, NotOffered, NotPermitted
from gpcli.model.appointment import Actor
from gpcli.model.service import ServiceName, Standing
from tests.care.builders import (
    BERG,
    DAHL,
    INTENT,
    NOW,
    OSLO,
    FakePortal,
    ScriptedAsker,
    a_price,
    a_slot,
    an_appointment,
    an_offer,
    offers,
)

BOOKING, CANCELLATION = ServiceName.BOOKING, ServiceName.CANCELLATION
SILENT = offers(told=())
STARTS = {"book": (BOOKING,), "cancel": (CANCELLATION,)}


def standings(known) -> dict[str, str]:
    return {service.service: service.status for service in list_services(known, NOW)}


def test_what_the_portal_does_not_tell_is_not_told_and_can_be_tried():
    assert set(standings(SILENT).values()) == {Standing.NOT_TOLD}
    (service,) = require_service(SILENT, BOOKING, NOW)
    assert (service.surgery, service.is_usable, service.command) == (BERG, True, "gpcli book")
    assert service.offer is not None
    assert service.offer.id is None
    assert service.reason == (
        "The portal does not say whether Kari Berg, Nordby legesenter offers booking of times "
        "online; it can be tried."
    )


def test_nothing_is_hidden_and_no_gp_is_said_to_offer_nothing():
    assert find_hidden_commands(SILENT, NOW, STARTS) == {}
    assert not has_no_online_service(list_services(SILENT, NOW))


def test_what_the_portal_or_the_sign_in_does_not_permit_is_not_tried():
    known = offers(told=(), permitted=(BOOKING,))
    assert standings(known)[BOOKING] == Standing.NOT_TOLD
    assert standings(known)[CANCELLATION] == Standing.NOT_PERMITTED
    with pytest.raises(NotPermitted):
        require_service(known, CANCELLATION, NOW)


def test_of_the_services_that_a_portal_tells_of_what_is_absent_is_not_offered():
    known = offers(an_offer(BOOKING), told=(BOOKING, ServiceName.FLU_VACCINATION))
    seen = standings(known)
    assert seen[BOOKING] == Standing.OFFERED
    assert seen[ServiceName.FLU_VACCINATION] == Standing.NOT_OFFERED
    assert seen[CANCELLATION] == Standing.NOT_TOLD


def test_of_two_gps_the_one_that_lists_nothing_offers_nothing_where_the_portal_tells():
    known = offers(an_offer(BOOKING, BERG), surgeries=(BERG, DAHL))
    (usable,) = require_service(known, BOOKING, NOW)
    assert usable.surgery == BERG
    at_dahl = filter_by_gp(known, "Dahl")
    with pytest.raises(NotOffered):
        require_service(at_dahl, BOOKING, NOW)


def test_an_inactive_record_says_that_the_service_is_not_offered():
    known = offers(an_offer(BOOKING, active=False), told=())
    assert standings(known)[BOOKING] == Standing.NOT_OFFERED


def test_where_something_could_not_be_read_what_is_absent_is_not_told():
    known = replace(offers(an_offer(BOOKING)), complete=False)
    assert standings(known)[CANCELLATION] == Standing.NOT_TOLD


def test_where_no_gp_is_named_services_can_be_tried_at_one_that_is_not_named():
    known = offers(surgeries=(), told=())
    (service,) = require_service(known, BOOKING, NOW)
    assert service.surgery == UNNAMED_GP
    assert service.surgery.label == "a GP whom the portal does not name"


def test_where_no_gp_is_named_and_the_portal_tells_there_is_none():
    with pytest.raises(NotOffered, match="You have no GP"):
        require_service(offers(surgeries=()), BOOKING, NOW)


def test_a_gp_who_is_named_on_the_command_line_has_to_be_named_by_the_portal():
    with pytest.raises(NotFound, match="names no GP of yours"):
        filter_by_gp(offers(surgeries=(), told=()), "Berg")


def test_a_booking_that_could_be_made_can_be_cancelled():
    booking = an_appointment(surgery_id=None)
    portal = FakePortal(offers(an_offer(BOOKING), told=(BOOKING,)), appointments=(booking,))
    decision = propose_cancellation(portal, "app-1", INTENT, lambda: NOW)
    assert decision.action == "Cancel this booking"


@pytest.mark.parametrize(
    ("surgery_id", "surgery"), [("gp-berg", BERG), (None, UNNAMED_GP), ("gp-other", UNNAMED_GP)]
)
def test_a_time_is_at_a_gp_only_where_the_portal_says_so(surgery_id, surgery):
    slot = a_slot(
        surgery_ids=frozenset(filter(None, (surgery_id,))),
        healthcare_service=None,
        services=(),
        actors=(Actor("Practitioner/nurse", "Practitioner", "Berit"),),
    )
    found = find_slot_service(slot, SILENT, BOOKING, NOW, None, ScriptedAsker())
    assert found.surgery == surgery


def test_none_are_found_at_no_gp_in_particular_where_none_is_named():
    search = SlotSearch(parse_slot_filters(NOW, OSLO), OSLO, NOW)
    search.note_asked(require_service(offers(surgeries=(), told=()), BOOKING, NOW), SILENT)
    assert search.explain_none() == "No free time from Tue 1 Dec 2026 to Tue 29 Dec 2026."
    assert search.explain_none(complete=False).startswith("No free time that gpcli can read from ")


def test_which_times_are_for_flu_vaccination_is_not_told():
    search = SlotSearch(parse_slot_filters(NOW, OSLO), OSLO, NOW)
    search.note_asked(require_service(SILENT, ServiceName.FLU_VACCINATION, NOW), SILENT)
    said = "The portal does not say which times are for flu vaccination."
    assert search.explain_none() == said
    assert search.otherwise == f"Call the surgery instead: {BERG.phone}."


def test_an_enquiry_is_named_where_it_can_be_made():
    search = SlotSearch(parse_slot_filters(NOW, OSLO), OSLO, NOW)
    search.note_asked(require_service(SILENT, BOOKING, NOW), SILENT)
    assert search.otherwise.startswith("gpcli book --enquiry asks the surgery for one. ")


def test_a_deadline_that_can_not_be_read_may_have_passed():
    known = offers(an_offer(CANCELLATION), prices={"late-cancellation": a_price()})
    booking = an_appointment(deadline_unreadable=True)
    charge = late_cancellation_charge(booking, known, NOW)
    assert charge is not None
    assert (charge.what, charge.price) == ("Cancelling, if it is late,", a_price())
    assert late_cancellation_charge(an_appointment(), known, NOW) is None
