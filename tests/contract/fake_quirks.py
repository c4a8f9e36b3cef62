"""How the fake portal may differ from what R4 has servers do, and what it says that it can."""

from __future__ import annotations

from dataclasses import dataclass

from tests.contract.practice import Resource

WRITTEN = frozenset({"Appointment", "Communication", "Consent", "Task"})
"""What patients may create and change; the rest they may only see."""
SEEN = WRITTEN | {
    "AppointmentResponse",
    "Binary",
    "ChargeItemDefinition",
    "HealthcareService",
    "Immunization",
    "Location",
    "Medication",
    "MedicationDispense",
    "MedicationRequest",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Schedule",
    "Slot",
}
NOBODY = frozenset[str]()


@dataclass(frozen=True)
class Quirks:
    """How a portal differs from what R4 has servers do; by default it does not.

    `page` is the most that it sends at once; `past_end` = its last page has a link to itself under
    another address. `ignored` are parameters that it drops without a word, `refused` those that it
    answers 400 to. `heeded` are the only ones that it does not drop, `declared` the only ones that
    its statement lists and that it takes; `None` = all. `silent` = its statement lists no types.
    `patches` = records are changed by PATCH alone. `links` = how its links are written: `absolute`,
    or relative to the `root`, the `path` or the `query`. `said` is its statement, which it keeps
    to; `None` = one that says what it can. `hidden` types are empty lists with an
    OperationOutcome; `forbidden` ones a 403.
    Without `conditional` it refuses a condition with 412, or where it is `silent` ignores it.
    `repeated` is its status for what a conditional create finds, `created` that for what is new.
    `failing` names the part of a
    transaction that it refuses. `rewrites` = it puts a new id wherever the text of a fullUrl is.
    `refreshed_patient` = its answer to a refresh names the patient, as the first one does.
    """

    batch: bool = True
    transaction: bool = True
    rollback: bool = True
    rewrites: bool = False
    failing: int | None = None
    conditional: bool = True
    repeated: int = 200
    created: int = 201
    etag: bool = True
    versions: bool = True
    absolute: bool = False
    total: bool = True
    next: bool = True
    page: int = 1000
    past_end: bool = False
    includes: bool = True
    modes: bool = True
    ignored: frozenset[str] = NOBODY
    refused: frozenset[str] = NOBODY
    heeded: frozenset[str] | None = None
    declared: frozenset[str] | None = None
    silent: bool = False
    patches: bool = False
    links: str = "absolute"
    said: Resource | None = None
    hidden: frozenset[str] = NOBODY
    refreshed_patient: bool = True
    forbidden: frozenset[str] = NOBODY


def statement(quirks: Quirks) -> Resource:
    """The CapabilityStatement of a portal with these quirks."""
    if quirks.said is not None:
        return quirks.said
    able = [name for name in ("batch", "transaction") if getattr(quirks, name)]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "fhirVersion": "4.0.1",
        "rest": [
            {
                "mode": "server",
                "interaction": [{"code": each} for each in able],
                "resource": [_said_of(kind, quirks) for kind in sorted(SEEN)]
                if not quirks.silent
                else [],
            }
        ],
    }


def is_unsaid(quirks: Quirks, kind: str, names: set[str]) -> bool:
    """Whether a search is none that the statement of a portal that keeps to it lists."""
    rest = quirks.said["rest"][0] if quirks.said else {}
    listed = {each["type"]: each for each in rest.get("resource", ())}
    if not rest or kind not in listed:
        return bool(rest)
    params = (*listed[kind].get("searchParam", ()), *rest.get("searchParam", ()))
    taken = {each["name"] for each in params}
    taken |= {"_include"} if "searchInclude" in listed[kind] else set()
    return any(name.partition(":")[0] not in taken for name in names)


def _said_of(kind: str, quirks: Quirks) -> Resource:
    changes = "patch" if quirks.patches else "update"
    writes = ("create", changes) if kind in WRITTEN else ()
    codes = [{"code": each} for each in ("read", "search-type", *writes)]
    declared = {"searchParam": [{"name": each} for each in sorted(quirks.declared or ())]}
    return {
        **(declared if quirks.declared else {}),
        "type": kind,
        "interaction": codes,
        "conditionalCreate": kind in WRITTEN and quirks.conditional,
    }
