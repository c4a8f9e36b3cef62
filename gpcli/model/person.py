"""People: the patient, and who acts for them."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Somebody by id and name; `id` is a FHIR logical id."""

    id: str
    name: str


@dataclass(frozen=True)
class Identity:
    """The people of a sign-in, as far as it tells.

    `fhir_user` is the reference of who acts (`Patient/1`, `RelatedPerson/2`), relative or
    absolute; `None` = not known. Names are `None` where only the portal knows them.
    """

    patient: str
    fhir_user: str | None = None
    patient_name: str | None = None
    acting_name: str | None = None

    @property
    def is_on_behalf(self) -> bool:
        """Whether somebody else acts for the patient."""
        ours = f"Patient/{self.patient}"
        return self.fhir_user is not None and not f"/{self.fhir_user}".endswith(f"/{ours}")


@dataclass(frozen=True)
class Parties:
    """The patient, and who acts for them; the same person unless somebody acts on their behalf.

    `acting_user` is `None` where it is not known: a bare token does not tell.
    """

    patient: Person
    acting_user: Person | None

    @property
    def on_behalf_by(self) -> Person | None:
        """The person who acts for the patient; `None` = the patient themselves, or not known."""
        return None if self.acting_user == self.patient else self.acting_user


@dataclass(frozen=True)
class SyntheticRules:
    """Which patients are made up: those that any of these holds for.

    `identifiers` are the system of an identifier, `None` = any, and what its whole value must
    match. `labels` are systems and codes of a tag or a security label. `patients` are ids.
    """

    identifiers: tuple[tuple[str | None, re.Pattern[str]], ...]
    labels: frozenset[tuple[str, str]]
    patients: frozenset[str]
