"""What a bearer of an access token may do: SMART App Launch 2.2, scopes v1 and v2."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from gpcli.sandbox.fhir.outcome import forbidden

_SCOPE = re.compile(r"(?P<level>patient|system)/(?P<type>\*|[A-Za-z]+)\.(?P<letters>[a-z]+|\*)")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_V2 = re.compile(r"c?r?u?d?s?")
_DEED = {"c": "create", "r": "read", "u": "change", "d": "delete", "s": "search"}


@dataclass(frozen=True)
class Grant:
    """What an access token lets its bearer do.

    `patient` is the logical id of the Patient in context, empty for a backend service, whose
    `system/` scopes are then what counts; `fhir_user` is who is signed in, `Patient/ada` or
    `RelatedPerson/...`; `scopes` are those granted.
    """

    patient: str
    fhir_user: str
    scopes: frozenset[str]

    @property
    def is_backend(self) -> bool:
        """Whether no patient stands behind it."""
        return not self.patient

    @property
    def own(self) -> str:
        """The relative reference of the Patient in context."""
        return f"Patient/{self.patient}"

    def letters(self, type_: str) -> frozenset[str]:
        """The interactions granted on a type, as SMART v2 letters out of `cruds`.

        A scope with a query part narrows in ways that are not supported here: it grants nothing.
        """
        level = "system" if self.is_backend else "patient"
        parsed = (_SCOPE.fullmatch(scope) for scope in self.scopes)
        return frozenset(
            letter
            for scope in parsed
            if scope and scope["level"] == level and scope["type"] in ("*", type_)
            for letter in _letters(scope["letters"])
        )

    def require(self, type_: str, letter: str) -> None:
        """Raise 403 unless the interaction `letter` is granted on the type."""
        if letter not in self.letters(type_):
            raise forbidden(f"This sign-in does not let the app {_DEED[letter]} {type_} resources.")


def _letters(text: str) -> str:
    return _V1.get(text, text if _V2.fullmatch(text) else "")


GrantOf = Callable[[str], Grant | None]
"""Bearer token to Grant; None if the token is unknown, expired or revoked."""
