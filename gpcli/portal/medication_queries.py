"""The questions about prescriptions as FHIR searches (docs/portal.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpcli.fhir.medication_request import INTENTS, RENEWAL_CODE, SNOMED, STATUSES
from gpcli.portal.queries import PAGE_SIZE, Query

_AT_ONCE = 100
"""Ids in one search, so that its URL stays below what servers take."""

_COUNT = ("_count", str(PAGE_SIZE))
_FOCUS = (
    ("_include", "Task:focus"),
    ("_include:iterate", "MedicationRequest:medication"),
)


def prescriptions(patient: str) -> Query:
    """All prescriptions, what they are, who wrote them, what was handed out, what was asked."""
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
    """All requests to renew, and what they are about."""
    return Query("Task", (("patient", patient), _code(), *_FOCUS, _COUNT))


def renewal(identity: str) -> Query:
    """One request to renew, and what it is about."""
    return Query("Task", (("_id", identity), *_FOCUS))


def dispenses(patient: str) -> Query:
    """All that was handed out."""
    return Query("MedicationDispense", (("patient", patient), _COUNT))


def medications_by_id(identities: Sequence[str]) -> Iterator[Query]:
    """Medications by their ids."""
    for start in range(0, len(identities), _AT_ONCE):
        some = ",".join(identities[start : start + _AT_ONCE])
        yield Query("Medication", (("_id", some), _COUNT))


def _code() -> tuple[str, str]:
    return "code", f"{SNOMED}|{RENEWAL_CODE}"
