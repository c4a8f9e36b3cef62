"""Secrets to look for, in every form in which they could be written down."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

_LEAST = 16
"""Characters of a long secret that give it away: no more of it is needed to recognise it."""


class SoughtSecrets:
    """The secrets by what they are; `find` tells which of them are in some bytes."""

    def __init__(self) -> None:
        self._needles: dict[bytes, str] = {}

    def add(self, name: str, value: str) -> None:
        """Look for `value`, too, which is called `name`."""
        for needle in _list_forms(value):
            self._needles[needle] = name

    def find(self, content: bytes) -> set[str]:
        """Return the names of the secrets in `content`."""
        return {name for needle, name in self._needles.items() if needle in content}


def _list_forms(value: str) -> Iterator[bytes]:
    """Yield how `value` may be written: as it is, shortened, encoded, or as a bare hash of it."""
    raw = value.encode()
    yield raw
    if len(value) > 2 * _LEAST:
        yield raw[:_LEAST]
        yield raw[-_LEAST:]
    yield value.encode("utf-16-le")
    yield raw.hex().encode()
    yield quote(value).encode()
    yield quote_plus(value).encode()
    yield value.encode("unicode-escape")
    for shift in range(3):  # wherever it stands in what is encoded
        encoded = base64.b64encode(b"\0" * shift + raw)
        yield encoded[-(-shift * 8 // 6) : len(encoded) // 4 * 4 - 4]
    for kind in ("md5", "sha1", "sha256", "sha512"):
        digest = hashlib.new(kind, raw, usedforsecurity=False)
        yield digest.hexdigest().encode()
        yield base64.b64encode(digest.digest())
        yield base64.urlsafe_b64encode(digest.digest()).rstrip(b"=")
