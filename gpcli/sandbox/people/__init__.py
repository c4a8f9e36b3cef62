"""Build the synthetic population of the portal: patients, their GPs and their records.

All resources are built relative to a given time, and are the same for the same time.
"""

from collections.abc import Iterator
from datetime import date, datetime

from gpcli.sandbox.accounts import Account, Dependant
from gpcli.sandbox.people.appointments import build_appointments, build_schedules
from gpcli.sandbox.people.element_builders import Element, concept, local_day
from gpcli.sandbox.people.healthcare_services import (
    CHILDRENS_SERVICES,
    OFFERED_SERVICES,
    build_prices,
    service_id,
)
from gpcli.sandbox.people.patients import (
    ADA,
    BO,
    CECILIE,
    DAVID,
    EMIL,
    EVA,
    FINN,
    GURO,
    HANS,
    PATIENTS,
    SyntheticPatient,
    guro_for_emil,
)
from gpcli.sandbox.people.prescribed_products import build_prescriptions
from gpcli.sandbox.people.surgeries import GPS, SOLEM, SURGERIES
from gpcli.sandbox.people.threads import build_hans_threads, build_threads

_DESCRIPTIONS = (
    (ADA, "Every service, prescriptions of every kind, unread messages, a booking made by phone"),
    (BO, "The GP takes enquiries and messages only; a booking can be cancelled but not made"),
    (CECILIE, "The GP offers no digital services"),
    (DAVID, "Consent at the basic level only"),
    (EVA, "Has no GP"),
    (FINN, "Two GPs share the list; e-consultations pause during a leave, one is under way"),
    (GURO, "Flu vaccine offered; also acts for a child"),
    (HANS, "2,000 free times, 300 appointments, 500 messages, 40 prescriptions"),
)


def _account(profile: SyntheticPatient, description: str) -> Account:
    return Account(
        profile.key, profile.name, description, profile.key, _DEPENDANTS.get(profile.key, ())
    )


_DEPENDANTS = {GURO.key: (Dependant(EMIL.key, EMIL.name, EMIL.key, "RelatedPerson/guro-for-emil"),)}
PEOPLE = tuple(_account(profile, description) for profile, description in _DESCRIPTIONS)
"""The accounts that can sign in."""


def build_resources(now: datetime) -> Iterator[Element]:
    """Yield every FHIR R4 resource of the population, with `now` (aware) as the current time."""
    yield from _build_surgeries(now)
    yield from build_prices()
    for profile in PATIENTS:
        yield from profile.resources(now)
    yield guro_for_emil()
    yield from _build_vaccinations(now)
    yield from build_schedules(now)
    yield from build_appointments(now)
    yield from build_prescriptions(now)
    yield from build_threads(now)
    yield from build_hans_threads(now)


def _build_surgeries(now: datetime) -> Iterator[Element]:
    for number, surgery in enumerate(SURGERIES, 1):
        yield from surgery.resources(number)
    offered = {offers.gp.key: offers for offers in OFFERED_SERVICES}
    for number, gp in enumerate(GPS, 1):
        services = offered[gp.key].services if gp.key in offered else ()
        yield gp.practitioner(number)
        yield gp.practitioner_role(tuple(service_id(each, gp) for each in services))
    childrens = tuple(service_id(each, SOLEM) for each in CHILDRENS_SERVICES)
    yield SOLEM.practitioner_role(childrens, EMIL.role_suffix)
    for offers in OFFERED_SERVICES:
        yield from offers.resources(now)


def _build_vaccinations(now: datetime) -> Iterator[Element]:
    """Yield last season's flu vaccinations; a season begins on 1 July."""
    today = local_day(now)
    season = today.year if today.month >= 7 else today.year - 1
    for profile in (GURO, HANS):
        yield {
            "resourceType": "Immunization",
            "id": f"flu-{profile.key}",
            "status": "completed",
            "vaccineCode": concept("http://www.whocc.no/atc", "J07BB02", "Influenza vaccine"),
            "patient": profile.subject,
            "occurrenceDateTime": date(season - 1, 11, 5).isoformat(),
            "primarySource": True,
        }
