"""The people of the embedded portal."""

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
