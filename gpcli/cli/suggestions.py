"""Which command a word that is none may mean: by its meaning, then by its spelling."""

from __future__ import annotations

import difflib

from gpcli.cli.commands.specs import CommandSpec, GroupSpec, Registry

CLOSE, VERY_CLOSE = 0.7, 0.85
"""How alike two words must be (0 to 1): a word that is known for a command, and a command's last
name in a group that the person did not name."""

SHORTEST_BEGINNING = 3
"""The fewest characters of a word that may be the beginning of another."""


def find_meant(registry: Registry, group: str, word: str) -> str | None:
    """Return the path that `word` means: a name, or a word that is known for a command or group.

    What is in `group` goes before all else; of what is elsewhere, what is about care. `None` =
    nothing.
    """
    inside, known, elsewhere = _list_words(registry, group)
    wanted = word.casefold()
    return inside.get(wanted) or known.get(wanted) or elsewhere.get(wanted)


def find_nearest(registry: Registry, group: str, word: str) -> str | None:
    """Return the path that `word` means, else the one that is spelled most like it."""
    if meant := find_meant(registry, group, word):
        return meant
    inside, known, elsewhere = _list_words(registry, group)
    wanted, words = word.casefold(), {**known, **inside}
    if len(wanted) >= SHORTEST_BEGINNING:
        begun = next((each for each in (*inside, *known) if each.startswith(wanted)), None)
        if begun:
            return words[begun]
    if near := difflib.get_close_matches(wanted, words, n=1, cutoff=CLOSE):
        return words[near[0]]
    near = difflib.get_close_matches(wanted, elsewhere, n=1, cutoff=VERY_CLOSE)
    return elsewhere[near[0]] if near else None


def find_subject(registry: Registry, subjects: list[str], words: str) -> str | None:
    """Return the command that `words` mean, else the one of `subjects` that is spelled like it."""
    near = difflib.get_close_matches(words, subjects, n=1, cutoff=CLOSE)
    return find_meant(registry, "", words) or (near[0] if near else None)


def _list_words(
    registry: Registry, group: str
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Return word -> path: the names in `group`, the aliases, and the names in other groups."""
    specs: tuple[CommandSpec | GroupSpec, ...] = (*registry.groups, *registry.commands)
    inside = {spec.name: spec.path for spec in specs if spec.path == f"{group} {spec.name}".strip()}
    known = {alias: spec.path for spec in specs for alias in spec.aliases}
    care_last = sorted(specs, key=lambda spec: spec.section == "CARE")
    return inside, known, {spec.name: spec.path for spec in care_last}
