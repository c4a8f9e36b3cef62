"""Build the CapabilityStatement from the served resource types."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gpcli.sandbox.fhir.appointment_operations import OPERATIONS
from gpcli.sandbox.fhir.dates import format_instant
from gpcli.sandbox.fhir.elements import Resource
from gpcli.sandbox.fhir.resource_types import (
    RESOURCE_TYPES,
    ResourceType,
    SearchParameter,
    all_parameters,
)

_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SECURITY_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_INTERACTION_CODES = {
    "c": ["create"],
    "r": ["read", "vread"],
    "u": ["update"],
    "d": ["delete"],
    "s": ["search-type"],
}
_GUIDE = "urn:gpcli:portal"
_SOFTWARE = "The embedded GP portal of gpcli"


def capability_statement(
    base: str, now: datetime, oauth_uris: Mapping[str, str], booking: str = "post"
) -> Resource:
    """Return the CapabilityStatement of the portal at `base`, for patients' apps.

    `booking` is one of `request_context.BOOKING_MODES`.
    """
    operations = {"Appointment": {"operation": [*OPERATIONS]}} if booking == "operation" else {}
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": format_instant(now),
        "kind": "instance",
        "software": {"name": _SOFTWARE},
        "implementation": {"description": f"{_SOFTWARE}, with made-up people", "url": base},
        "fhirVersion": "4.0.1",
        "implementationGuide": [_GUIDE],
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(oauth_uris),
                "resource": [
                    _resource_capability(name, served) | operations.get(name, {})
                    for name, served in sorted(RESOURCE_TYPES.items())
                ],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _security(oauth_uris: Mapping[str, str]) -> Resource:
    smart = {
        "coding": [{"system": _SECURITY_SERVICE, "code": "SMART-on-FHIR"}],
        "text": "SMART App Launch",
    }
    uris = [{"url": name, "valueUri": uri} for name, uri in oauth_uris.items()]
    extension = {"extension": [{"url": _OAUTH_URIS, "extension": uris}]} if uris else {}
    return extension | {"cors": False, "service": [smart]}


def _resource_capability(type_: str, served: ResourceType) -> Resource:
    interactions = [code for letter in served.interactions for code in _INTERACTION_CODES[letter]]
    parameters = sorted(all_parameters(type_).items()) if "s" in served.interactions else []
    included = [f"{type_}:{name}" for name, each in parameters if each.type == "reference"]
    reverse = _reverse_includes(type_)
    return {
        "type": type_,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": {"c", "s"} <= set(served.interactions),
        "conditionalRead": "not-match",
        "conditionalUpdate": False,
        **({"searchInclude": included} if included else {}),
        **({"searchRevInclude": reverse} if reverse else {}),
        **({"searchParam": _search_params(parameters)} if parameters else {}),
    }


def _search_params(parameters: Sequence[tuple[str, SearchParameter]]) -> list[Resource]:
    return [{"name": name, "type": each.type} for name, each in parameters]


def _reverse_includes(type_: str) -> list[str]:
    """Return the `_revinclude` values of a search: the parameters that can refer to the type."""
    return sorted(
        f"{source}:{name}"
        for source, served in RESOURCE_TYPES.items()
        for name, each in served.parameters.items()
        if type_ in each.targets
    )
