"""What the portals of the contract do not offer, and why: the cases that are left out there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Lacks = Mapping[str, str]
"""Why, by what a portal lacks: an interaction of its CapabilityStatement, as in `Binary:read`."""

_SEKMET: Lacks = {
    "Binary:read": "SEKMET serves no Binary",
    "ChargeItemDefinition:search-type": "SEKMET serves no ChargeItemDefinition",
}
LACKS: Mapping[str, Lacks] = {
    "embedded": {},
    "fake": {"Slot:update": "patients write no Slots there"},
    "sekmet": _SEKMET,
    "absolute": _SEKMET,
    "medplum": {},
    "bare": {
        "Appointment:conditional-create": "its gateway lets no If-None-Exist through",
        "transaction": "its gateway lets no Bundles through",
    },
}
"""By portal. A portal's own CapabilityStatement must bear it out: `contradictions`."""


def reasons(portal: str, needs: Iterable[str]) -> list[str]:
    """Why a case that `needs` these is left out at a portal; none = it is tried there."""
    lacks = LACKS[portal]
    return list(dict.fromkeys(lacks[each] for each in needs if each in lacks))


def contradictions(portal: str, offered: Iterable[str]) -> list[str]:
    """What is left out at a portal that offers it all the same."""
    return sorted(LACKS[portal].keys() & set(offered))
