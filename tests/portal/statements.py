"""CapabilityStatements in the shape of those of large vendors, reduced to what gpcli asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpcli.fhir.element import read_resource
from gpcli.portal.capabilities import Capabilities, read_capabilities
from tests.portal.builders import Json, a_capability, a_capability_statement

READ, SEARCH, CREATE = "read", "search-type", "create"


def a_type(
    kind: str,
    *interactions: str,
    params: Sequence[str] = (),
    includes: Sequence[str] = (),
    revincludes: Sequence[str] = (),
    **more: Any,
) -> Json:
    """What a statement says of a type; what is empty is not there, as in real ones."""
    listed: Json = {
        "searchParam": [{"name": each} for each in params],
        "searchInclude": list(includes),
        "searchRevInclude": list(revincludes),
    }
    return a_capability(kind, *interactions, **{k: v for k, v in listed.items() if v}, **more)


def star(kind: str, *params: str) -> Json:
    return a_type(
        kind,
        *(READ, SEARCH),
        params=("_count", "_id", *params),
        includes=["*"],
        revincludes=["Provenance:target"],
    )


def without_batch(statement: Json, **rest: Any) -> Json:
    parts = {name: each for name, each in statement["rest"][0].items() if name != "interaction"}
    return {**statement, "rest": [{**parts, **rest}]}


STAR = without_batch(
    a_capability_statement(
        star("Patient", "identifier", "name"),
        star("Practitioner", "name"),
        star("PractitionerRole", "practitioner", "organization", "service"),
        star("Organization"),
        star("Location", "name"),
        star("Appointment", "date", "identifier", "patient", "status", "slot", "actor"),
        star("Communication", "category", "part-of", "patient", "recipient", "received", "status"),
        star("Consent", "patient", "status", "identifier"),
        star("Immunization", "date", "patient"),
        star("MedicationRequest", "patient", "status", "intent"),
        star("Medication"),
        star("MedicationDispense", "patient"),
    )
)
"""It has no times, services or prices; any `_include`, and no `_revinclude` of ours."""

PATCHING = a_capability_statement(
    a_type("Patient", READ, SEARCH, params=("_id", "_count", "name")),
    a_type("Practitioner", READ, SEARCH, params=("_id", "_count")),
    a_type("Organization", READ, SEARCH, params=("_id", "_count")),
    a_type("Location", READ, SEARCH, params=("_id",)),
    a_type("Schedule", READ, SEARCH, params=("_id",)),
    a_type(
        "Slot",
        *(READ, SEARCH, "patch"),
        params=("_id", "_count", "start", "service-type", "schedule.actor"),
        includes=("Slot:schedule", "Schedule:actor:Practitioner"),
    ),
    a_type(
        "Appointment",
        *(READ, SEARCH, CREATE, "patch"),
        params=("_id", "_count", "date", "patient", "status"),
    ),
    a_type(
        "Communication",
        *(READ, SEARCH, CREATE, "patch"),
        params=("_id", "category", "received", "recipient"),
    ),
    a_type("Consent", READ, SEARCH, params=("_id", "patient", "actor")),
    a_type("Binary", READ),
    a_type("MedicationDispense", READ, SEARCH, params=("_id", "subject")),
)
"""It changes records by PATCH, includes little, and finds only messages to the patient."""

NARROW = without_batch(
    a_capability_statement(
        a_type("Patient", READ, SEARCH, params=("_id", "_count", "_include", "name")),
        a_type("Appointment", READ, SEARCH, params=("_id", "_query")),
        a_type("Practitioner", READ, SEARCH, params=("name",)),
        a_type("Location", READ),
        a_type("Medication", SEARCH, params=("code",)),
        a_type(
            "MedicationRequest",
            *(READ, SEARCH),
            params=("patient", "intent", "_include", "_count"),
            includes=("MedicationRequest:medication",),
        ),
    ),
    searchParam=[{"name": "status"}],
)
"""It finds appointments by id alone, and lists a parameter for all types together."""

RESULT_SILENT = a_capability_statement(
    a_type("Slot", READ, SEARCH, params=("schedule", "status", "start")),
    a_type("Immunization", READ, SEARCH, params=("patient",)),
    a_type("Schedule", READ),
)
"""It names no parameter on results, as R4 wants it, and no include of any type."""


def capabilities_of(statement: Json) -> Capabilities:
    return read_capabilities(read_resource(statement))
