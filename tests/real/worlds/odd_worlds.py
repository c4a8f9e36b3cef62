"""What is odd at some portals: who speaks gpcli's language, what is mapped, what is ignored."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode

from tests.contract.practice import GP_SERVICE, Resource, concept

TALKER = "Dr. Ola Tale"
PAGING = {"_count", "_offset"}
"""The parameters that a server needs for its own links."""
MAPPED = """
[profiles.mapped]
portal = "{portal}"
environment = "staging"
token_command = "echo {token}"

[profiles.mapped.services]
"http://terminology.hl7.org/CodeSystem/service-type|124" = ["booking", "flu-vaccination"]
"""
"""One code of the portal's for two services of gpcli's."""


def talker() -> Iterator[Resource]:
    """A GP with a HealthcareService for enquiries, in gpcli's code."""
    yield {"resourceType": "Organization", "id": "talking", "name": "Tale Surgery"}
    yield {"resourceType": "Practitioner", "id": "talker", "name": [{"text": TALKER}]}
    yield {
        "resourceType": "HealthcareService",
        "id": "enquiries",
        "active": True,
        "type": [concept(GP_SERVICE, "booking-enquiry")],
        "providedBy": {"reference": "Organization/talking"},
    }
    yield {
        "resourceType": "PractitionerRole",
        "id": "talker-role",
        "active": True,
        "practitioner": {"reference": "Practitioner/talker", "display": TALKER},
        "organization": {"reference": "Organization/talking"},
        "healthcareService": [{"reference": "HealthcareService/enquiries"}],
    }


def price_of_nobody() -> Resource:
    """A price for what is none of gpcli's services, and of no GP here."""
    amount = {"value": 950, "currency": "NOK"}
    return {
        "resourceType": "ChargeItemDefinition",
        "id": "theirs",
        "url": "https://prices.example/theirs",
        "status": "active",
        "code": concept("https://prices.example/codes", "booking"),
        "propertyGroup": [{"priceComponent": [{"type": "base", "amount": amount}]}],
    }


def forget_params(path: str) -> str:
    """The path without what is searched for."""
    plain, _, written = path.partition("?")
    kept = [each for each in parse_qsl(written) if each[0] in PAGING]
    return f"{plain}?{urlencode(kept)}" if kept else plain
