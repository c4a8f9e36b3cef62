"""What the portal can do, as a CapabilityStatement made from the catalogue."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gpcli.sandbox.fhir.book_operation import DEFINITION, NAME
from gpcli.sandbox.fhir.catalogue import TYPES, Served, params
from gpcli.sandbox.fhir.dates import stamp
from gpcli.sandbox.fhir.elements import Resource
from gpcli.sandbox.fhir.parameters import Param

_OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SECURITY = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_INTERACTIONS = {
    "c": ["create"],
    "r": ["read", "vread"],
    "u": ["update"],
    "d": ["delete"],
    "s": ["search-type"],
}
_SOFTWARE = "The embedded GP portal of gpcli"


def capability_statement(
    base: str, now: datetime, oauth_uris: Mapping[str, str], booking: str = "post"
) -> Resource:
    """The CapabilityStatement of the portal at `base`: what patients' apps may do there.

    `booking` is how times are taken (`desk.WAYS_TO_BOOK`).
    """
    operations = {"Appointment": [NAME]} if booking == "operation" else {}
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": stamp(now),
        "kind": "instance",
        "software": {"name": _SOFTWARE},
        "implementation": {"description": f"{_SOFTWARE}, with made-up people", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(oauth_uris),
                "resource": [
                    _resource(name, served) | _operations(operations.get(name, ()))
                    for name, served in sorted(TYPES.items())
                ],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _security(oauth_uris: Mapping[str, str]) -> Resource:
    smart = {"coding": [{"system": _SECURITY, "code": "SMART-on-FHIR"}], "text": "SMART App Launch"}
    uris = [{"url": name, "valueUri": uri} for name, uri in oauth_uris.items()]
    extension = {"extension": [{"url": _OAUTH, "extension": uris}]} if uris else {}
    return extension | {"cors": False, "service": [smart]}


def _resource(type_: str, served: Served) -> Resource:
    interactions = [code for letter in served.letters for code in _INTERACTIONS[letter]]
    searched = sorted(params(type_).items()) if "s" in served.letters else []
    included = [f"{type_}:{name}" for name, each in searched if each.kind == "reference"]
    reverse = _pointing_at(type_)
    return {
        "type": type_,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": {"c", "s"} <= set(served.letters),
        "conditionalRead": "not-match",
        "conditionalUpdate": False,
        **({"searchInclude": included} if included else {}),
        **({"searchRevInclude": reverse} if reverse else {}),
        **({"searchParam": _search_params(searched)} if searched else {}),
    }


def _operations(names: Sequence[str]) -> Resource:
    listed = [{"name": name, "definition": DEFINITION} for name in names]
    return {"operation": listed} if listed else {}


def _search_params(searched: Sequence[tuple[str, Param]]) -> list[Resource]:
    return [{"name": name, "type": each.kind} for name, each in searched]


def _pointing_at(type_: str) -> list[str]:
    return sorted(
        f"{source}:{name}"
        for source, served in TYPES.items()
        for name, each in served.params.items()
        if type_ in each.targets
    )
