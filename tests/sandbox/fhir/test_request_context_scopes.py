"""Test what SMART scopes v1 and v2 grant."""

import pytest

from gpcli.sandbox.fhir.operation_outcome import FhirError
from gpcli.sandbox.fhir.request_context import AccessRights


@pytest.mark.parametrize(
    ("scopes", "letters"),
    [
        ("patient/Slot.rs", "rs"),
        ("patient/Slot.cruds", "cruds"),
        ("patient/*.rs", "rs"),
        ("patient/Slot.read", "rs"),
        ("patient/Slot.write", "cud"),
        ("patient/Slot.*", "cruds"),
        ("patient/*.*", "cruds"),
        ("patient/Slot.r patient/Slot.s", "rs"),
        ("openid fhirUser launch/patient offline_access", ""),
        ("patient/Appointment.rs", ""),
        ("system/Slot.rs", ""),
        ("user/Slot.rs", ""),
        ("patient/Slot.sr", ""),
        ("patient/Slot.rr", ""),
        ("patient/Slot.", ""),
        ("patient/Slot.reads", ""),
        ("patient/Slot.rs?status=free", ""),
        ("xpatient/Slot.rs", ""),
        ("patient/Slot.rs/x", ""),
        ("", ""),
    ],
)
def test_scopes_grant_letters(scopes, letters):
    rights = AccessRights("ada", "Patient/ada", frozenset(scopes.split()))

    assert rights.interactions("Slot") == set(letters)


def test_without_a_patient_only_system_scopes_count():
    backend = AccessRights("", "", frozenset({"system/Slot.rs", "patient/*.cruds"}))

    assert backend.is_backend
    assert backend.interactions("Slot") == {"r", "s"}
    assert backend.interactions("Appointment") == set()


@pytest.mark.parametrize(
    ("letter", "deed"),
    [("c", "create"), ("r", "read"), ("u", "change"), ("d", "delete"), ("s", "search")],
)
def test_what_is_not_granted_is_forbidden_in_words(letter, deed):
    rights = AccessRights("ada", "Patient/ada", frozenset({"openid"}))

    with pytest.raises(FhirError) as refusal:
        rights.require("Slot", letter)

    assert refusal.value.status == 403
    assert refusal.value.to_operation_outcome() == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "forbidden",
                "details": {"text": f"This sign-in does not let the app {deed} Slot resources."},
            }
        ],
    }
