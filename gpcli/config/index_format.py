"""Reading the offer index: which commands are hidden for the person that a command is about.

The index is a text file with one fact a line, whose parts are separated by tabs;
`gpcli.config.offer_index` writes it. What can't be read counts as unknown, and nothing is hidden
because of what is unknown. Help and completion import this module: it imports only `os`.
"""

import os

from gpcli.config.paths import index_path
from gpcli.config.variables import find_variable
from gpcli.invisible import is_hidden

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


HEADER = ["gpcli offer index", "1"]
FILES, PROFILES, PEOPLE, FIELDS = ":files", ":profiles", ":people", ":fields"
GPS, SANDBOXES, SUBJECTS, OUTBOX = ":gps", ":sandboxes", ":subjects", ":outbox"
"""Kinds of values that completion looks up when it needs them."""

SEVERAL = ":several"
"""Stands before values of which several may be given, with commas between."""

APPOINTMENTS, THREADS, PRESCRIPTIONS = ":appointments", ":threads", ":prescriptions"
REQUESTS, SLOTS = ":requests", ":slots"
LISTED_KINDS = (APPOINTMENTS, THREADS, PRESCRIPTIONS, REQUESTS, SLOTS)
"""Kinds of records whose ids completion knows from the last list."""

FROM_ENVIRONMENT = "environment"
"""The name of the profile that `GPCLI_PORTAL` makes; no profile in the file may have it."""

MAX_VALIDITY = 24 * 60 * 60 + 60
"""Seconds for which offers are believed: a day, and a minute for rounding."""

FALSE_WORDS = {"", "0", "false"}
"""What a variable that is a switch may say to be off."""

_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))

DEFAULT, PROFILE, PERSON, OFFERS, HIDDEN = "default", "profile", "person", "offers", "hidden"
GP, LISTED = "gp", "listed"
FACT_LENGTHS = {DEFAULT: 2, PROFILE: 2, PERSON: 6, OFFERS: 4, HIDDEN: 5, GP: 4, LISTED: 6}
"""The kinds of facts, and how many parts each has, its kind included."""


def read_facts(path: str) -> list[list[str]]:
    """Return the facts in the index at `path`, each as its parts; empty if it can't be read.

    A link, or a pipe, which might never end, is not read.
    """
    if os.path.islink(path) or not os.path.isfile(path):  # noqa: PTH113, PTH114  (as in paths)
        return []
    try:
        with open(path, "rb") as stream:  # noqa: PTH123  (as in paths)
            return parse_facts(stream.read())
    except OSError:
        return []


def parse_facts(content: bytes) -> list[list[str]]:
    """Return the facts in the content of an index, each as its parts; empty if it is broken."""
    try:
        lines = content.decode().split("\n")
    except UnicodeError:
        return []
    facts = [[unescape_part(part) for part in line.split("\t")] for line in lines]
    if facts[0] != HEADER:
        return []
    return [fact for fact in facts[1:] if FACT_LENGTHS.get(fact[0]) == len(fact)]


def escape_part(part: str) -> str:
    """Return `part` as it stands in the file: without tabs and line ends."""
    for raw, escaped in _ESCAPES:
        part = part.replace(raw, escaped)
    return part


def unescape_part(part: str) -> str:
    """Return the text of which `escape_part` made `part`."""
    head, *rest = part.split("\\\\")
    return "\\".join(_unescape_controls(piece) for piece in (head, *rest))


def _unescape_controls(piece: str) -> str:
    return piece.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r")


def replace_unprintable(text: str) -> str:
    """Return `text`, which the portal wrote, with spaces for what shows nothing or controls."""
    return "".join(" " if is_hidden(letter) else letter for letter in text)


def is_set(value: str | None) -> bool:
    """Return whether a variable that is a switch is on: `false`, `0`, empty and unset are off."""
    return (value or "").strip().lower() not in FALSE_WORDS


def read_hidden_commands(
    options: "Mapping[str, str]", env: "Mapping[str, str]", now: float
) -> "Mapping[str, str]":
    """Return the hidden commands, and why, for the person whom `options` and `env` name.

    `now` is in Unix seconds.
    """
    if is_set(env.get("GPCLI_SHOW_ALL")):
        return {}
    facts = read_facts(index_path(env))
    profile = find_profile_key(facts, options, env)
    patient = find_patient(facts, profile, options, env)
    return select_hidden_commands(facts, profile, patient, now)


def select_hidden_commands(
    facts: list[list[str]], profile: str, patient: str, now: float
) -> dict[str, str]:
    """Return the hidden commands, and why; none when the offers are not known.

    `now` is in Unix seconds.
    """
    if not 0 < find_offers_end(facts, profile, patient) - now <= MAX_VALIDITY:
        return {}
    return find_hidden_reasons(facts, profile, patient)


