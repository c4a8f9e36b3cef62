"""The people of the embedded portal: synthetic patients, their GPs, and what they have booked.

Everything is built anew relative to a given present, and is the same each time for the same one.
"""

from collections.abc import Iterator
from datetime import date, datetime

from gpcli.sandbox.cards import PersonCard, Ward
from gpcli.sandbox.people.calendars import calendars
from gpcli.sandbox.people.conversations import conversations
from gpcli.sandbox.people.directory import GPS, SOLEM, SURGERIES
from gpcli.sandbox.people.elements import Element, concept
from gpcli.sandbox.people.long_correspondence import long_correspondence
from gpcli.sandbox.people.offers import CHILDRENS_SERVICES, OFFERS, service_id
from gpcli.sandbox.people.patients import (
    ADA,
    BO,
    CECILIE,
    DAVID,
    EMIL,
    EVA,
    EVERYBODY,
    FINN,
    GURO,
    HANS,
    Someone,
    guro_for_emil,
)
from gpcli.sandbox.people.prescribed import prescriptions
from gpcli.sandbox.people.prices import price_list
from gpcli.sandbox.people.timetable import local_day
from gpcli.sandbox.people.visits import visits

_SHOWS = (
    (ADA, "Every service, prescriptions of every kind, unread messages, a booking made by phone"),
    (BO, "The GP takes enquiries and messages only; a booking can be cancelled but not made"),
    (CECILIE, "The GP offers no digital services"),
    (DAVID, "Consent at the basic level only"),
    (EVA, "Has no GP"),
    (FINN, "Two GPs share the list; e-consultations pause during a leave, one is under way"),
    (GURO, "Flu vaccine offered; also acts for a child"),
    (HANS, "2,000 free times, 300 appointments, 500 messages, 40 prescriptions"),
)


def _card(someone: Someone, description: str) -> PersonCard:
    return PersonCard(
        someone.key, someone.name, description, someone.key, _WARDS.get(someone.key, ())
    )


_WARDS = {GURO.key: (Ward(EMIL.key, EMIL.name, EMIL.key, "RelatedPerson/guro-for-emil"),)}
PEOPLE = tuple(_card(someone, description) for someone, description in _SHOWS)
"""Who can sign in."""


def build(now: datetime) -> Iterator[Element]:
    """Every resource of the portal's world, FHIR R4, with `now` (aware) as its present."""
    yield from _surgeries(now)
    yield from price_list()
    for someone in EVERYBODY:
        yield from someone.resources(now)
    yield guro_for_emil()
    yield from _flu_vaccinations(now)
    yield from calendars(now)
    yield from visits(now)
    yield from prescriptions(now)
    yield from conversations(now)
    yield from long_correspondence(now)


def _surgeries(now: datetime) -> Iterator[Element]:
    for number, surgery in enumerate(SURGERIES, 1):
        yield from surgery.resources(number)
    offered = {offers.gp.key: offers for offers in OFFERS}
    for number, gp in enumerate(GPS, 1):
        services = offered[gp.key].services if gp.key in offered else ()
        yield gp.practitioner(number)
        yield gp.practitioner_role(tuple(service_id(each, gp) for each in services))
    childrens = tuple(service_id(each, SOLEM) for each in CHILDRENS_SERVICES)
    yield SOLEM.practitioner_role(childrens, EMIL.role_suffix)
    for offers in OFFERS:
        yield from offers.resources(now)


def _flu_vaccinations(now: datetime) -> Iterator[Element]:
    """Last season's; a season begins on 1 July, and nobody has had this one's yet."""
    today = local_day(now)
    season = today.year if today.month >= 7 else today.year - 1
    for someone in (GURO, HANS):
        yield {
            "resourceType": "Immunization",
            "id": f"flu-{someone.key}",
            "status": "completed",
            "vaccineCode": concept("http://www.whocc.no/atc", "J07BB02", "Influenza vaccine"),
            "patient": someone.subject,
            "occurrenceDateTime": date(season - 1, 11, 5).isoformat(),
            "primarySource": True,
        }
