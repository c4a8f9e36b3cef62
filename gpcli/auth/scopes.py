"""What to ask for: the profile's scopes in the words that the portal knows (SMART App Launch 2.2).

The profile holds one list, in v2 letters and for a patient; all else is computed from it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

V1, V2 = "1", "2"
_V1_ALONE = "permission-v1"
_V2_KNOWN = "permission-v2"
_LETTERS = re.compile(r"(?P<what>(?:patient|user|system)/(?:\*|[A-Za-z]+))\.(?P<may>[cruds]+)")
_WORDS = (("read", "rs"), ("write", "cud"))
"""The words of v1, and which letters of v2 each stands for."""


def asked_scopes(scopes: str, version: str | None, capabilities: Collection[str]) -> str:
    """`scopes` as the portal writes them.

    `version` is the profile's wish, "1" or "2"; without one v1 is used where the portal's
    `capabilities` name nothing else.
    """
    alone = _V1_ALONE in capabilities and _V2_KNOWN not in capabilities
    return in_v1(scopes) if (version or (V1 if alone else V2)) == V1 else scopes


def in_v1(scopes: str) -> str:
    """`scopes` with words for letters: `patient/Slot.rs` is `patient/Slot.read`.

    What has no letters, and what a query narrows, which v1 can't, stays as it is.
    """
    return " ".join(word for scope in scopes.split() for word in _words(scope))


def for_machines(scopes: str) -> str:
    """`scopes` without a person (Backend Services, "Scopes"): `patient/Slot.rs` is
    `system/Slot.rs`; who signed in and staying signed in are not asked for.
    """
    clinical = (scope for scope in scopes.split() if "/" in scope and "launch/" not in scope)
    return " ".join(f"system/{scope.partition('/')[2]}" for scope in clinical)


def _words(scope: str) -> list[str]:
    found = _LETTERS.fullmatch(scope)
    if found is None:
        return [scope]
    wanted = set(found["may"])
    return [f"{found['what']}.{word}" for word, letters in _WORDS if wanted & set(letters)]
