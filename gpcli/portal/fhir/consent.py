"""Consent: how much the patient lets the portal do."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from gpcli.model.service import Consent, ConsentLevel
from gpcli.portal.fhir.appointment import UUID_SYSTEM
from gpcli.portal.fhir.element import Element

LEVEL = "urn:gpcli:consent-level"
_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def read_consent(consent: Element) -> Consent:
    """One Consent; its level is the code of `policyRule`, as written."""
    levels = [coding.code for coding in consent.codings("policyRule") if coding.system == LEVEL]
    return Consent(
        id=consent.need("id"),
        level=levels[0] if levels else ConsentLevel.BASIC,
        status=consent.need("status"),
        since=consent.text("dateTime"),
    )


def write_grant(patient: str, intent: UUID, now: datetime) -> dict[str, Any]:
    """An active Consent to Full Access, given by the patient now."""
    return {
        "resourceType": "Consent",
        "identifier": [{"system": UUID_SYSTEM, "value": intent.urn}],
        "status": "active",
        "scope": {"coding": [{"system": _SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": _CATEGORY, "code": "INFA"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "dateTime": now.isoformat(timespec="seconds"),
        "policyRule": {"coding": [{"system": LEVEL, "code": ConsentLevel.FULL_ACCESS.value}]},
        "provision": {"type": "permit"},
    }


def write_withdrawn(consent: Element) -> dict[str, Any]:
    """The same Consent, inactive; everything else stays as it was."""
    return {**consent.json, "status": "inactive"}
