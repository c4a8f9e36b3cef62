"""The people of a sign-in."""

from dataclasses import dataclass
from typing import NewType

PatientId = NewType("PatientId", str)
"""Logical id of a FHIR Patient."""


@dataclass(frozen=True)
class Person:
    """Somebody by id and name; `id` is a FHIR logical id."""

    id: str
    name: str


@dataclass(frozen=True)
class Parties:
    """Whom a session is about, and who acts; the same person unless acting for someone."""

    patient: Person
    acting_user: Person

    @property
    def on_behalf(self) -> bool:
        """Whether somebody acts for another person."""
        return self.acting_user.id != self.patient.id or self.acting_user.name != self.patient.name
