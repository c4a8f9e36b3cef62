"""Search parameters as data: what kind they are and where their values stand."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["token", "reference", "date", "string", "uri"]


@dataclass(frozen=True)
class Param:
    """One search parameter: its kind, where its values stand, and what a reference may name.

    `system` is the code system that a plain `code` element implies.
    """

    kind: Kind
    paths: tuple[str, ...]
    targets: tuple[str, ...] = ()
    system: str = ""


def token(*paths: str, system: str = "") -> Param:
    """Codes, identifiers, telephone numbers, booleans; `system` is what a plain code implies."""
    return Param("token", paths, system=system)


def reference(path: str, *targets: str) -> Param:
    """References to any of the target types."""
    return Param("reference", (path,), targets)


def date(*paths: str) -> Param:
    """Dates, instants and periods."""
    return Param("date", paths)


def string(*paths: str) -> Param:
    """Texts, names of people, addresses."""
    return Param("string", paths)


def uri(*paths: str) -> Param:
    """Addresses that are compared whole."""
    return Param("uri", paths)
