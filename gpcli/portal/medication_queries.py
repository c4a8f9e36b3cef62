"""FHIR searches for prescriptions and renewals (docs/portal.md); booking does not load them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpcli.fhir.medication_request import INTENTS, RENEWAL_CODE, SNOMED, STATUSES
from gpcli.portal.queries import PAGE_SIZE, Query

_IDS_PER_QUERY = 100
"""How many ids to put in one search, so that servers accept the length of its URL."""

_COUNT = ("_count", str(PAGE_SIZE))
_TASK_INCLUDES = (
    ("_include", "Task:focus"),
    ("_include:iterate", "MedicationRequest:medication"),
)


def prescriptions(patient: str) -> Query:
    """Build the query for prescriptions with their medicines, prescribers, dispenses and Tasks."""
    return Query(
        "MedicationRequest",
        (
            ("patient", patient),
            ("status", ",".join(STATUSES)),
            ("intent", ",".join(INTENTS)),
            ("_include", "MedicationRequest:medication"),
            ("_include", "MedicationRequest:requester"),
            ("_include:iterate", "PractitionerRole:practitioner"),
            ("_revinclude", "MedicationDispense:prescription"),
            ("_revinclude", "Task:focus"),
            _COUNT,
        ),
    )


def renewals(patient: str) -> Query:
    """Build the query for all requests for renewals and the prescriptions they are for."""
    return Query("Task", (("patient", patient), _renewal_code(), *_TASK_INCLUDES, _COUNT))


def renewal(renewal_id: str) -> Query:
    """Build the query for one request for a renewal and its prescription."""
    return Query("Task", (("_id", renewal_id), *_TASK_INCLUDES))


def dispenses(patient: str) -> Query:
    """Build the query for all dispenses."""
    return Query("MedicationDispense", (("patient", patient), _COUNT))


def medications_by_id(ids: Sequence[str]) -> Iterator[Query]:
    """Build the queries for Medications with these ids."""
    for start in range(0, len(ids), _IDS_PER_QUERY):
        chunk = ",".join(ids[start : start + _IDS_PER_QUERY])
        yield Query("Medication", (("_id", chunk), _COUNT))


def _renewal_code() -> tuple[str, str]:
    return "code", f"{SNOMED}|{RENEWAL_CODE}"
