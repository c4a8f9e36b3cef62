"""One try at signing in, carried from page to page in a signed form field.

The server keeps nothing until Allow or Deny. The field is bound to a cookie of the browser that
began the try, so that another site can't submit a form that it fetched itself.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from itsdangerous import BadSignature, URLSafeSerializer

LIFETIME = 600
"""Seconds by the portal's clock within which a try must end."""


class StaleAttempt(Exception):
    """The form is forged, from another browser, too old, or of a try that has ended."""


@dataclass(frozen=True)
class Attempt:
    """How far a try has come: `errand` and `request` say what for; None is not yet chosen."""

    id: str
    browser: str
    until: float
    errand: str
    request: dict[str, str]
    person: str | None = None
    patient: str | None = None

    def choose(self, person: str, patient: str | None) -> Self:
        """This try, one step further: who signs in, and about whom if that is known."""
        return replace(self, person=person, patient=patient)


class Attempts:
    """Begins tries, seals them into forms, and opens them again."""

    def __init__(self, present: Callable[[], float]) -> None:
        self._present = present
        self._seal = URLSafeSerializer(secrets.token_bytes(32), salt="sign-in")
        self._ended: dict[str, float] = {}

    def begin(self, errand: str, request: dict[str, str], browser: str) -> Attempt:
        """A new try in the browser whose cookie is `browser`."""
        until = self._present() + LIFETIME
        return Attempt(secrets.token_urlsafe(12), _fingerprint(browser), until, errand, request)

    def seal(self, attempt: Attempt) -> str:
        """The form field of a try."""
        sealed: str = self._seal.dumps(asdict(attempt))
        return sealed

    def open(self, sealed: str, browser: str) -> Attempt:
        """The try in a form field. Raises StaleAttempt."""
        try:
            fields: dict[str, Any] = self._seal.loads(sealed)
        except BadSignature:
            raise StaleAttempt from None
        attempt = Attempt(**fields)
        ours = secrets.compare_digest(attempt.browser, _fingerprint(browser))
        if not ours or attempt.until < self._present() or attempt.id in self._ended:
            raise StaleAttempt
        return attempt

    def end(self, attempt: Attempt) -> None:
        """Let no form of this try be used again."""
        self._ended = {key: until for key, until in self._ended.items() if until > self._present()}
        self._ended[attempt.id] = attempt.until


def _fingerprint(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()
