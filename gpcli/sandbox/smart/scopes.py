"""Parse SMART scopes, and describe them in plain words on the consent page.

Source: SMART App Launch 2.2, Scopes and Launch Context (v2 letters, v1 `.read` and `.write`).
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

IDENTITY_SCOPES = ("openid", "fhirUser", "profile", "launch/patient")
"""The scopes that every sign-in keeps; they can't be unticked."""
OFFLINE_ACCESS = "offline_access"
_PATIENT_SCOPE = re.compile(
    r"patient/(?P<type>\*|[A-Z][A-Za-z]+)\.(?P<may>(?=.)c?r?u?d?s?|read|write|\*)"
)
_SYSTEM_SCOPE = re.compile(_PATIENT_SCOPE.pattern.replace("patient", "system", 1))
_SIDE_INTERACTIONS = {"see": "rs", "do": "cud"}
"""The letters of `cruds` on each side of a category: what it shows, and what it changes."""
_V1_SIDES = {"read": {"see"}, "write": {"do"}, "*": {"see", "do"}}


@dataclass(frozen=True)
class ScopeCategory:
    """An area of the record: its resource types, and descriptions of read and write access."""

    key: str
    types: frozenset[str]
    see: str
    do: str


SCOPE_CATEGORIES = (
    ScopeCategory(
        "details",
        frozenset({"Patient", "RelatedPerson"}),
        "Name, address and contact details, and who may act for whom",
        "Change contact details",
    ),
    ScopeCategory(
        "surgery",
        frozenset(
            {
                "Practitioner",
                "PractitionerRole",
                "Organization",
                "Location",
                "HealthcareService",
                "ChargeItemDefinition",
            }
        ),
        "The GP, the surgery, what it offers and what that costs",
        "Change what the surgery offers",
    ),
    ScopeCategory(
        "appointments",
        frozenset({"Schedule", "Slot", "Appointment", "AppointmentResponse"}),
        "Free times and appointments",
        "Book, move and cancel appointments",
    ),
    ScopeCategory(
        "messages",
        frozenset({"Communication", "DocumentReference", "Binary"}),
        "Messages and their attachments",
        "Write to the surgery, and mark messages as read",
    ),
    ScopeCategory(
        "prescriptions",
        frozenset({"MedicationRequest", "Medication", "MedicationDispense"}),
        "Prescriptions and what is left of them",
        "Change prescriptions",
    ),
    ScopeCategory(
        "renewals",
        frozenset({"Task"}),
        "Requests to renew prescriptions",
        "Ask for prescriptions to be renewed, or take that back",
    ),
    ScopeCategory(
        "vaccinations", frozenset({"Immunization"}), "Vaccinations", "Record vaccinations"
    ),
    ScopeCategory(
        "consent",
        frozenset({"Consent"}),
        "Consent to digital services",
        "Give or withdraw consent to digital services",
    ),
    ScopeCategory(
        "everything", frozenset({"*"}), "The whole record here", "Change the whole record here"
    ),
)
"""The categories in the order of the consent page."""
OTHER_CATEGORY = ScopeCategory(
    "other", frozenset(), "Other parts of the record", "Change other parts of the record"
)


@dataclass(frozen=True)
class Permission:
    """A checkbox of the consent page: its form value, its group and its label."""

    key: str
    side: Literal["see", "do", "stay"]
    words: str


def supported_scopes(scope: str) -> list[str]:
    """Return the supported scopes of a space-separated list, each once, in order."""
    wanted = dict.fromkeys(scope.split())
    return [each for each in wanted if _is_supported(each)]


def supported_system_scopes(scope: str) -> list[str]:
    """Return the supported `system/` scopes, for backend services."""
    return [each for each in dict.fromkeys(scope.split()) if _SYSTEM_SCOPE.fullmatch(each)]


def _is_supported(scope: str) -> bool:
    return (
        scope in IDENTITY_SCOPES
        or scope == OFFLINE_ACCESS
        or _PATIENT_SCOPE.fullmatch(scope) is not None
    )


def consent_permissions(scopes: Collection[str]) -> list[Permission]:
    """Return the checkboxes for `scopes`, in the order of the page."""
    permissions = [
        permission
        for category in (*SCOPE_CATEGORIES, OTHER_CATEGORY)
        for permission in _category_permissions(category, scopes)
    ]
    if OFFLINE_ACCESS in scopes:
        permissions.append(Permission("stay", "stay", "Without asking again, for up to 30 days"))
    return permissions


def _category_permissions(category: ScopeCategory, scopes: Collection[str]) -> Iterator[Permission]:
    in_category = [scope for scope in scopes if _category_of(scope) is category]
    if any(_narrow_interactions(scope, {"see"}) for scope in in_category):
        yield Permission(f"{category.key}.see", "see", category.see)
    if any(_narrow_interactions(scope, {"do"}) for scope in in_category):
        yield Permission(f"{category.key}.do", "do", category.do)


def _category_of(scope: str) -> ScopeCategory | None:
    match = _PATIENT_SCOPE.fullmatch(scope)
    if match is None:
        return None
    return next(
        (category for category in SCOPE_CATEGORIES if match["type"] in category.types),
        OTHER_CATEGORY,
    )


def narrow_scopes(scopes: Collection[str], ticked: Collection[str]) -> list[str]:
    """Return what remains of `scopes` if only the permissions `ticked` are granted."""
    return list(dict.fromkeys(left for scope in scopes if (left := _narrow_scope(scope, ticked))))


def _narrow_scope(scope: str, ticked: Collection[str]) -> str | None:
    if scope == OFFLINE_ACCESS:
        return scope if "stay" in ticked else None
    category = _category_of(scope)
    if category is None:
        return scope
    return _narrow_interactions(
        scope, {side for side in _SIDE_INTERACTIONS if f"{category.key}.{side}" in ticked}
    )


def _narrow_interactions(scope: str, sides: Collection[str]) -> str | None:
    """Return the part of a patient scope that is on these sides; None if nothing is left."""
    match = _PATIENT_SCOPE.fullmatch(scope)
    if match is None:
        return None
    may = (
        _narrow_v1(match["may"], sides)
        if match["may"] in _V1_SIDES
        else _narrow_v2(match["may"], sides)
    )
    return f"patient/{match['type']}.{may}" if may else None


def _narrow_v2(letters: str, sides: Collection[str]) -> str:
    allowed = "".join(_SIDE_INTERACTIONS[side] for side in sides)
    return "".join(letter for letter in letters if letter in allowed)


def _narrow_v1(word: str, sides: Collection[str]) -> str:
    left = _V1_SIDES[word] & set(sides)
    return next((name for name, both in _V1_SIDES.items() if both == left), "")
