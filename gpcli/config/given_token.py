"""What a person or a program gives as an access token, and what is wrong with it."""

from __future__ import annotations

import re

_VISIBLE = re.compile(r"[\x21-\x7e]*")
_BEARER = re.compile(r"bearer[\s:=]", re.IGNORECASE)
_QUOTES = ("'", '"', "`")


def find_token_flaw(text: str) -> str | None:
    """Return what `text` has and no access token does, as a clause without a subject.

    `None` = nothing: it can be sent in an Authorization header (RFC 6750, 2.1). Quotes are no
    part of a token either, and are there where a shell or YAML was to take them away.
    """
    flaws = (
        (_BEARER.match(text), "begins with 'Bearer', which gpcli sends itself"),
        (text.startswith(_QUOTES) or text.endswith(_QUOTES), "has quotes around it"),
        (len(text.splitlines()) > 1, "has several lines"),
        (" " in text, "has a space in it"),
        (not text.isascii(), "has a character that is not ASCII"),
        (not _VISIBLE.fullmatch(text), "has a control character in it"),
    )
    return next((clause for is_so, clause in flaws if is_so), None)