def find_offers_end(facts: list[list[str]], profile: str, patient: str) -> float:
    """Return until when the patient's offers are known, in Unix seconds; 0 if they are not."""
    until = [fact[3] for fact in facts if fact[:3] == [OFFERS, profile, patient]]
    return parse_number(until[-1]) if until else 0.0


def find_hidden_reasons(facts: list[list[str]], profile: str, patient: str) -> dict[str, str]:
    """Return the hidden commands, and why, as they were last stored, however long ago."""
    return {fact[3]: fact[4] for fact in facts if fact[:3] == [HIDDEN, profile, patient]}


def find_gps(facts: list[list[str]], profile: str, patient: str) -> list[str]:
    """Return the names of the patient's GPs, as they were last stored."""
    return [fact[3] for fact in facts if fact[:3] == [GP, profile, patient]]


def find_listed(
    facts: list[list[str]], profile: str, patient: str, kind: str
) -> list[tuple[str, str]]:
    """Return the ids of one of `LISTED_KINDS` that were last listed, each with a word on it."""
    return [(fact[4], fact[5]) for fact in facts if fact[:4] == [LISTED, profile, patient, kind]]


def find_hidden_paths(hidden_commands: "Mapping[str, str]", starts: "Collection[str]") -> set[str]:
    """Return the hidden commands, and the groups all of whose commands in `starts` are hidden.

    `starts` are the commands that start a service.
    """
    groups = {path.rpartition(" ")[0] for path in starts} - {""}
    empty = {
        group
        for group in groups
        if all(path in hidden_commands for path in starts if path.startswith(f"{group} "))
    }
    return set(hidden_commands) | empty


def find_profile_key(
    facts: list[list[str]], options: "Mapping[str, str]", env: "Mapping[str, str]"
) -> str:
    """Return the profile's key in the index, chosen as `gpcli.config.settings` does."""
    if named := options.get("--profile"):
        return named
    if portal := find_variable(env, "GPCLI_PORTAL"):
        return f"{FROM_ENVIRONMENT}:{portal.rstrip('/')}"
    if named := find_variable(env, "GPCLI_PROFILE"):
        return named
    default = [fact[1] for fact in facts if fact[0] == DEFAULT]
    known = default or [fact[1] for fact in facts if fact[0] == PROFILE]
    return known[0] if len(known) == 1 else ""


def find_people(facts: list[list[str]], profile: str) -> list[list[str]]:
    """Return the people of `profile` as [account, patient, name, last used], latest first.

    `last used` is text for Unix seconds.
    """
    people = [fact[2:] for fact in facts if fact[:2] == [PERSON, profile]]
    return sorted(people, key=lambda person: parse_number(person[3]), reverse=True)


UNATTENDED = ("GPCLI_PORTAL", "GPCLI_TOKEN", "GPCLI_TOKEN_COMMAND", "GPCLI_PATIENT")
"""Variables of a machine that signs in by itself."""


def is_signed_in(
    facts: list[list[str]], options: "Mapping[str, str]", env: "Mapping[str, str]"
) -> bool:
    """Return whether somebody is signed in, at the portal in use or, where that is open, at any.

    A machine that its environment signs in counts.
    """
    if any(find_variable(env, name) for name in UNATTENDED):
        return True
    profile = find_profile_key(facts, options, env)
    return any(fact[0] == PERSON and profile in {"", fact[1]} for fact in facts)


def find_matching_people(people: list[list[str]], wanted: str) -> list[list[str]]:
    """Return the people whom `wanted` may mean: by id, else by whole name, else by its start.

    `people` are as `find_people` returns them.
    """
    word = wanted.casefold()
    for matches in (_has_id, _has_name, _has_name_start):
        found = [person for person in people if matches(person, word)]
        if found:
            return found
    return []


def _has_id(person: list[str], word: str) -> bool:
    return word in {person[0].casefold(), person[1].casefold()}


def _has_name(person: list[str], word: str) -> bool:
    return person[2].casefold() == word


def _has_name_start(person: list[str], word: str) -> bool:
    name = person[2].casefold()
    return any(part.startswith(word) for part in (name, *name.split()))


def find_patient(
    facts: list[list[str]], profile: str, options: "Mapping[str, str]", env: "Mapping[str, str]"
) -> str:
    """Return the id of the patient whom `options` and `env` name; empty = that is not known."""
    if profile.startswith(f"{FROM_ENVIRONMENT}:"):
        return find_variable(env, "GPCLI_PATIENT")
    people = find_people(facts, profile)
    if wanted := options.get("--as") or find_variable(env, "GPCLI_AS"):
        people = find_matching_people(people, wanted)
        return people[0][1] if len(people) == 1 else ""
    return people[0][1] if people else ""


def parse_number(text: str) -> float:
    """Return the number in a part of a fact; 0 if it is none."""
    try:
        return float(text)
    except ValueError:
        return 0.0
