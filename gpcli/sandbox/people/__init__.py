"""The synthetic population of the portal: patients, their GPs and their records."""

from collections.abc import Iterator
from datetime import datetime

from gpcli.sandbox.people.element_builders import Element
from gpcli.sandbox.people.people_file import built_in

PEOPLE = built_in().accounts
"""The built-in accounts that can sign in."""


def build_resources(now: datetime) -> Iterator[Element]:
    """Yield the FHIR R4 resources of the built-in population, with `now` (aware) as the present."""
    return built_in().resources(now)
