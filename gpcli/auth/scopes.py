"""The scopes that a sign-in asks for, as the portal writes and offers them.

Source: SMART App Launch 2.2, "Scopes"; 1.0, "Scopes for requesting clinical data", for v1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from gpcli.config.profiles import Profile

V1, V2 = "1", "2"
_V1_CAPABILITY = "permission-v1"
_V2_CAPABILITY = "permission-v2"
_V2_SCOPE = re.compile(
    r"(?P<resource>(?:patient|user|system)/(?:\*|[A-Za-z]+))\.(?P<letters>[cruds]+)"
)
_V1_SCOPE = re.compile(r"(?:patient|user|system)/(?:\*|[A-Za-z]+)\.(?:read|write|\*)")
_V1_PERMISSIONS = (("read", "rs"), ("write", "cud"))
"""The permissions of v1, and which letters of v2 each stands for."""
_V1_LETTERS = {**dict(_V1_PERMISSIONS), "*": "cruds"}

_ALSO_BY_CAPABILITY = {
    "launch/patient": "context-standalone-patient",
    "offline_access": "permission-offline",
}
"""Scopes that a portal may offer by a capability, without listing them."""

ReadTypes = Callable[[], frozenset[str] | None]
"""Returns the resource types that the portal states; None = it does not say."""


@dataclass(frozen=True)
class OfferedScopes:
    """What a portal says of scopes: its `scopes_supported`, empty = nothing, and capabilities."""

    supported: tuple[str, ...]
    capabilities: frozenset[str]


def choose_scopes(profile: Profile, offered: OfferedScopes, read_types: ReadTypes) -> str:
    """Return the scopes to ask for when a person signs in.

    A profile's own scopes are returned as written, in v1 where its `scopes_version` says so. Of the
    default ones those are left out that the portal does not offer, and those of a resource type
    that it does not have.
    """
    version = profile.scopes_version
    if profile.has_own_scopes:
        return to_v1_scopes(profile.scopes) if version == V1 else profile.scopes
    types = read_types()
    wanted = profile.requested_scopes.split()
    if types is not None:
        wanted = [scope for scope in wanted if _find_type(scope) in {None, *types}]
    return select_scopes(wanted, offered, version)


def choose_system_scopes(profile: Profile, offered: OfferedScopes) -> str:
    """Return the scopes that a machine asks for.

    A profile's own scopes are as in `choose_scopes`. Of the default ones those are left out that
    the portal does not offer; where it offers none to machines it is asked for all, since a
    machine has to ask for something.
    """
    wanted, version = to_system_scopes(profile.requested_scopes), profile.scopes_version
    if profile.has_own_scopes:
        return format_scopes(wanted, version, offered.capabilities)
    chosen = select_scopes(wanted.split(), offered, version)
    return chosen or format_scopes(wanted, version, offered.capabilities)


def select_scopes(wanted: Iterable[str], offered: OfferedScopes, version: str | None) -> str:
    """Return those of the scopes `wanted`, which are v2, that the portal offers, as it writes them.

    Where it lists no scopes, all are returned. Else a scope is asked for as it is listed; in place
    of one that is not, what is listed for its type is asked for, as far as that overlaps: v1 words
    only where there is nothing in v2, a wildcard only where the type is not listed. `version` "1"
    or "2" leaves out what is written in the other one.
    """
    if not offered.supported:
        return format_scopes(" ".join(wanted), version, offered.capabilities)
    listed = _ListedScopes(offered.supported, version)
    chosen: dict[str, None] = {}
    for scope in wanted:
        if _ALSO_BY_CAPABILITY.get(scope) in offered.capabilities:
            chosen[scope] = None
        chosen.update(dict.fromkeys(listed.find(scope)))
    return " ".join(chosen)


def format_scopes(scopes: str, version: str | None, capabilities: Collection[str]) -> str:
    """Return `scopes`, which are v2, as the portal writes them.

    `version` is the profile's, "1" or "2"; without one, v1 is used where the portal's
    `capabilities` name only that.
    """
    has_only_v1 = _V1_CAPABILITY in capabilities and _V2_CAPABILITY not in capabilities
    return to_v1_scopes(scopes) if (version or (V1 if has_only_v1 else V2)) == V1 else scopes


def to_v1_scopes(scopes: str) -> str:
    """Return `scopes` in v1: `patient/Slot.read` for `patient/Slot.rs`.

    Scopes without letters, and those with a query, which v1 has not, are returned as they are.
    """
    return " ".join(v1_scope for scope in scopes.split() for v1_scope in _split_to_v1(scope))


def to_system_scopes(scopes: str) -> str:
    """Return `scopes` for a machine: `system/Slot.rs` for `patient/Slot.rs`.

    Scopes for a person's sign-in, such as `openid` and `offline_access`, are left out.
    Source: SMART App Launch 2.2, "Backend Services", "Scopes".
    """
    clinical = (scope for scope in scopes.split() if "/" in scope and "launch/" not in scope)
    return " ".join(f"system/{scope.partition('/')[2]}" for scope in clinical)


def has_record_scopes(scopes: str) -> bool:
    """Return whether any of `scopes` opens records of the portal."""
    return any(scope.startswith(("patient/", "user/", "system/")) for scope in scopes.split())


def _split_to_v1(scope: str) -> list[str]:
    match = _V2_SCOPE.fullmatch(scope)
    if match is None:
        return [scope]
    wanted = set(match["letters"])
    permissions = [word for word, letters in _V1_PERMISSIONS if wanted & set(letters)]
    return [f"{match['resource']}.{permission}" for permission in permissions]


def _find_type(scope: str) -> str | None:
    """Return the resource type that a v2 scope is for; None = it is for none."""
    match = _V2_SCOPE.fullmatch(scope)
    return match["resource"].partition("/")[2] if match else None


class _ListedScopes:
    """The scopes that a portal lists, by what they are for."""

    def __init__(self, supported: Iterable[str], version: str | None) -> None:
        self._all = frozenset(supported)
        self._v2: dict[str, dict[str, str]] = {}
        self._v1: dict[str, dict[str, str]] = {}
        for scope in sorted(self._all):
            resource, _, permission = scope.rpartition(".")
            if _V2_SCOPE.fullmatch(scope) and version != V1:
                self._v2.setdefault(resource, {})[scope] = permission
            elif _V1_SCOPE.fullmatch(scope) and version != V2:
                self._v1.setdefault(resource, {})[scope] = _V1_LETTERS[permission]

    def find(self, scope: str) -> list[str]:
        """Return the listed scopes to ask for in place of `scope`, none where nothing fits."""
        match = _V2_SCOPE.fullmatch(scope)
        if match is None:
            return [scope] if scope in self._all else []
        resource, letters = match["resource"], frozenset(match["letters"])
        wildcard = f"{resource.partition('/')[0]}/*"
        for place in (self._v2.get(resource), self._v1.get(resource)):
            if place:
                return _cover(letters, place)
        for place in (self._v2.get(wildcard), self._v1.get(wildcard)):
            if place:
                return _cover(letters, place)
        return []


def _cover(wanted: frozenset[str], listed: Mapping[str, str]) -> list[str]:
    """Return the fewest of `listed` (scope -> letters) that give most of the letters `wanted`.

    What gives no more than is wanted goes first; then one scope that gives all; then what overlaps.
    """
    modest = {scope: letters for scope, letters in listed.items() if set(letters) <= wanted}
    chosen = _choose_greedily(wanted, modest)
    if _letters(chosen, modest) == wanted:
        return chosen
    full = [scope for scope, letters in listed.items() if wanted <= set(letters)]
    if full:
        return [min(full, key=lambda scope: (len(listed[scope]), scope))]
    return _choose_greedily(wanted, listed)


def _choose_greedily(wanted: frozenset[str], listed: Mapping[str, str]) -> list[str]:
    chosen: list[str] = []
    left = set(wanted)
    while left:
        best = max(
            listed,
            key=lambda scope: (len(left & set(listed[scope])), -len(listed[scope]), scope),
            default=None,
        )
        if best is None or not left & set(listed[best]):
            break
        chosen.append(best)
        left -= set(listed[best])
    return chosen


def _letters(scopes: Iterable[str], listed: Mapping[str, str]) -> set[str]:
    return {letter for scope in scopes for letter in listed[scope]}
