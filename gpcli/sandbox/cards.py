"""Who can sign in at the embedded portal, as the sign-in page and `sandbox people` list them."""

from collections.abc import Iterable
from dataclasses import dataclass


class UnknownPerson(LookupError):
    """Nobody of that name can sign in here, or not for that other person."""

    def __init__(self, wanted: str, known: Iterable[str]) -> None:
        self.wanted = wanted
        self.known = tuple(known)
        super().__init__(f"no person called {wanted!r}; known: {', '.join(self.known) or 'none'}")


@dataclass(frozen=True)
class Ward:
    """Somebody whom a person may act for: `key` on the command line, and the two FHIR ids."""

    key: str
    name: str
    patient: str
    fhir_user: str


@dataclass(frozen=True)
class PersonCard:
    """Somebody who can sign in: `key` on the command line, `patient` the logical id."""

    key: str
    name: str
    description: str
    patient: str
    acts_for: tuple[Ward, ...] = ()

    def as_whom(self, acting_for: str | None) -> tuple[str, str]:
        """The patient id and the `fhirUser` of a sign-in as this person, or for one they act for.

        Raises UnknownPerson if this person may not act for `acting_for`.
        """
        if acting_for is None or acting_for in (self.key, self.patient):
            return self.patient, f"Patient/{self.patient}"
        for ward in self.acts_for:
            if acting_for in (ward.key, ward.patient):
                return ward.patient, ward.fhir_user
        raise UnknownPerson(acting_for, (ward.key for ward in self.acts_for))


def find_card(cards: Iterable[PersonCard], key: str) -> PersonCard:
    """The card of the person called `key`, capitals aside. Raises UnknownPerson."""
    by_key = {card.key: card for card in cards}
    try:
        return by_key[key.casefold()]
    except KeyError:
        raise UnknownPerson(key, by_key) from None
