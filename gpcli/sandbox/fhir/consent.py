"""How much of the portal a patient has consented to use, by their active Consents."""

from collections.abc import Iterable

from gpcli.sandbox.fhir.elements import Resource, codes
from gpcli.sandbox.fhir.outcome import forbidden
from gpcli.sandbox.store import Store

LEVEL_SYSTEM = "urn:gpcli:consent-level"
LEVELS = ("basic", "basic-plus", "full-access")
"""From least to most."""
FULL_ACCESS = "full-access"


def level(store: Store, patient: str) -> str:
    """The highest level that an active Consent of the patient gives; `basic` without any."""
    active = store.find("Consent", patient=f"Patient/{patient}", status="active")
    given = [code for consent in active for code in levels_of(consent)]
    return max(given, key=LEVELS.index, default="basic")


def levels_of(consent: Resource) -> Iterable[str]:
    """The known levels that a Consent is about."""
    if consent.get("provision", {}).get("type") == "deny":
        return []
    return [code for code in codes(consent.get("policyRule"), LEVEL_SYSTEM) if code in LEVELS]


def has_full_access(store: Store, patient: str) -> bool:
    """Whether the patient has consented to Full Access."""
    return level(store, patient) == FULL_ACCESS


def require_full_access(store: Store, patient: str) -> None:
    """Raise 403 `consent-needed` unless the patient has consented to Full Access."""
    if not has_full_access(store, patient):
        text = "This needs your consent to Full Access, which you can give in the portal."
        raise forbidden(text, reason="consent-needed")
