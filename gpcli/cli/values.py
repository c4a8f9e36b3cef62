"""What each value on the line may be completed with. Only the maker of the tables reads this."""

from __future__ import annotations

from typing import Any

from gpcli.cli.completion import SHELLS
from gpcli.fastpath.offers import FILES, PEOPLE, PROFILES
from gpcli.model.service import ServiceName

DAYS = ("today", "tomorrow", "+7d", "+14d", "+28d")

SANDBOX_PEOPLE = ("ada", "bo", "cecilie", "david", "eva", "finn", "guro", "hans")
SANDBOX_CHILDREN = ("emil",)

VALUES: dict[str, tuple[str, ...]] = {
    "--profile": (PROFILES,),
    "--as": (PEOPLE,),
    "--from": DAYS,
    "--to": DAYS,
    "--weekday": ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    "--via": ("in-person", "phone", "video"),
    "--environment": ("production", "staging", "sandbox"),
    "--accept-fee": ("any",),
    "--confirm": ("withdraw",),
    "--ca-file": (FILES,),
    "--people": (FILES,),
    "--message-file": (FILES,),
    "--attach": (FILES,),
}
"""What the value of an option may be, whichever command it belongs to."""

OWN_VALUES: dict[tuple[str, str], tuple[str, ...]] = {
    ("econsult start", "--via"): ("text", "phone", "video"),
    ("messages list", "--kind"): ("e-consultation", "administrative"),
    ("messages save", "--to"): (FILES,),
    ("rx list", "--kind"): ("medicine", "consumable", "nutrition"),
    ("sandbox run", "--as"): SANDBOX_PEOPLE,
    ("sandbox run", "--for"): SANDBOX_CHILDREN,
    ("sandbox env", "--as"): SANDBOX_CHILDREN,
}
"""What the value of one command's option may be, where others mean something else by it."""

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "services": tuple(name.value for name in ServiceName),
    "profile show": (PROFILES,),
    "profile use": (PROFILES,),
    "profile remove": (PROFILES,),
    "sandbox env": SANDBOX_PEOPLE,
    "completion": tuple(SHELLS),
}
"""What a command's first argument may be."""


def option_words(path: str, param: Any) -> tuple[str, ...]:
    """What the value of an option of the command at `path` may be; empty: nothing to offer."""
    flag = param.opts[-1]
    return OWN_VALUES.get((path, flag)) or VALUES.get(flag) or _by_type(param)


def argument_words(path: str, params: list[Any]) -> tuple[tuple[str, ...], ...]:
    """What each of the arguments of the command at `path` may be."""
    by_type = [_by_type(param) for param in params]
    first = ARGUMENTS.get(path)
    return (first, *by_type[1:]) if first and by_type else tuple(by_type)


def _by_type(param: Any) -> tuple[str, ...]:
    if param.type.name in {"path", "file", "filename"}:
        return (FILES,)
    return tuple(str(choice) for choice in getattr(param.type, "choices", ()))
