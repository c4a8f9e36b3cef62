"""Words that may be pasted anywhere: no token, person, identity number or home directory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

HIDDEN = "[hidden]"

_IDENTITY_NUMBER = r"(?<!\d)\d{6}[ -]?\d{5}(?!\d)"


def discreet(secrets: Iterable[str], home: str) -> Callable[[str], str]:
    """What makes words harmless: `secrets` are hidden where they stand as words, `home` is ~."""
    longest_first = sorted({secret for secret in secrets if secret.strip()}, key=len, reverse=True)
    whole = [rf"(?<!\w){re.escape(secret)}(?!\w)" for secret in longest_first]
    secret = re.compile("|".join((*whole, _IDENTITY_NUMBER)))
    below = re.compile(rf"(?<![\w/]){re.escape(home)}(?=/|\W|$)") if len(home) > 1 else None

    def hide(text: str) -> str:
        shortened = below.sub("~", text) if below else text
        return secret.sub(HIDDEN, shortened)

    return hide
