"""The people of the embedded portal, and what its surgery has answered."""

from __future__ import annotations

from dataclasses import dataclass

from gpcli.render.view import Column, View, record_view


@dataclass(frozen=True)
class SandboxPerson:
    """Somebody who can sign in at the sandbox; `acts_for` are the names of their children."""

    person: str
    name: str
    shows: str
    acts_for: tuple[str, ...]


PEOPLE: View[SandboxPerson] = record_view(
    SandboxPerson,
    "sandbox-people",
    (
        Column("person", "Person", lambda one: one.person),
        Column("name", "Name", lambda one: one.name),
        Column("shows", "Shows", lambda one: one.shows),
        Column("acts_for", "Acts for", lambda one: one.acts_for),
    ),
)


@dataclass(frozen=True)
class Answer:
    """An answer of the surgery: to what (`id`), of which service, and `booked`, `declined`, ..."""

    id: str
    service: str
    outcome: str


ANSWERED: View[Answer] = record_view(
    Answer,
    "sandbox-answered",
    (
        Column("id", "ID", lambda one: one.id),
        Column("service", "Service", lambda one: one.service),
        Column("outcome", "Outcome", lambda one: one.outcome),
    ),
)
