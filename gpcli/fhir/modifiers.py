"""Modifiers: what in a record can change the meaning of all the rest of it (R4 2.6.1.2).

The modifier elements of R4 are heeded where each type is read. What is left are extensions, and
rules by which a record was made: a record with one that gpcli does not know is not understood.
"""

from __future__ import annotations

from gpcli.fhir.element import Element, Malformed


class NotUnderstood(Malformed):
    """A record may mean something else than it seems to, and gpcli can't tell."""


def require_understood(record: Element) -> None:
    """Raise NotUnderstood for a record with a modifier that gpcli does not know.

    gpcli knows no modifier extension, and no implicit rules.
    Source: R4 extensibility.html 2.4.0.1, resource.html `implicitRules`.
    """
    name = record.json.get("id")
    label = f"{record.path}/{name}" if isinstance(name, str) else record.path
    if record.json.get("implicitRules"):
        raise NotUnderstood(f"{label} follows rules that gpcli does not know (implicitRules)")
    if _has_modifier(record.json):
        raise NotUnderstood(
            f"{label} has a modifier that gpcli does not know (modifierExtension), so it may mean "
            "something else than it seems to"
        )


def _has_modifier(json: object) -> bool:
    if isinstance(json, dict):
        return bool(json.get("modifierExtension")) or any(map(_has_modifier, json.values()))
    return isinstance(json, list) and any(map(_has_modifier, json))
