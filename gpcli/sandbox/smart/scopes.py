"""SMART scopes, and what they mean in plain words on the consent page.

Source: SMART App Launch 2.2, Scopes and Launch Context (v2 letters, v1 `.read` / `.write`).
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

IDENTITY = ("openid", "fhirUser", "profile", "launch/patient")
"""Scopes without which there is no sign-in; nobody can untick them."""
OFFLINE = "offline_access"
_CLINICAL = re.compile(
    r"patient/(?P<type>\*|[A-Z][A-Za-z]+)\.(?P<may>(?=.)c?r?u?d?s?|read|write|\*)"
)
_FOR_MACHINES = re.compile(_CLINICAL.pattern.replace("patient", "system", 1))
_LETTERS = {"see": "rs", "do": "cud"}
_V1 = {"read": {"see"}, "write": {"do"}, "*": {"see", "do"}}


@dataclass(frozen=True)
class Topic:
    """An area of the record: its FHIR types, and words for seeing it and doing something in it."""

    key: str
    types: frozenset[str]
    see: str
    do: str


TOPICS = (
    Topic(
        "details",
        frozenset({"Patient", "RelatedPerson"}),
        "Name, address and contact details, and who may act for whom",
        "Change contact details",
    ),
    Topic(
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
    Topic(
        "appointments",
        frozenset({"Schedule", "Slot", "Appointment", "AppointmentResponse"}),
        "Free times and appointments",
        "Book, move and cancel appointments",
    ),
    Topic(
        "messages",
        frozenset({"Communication", "DocumentReference", "Binary"}),
        "Messages and their attachments",
        "Write to the surgery, and mark messages as read",
    ),
    Topic(
        "prescriptions",
        frozenset({"MedicationRequest", "Medication", "MedicationDispense"}),
        "Prescriptions and what is left of them",
        "Change prescriptions",
    ),
    Topic(
        "renewals",
        frozenset({"Task"}),
        "Requests to renew prescriptions",
        "Ask for prescriptions to be renewed, or take that back",
    ),
    Topic("vaccinations", frozenset({"Immunization"}), "Vaccinations", "Record vaccinations"),
    Topic(
        "consent",
        frozenset({"Consent"}),
        "Consent to digital services",
        "Give or withdraw consent to digital services",
    ),
    Topic("everything", frozenset({"*"}), "The whole record here", "Change the whole record here"),
)
"""The consent page, from top to bottom."""
OTHER = Topic("other", frozenset(), "Other parts of the record", "Change other parts of the record")


@dataclass(frozen=True)
class Permission:
    """One box on the consent page: `key` in the form, `words` for people."""

    key: str
    side: Literal["see", "do", "stay"]
    words: str


def recognised(scope: str) -> list[str]:
    """The scopes in a space-separated list that this portal can grant, each once, in order."""
    wanted = dict.fromkeys(scope.split())
    return [each for each in wanted if _known(each)]


def recognised_for_machines(scope: str) -> list[str]:
    """As `recognised`, for clients behind whom no person stands."""
    return [each for each in dict.fromkeys(scope.split()) if _FOR_MACHINES.fullmatch(each)]


def _known(scope: str) -> bool:
    return scope in IDENTITY or scope == OFFLINE or _CLINICAL.fullmatch(scope) is not None


def permissions(scopes: Collection[str]) -> list[Permission]:
    """The boxes to tick for `scopes` (see and do apart), in the page's order."""
    boxes = [box for topic in (*TOPICS, OTHER) for box in _boxes(topic, scopes)]
    if OFFLINE in scopes:
        boxes.append(Permission("stay", "stay", "Without asking again, for up to 30 days"))
    return boxes


def _boxes(topic: Topic, scopes: Collection[str]) -> Iterator[Permission]:
    mine = [scope for scope in scopes if _topic_of(scope) is topic]
    if any(_narrow(scope, {"see"}) for scope in mine):
        yield Permission(f"{topic.key}.see", "see", topic.see)
    if any(_narrow(scope, {"do"}) for scope in mine):
        yield Permission(f"{topic.key}.do", "do", topic.do)


def _topic_of(scope: str) -> Topic | None:
    match = _CLINICAL.fullmatch(scope)
    if match is None:
        return None
    return next((topic for topic in TOPICS if match["type"] in topic.types), OTHER)


def granted(scopes: Collection[str], ticked: Collection[str]) -> list[str]:
    """What of `scopes` remains when only the boxes with the keys `ticked` are allowed."""
    return list(dict.fromkeys(left for scope in scopes if (left := _as_ticked(scope, ticked))))


def _as_ticked(scope: str, ticked: Collection[str]) -> str | None:
    if scope == OFFLINE:
        return scope if "stay" in ticked else None
    topic = _topic_of(scope)
    if topic is None:
        return scope
    return _narrow(scope, {side for side in _LETTERS if f"{topic.key}.{side}" in ticked})


def _narrow(scope: str, sides: Collection[str]) -> str | None:
    match = _CLINICAL.fullmatch(scope)
    if match is None:
        return None
    may = (
        _narrow_v1(match["may"], sides) if match["may"] in _V1 else _narrow_v2(match["may"], sides)
    )
    return f"patient/{match['type']}.{may}" if may else None


def _narrow_v2(letters: str, sides: Collection[str]) -> str:
    allowed = "".join(_LETTERS[side] for side in sides)
    return "".join(letter for letter in letters if letter in allowed)


def _narrow_v1(word: str, sides: Collection[str]) -> str:
    left = _V1[word] & set(sides)
    return next((name for name, both in _V1.items() if both == left), "")
