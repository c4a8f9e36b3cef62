"""Read a population from a file: the form of people in YAML, or a FHIR Bundle in JSON."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from yaml.nodes import Node

from gpcli.sandbox.accounts import Account
from gpcli.sandbox.people.bundle_file import InvalidPeopleFile, accounts_in, read_bundle
from gpcli.sandbox.people.element_builders import Element
from gpcli.sandbox.people.form_keys import SECTIONS
from gpcli.sandbox.people.form_people import define_conversations, read_people_table
from gpcli.sandbox.people.form_reader import FormReader, compose
from gpcli.sandbox.people.form_surgeries import (
    define_gps,
    define_medicines,
    define_prices,
    define_services,
    define_surgeries,
)
from gpcli.sandbox.people.population import PatientRecords, Population
from gpcli.sandbox.people.raw_resources import RawResource, list_references, read_resources

MAX_FORM_BYTES = 8 * 1024 * 1024
MAX_BUNDLE_BYTES = 256 * 1024 * 1024
BUILT_IN = tuple(
    Path(__file__).parent / "built_in" / name
    for name in ("services.yaml", "medicines.yaml", "people.yaml")
)
"""The built-in population: what is so for other files too, and the people."""
_LOOKS_LIKE_JSON = re.compile(r"\s*(?:\[|\{\s*(?:\"|\}|\Z))")
_LOCAL_REFERENCE = re.compile(r"([A-Z][A-Za-z]+/[A-Za-z0-9.-]+)(?:/_history/.*)?\Z", re.ASCII)
"""A reference to another resource of the portal; others name a place, or what is contained."""
_DEFINERS: Mapping[str, Callable[[FormReader, Node], object]] = {
    "services": define_services,
    "prices": define_prices,
    "medicines": define_medicines,
    "conversations": define_conversations,
    "surgeries": define_surgeries,
}
"""What reads the sections that only define something, in this order."""
_KINDS = ("service", "price", "medicine", "conversation", "surgery", "gp", "person")


def read_people(path: Path) -> Population:
    """Read a population from a file, and check it.

    Raises:
        InvalidPeopleFile: It can't be read, or is neither a form of people nor a Bundle of them.
        FileNotFoundError: There is no such file.
    """
    text = _read_text(path)
    if _LOOKS_LIKE_JSON.match(text):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidPeopleFile(f"{path} is not JSON: {error}") from error
        if not _is_form(document):
            return _from_bundle(read_bundle(str(path), document))
    if len(text) > MAX_FORM_BYTES:
        raise InvalidPeopleFile(f"{path}: is too large: at most {MAX_FORM_BYTES:,} characters")
    population = read_form(str(path), text)
    _check_ids(str(path), population)
    return population


def _check_ids(file: str, population: Population) -> None:
    """Raise InvalidPeopleFile for two resources of one id, and for references to none."""
    raw = [each for each in population.raw if isinstance(each, RawResource)]
    seen = set[str]()
    for resource in population.resources(datetime.now(UTC)):
        reference = f"{resource['resourceType']}/{resource['id']}"
        if reference in seen:
            lines = [f":{each.line}" for each in raw if each.reference == reference]
            place = f"{file}{lines[-1] if lines else ''}"
            raise InvalidPeopleFile(f"{place}: there are two resources '{reference}'")
        seen.add(reference)
    for node in chain.from_iterable(list_references(each.node) for each in raw):
        found = _LOCAL_REFERENCE.match(node.value)
        if found is not None and found[1] not in seen:
            near = get_close_matches(found[1], seen, 1)
            guess = f": did you mean '{near[0]}'?" if near else ""
            line = node.start_mark.line + 1
            raise InvalidPeopleFile(f"{file}:{line}: there is no '{found[1]}'{guess}")


def _is_form(document: Any) -> bool:
    return isinstance(document, dict) and any(section in document for section in SECTIONS)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_BUNDLE_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InvalidPeopleFile(f"{path} can't be read: {error.strerror}") from error
    if len(content) > MAX_BUNDLE_BYTES:
        raise InvalidPeopleFile(f"{path}: is too large: at most {MAX_BUNDLE_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidPeopleFile(f"{path}:{line}: is not UTF-8") from error


def _from_bundle(resources: list[Element]) -> Population:
    constants = tuple(_constant(each) for each in resources)
    return Population(accounts=accounts_in(resources), raw=constants)


def _constant(resource: Element) -> Callable[[datetime], Element]:
    return lambda now: resource


@cache
def built_in() -> Population:
    """Return the built-in population."""
    return read_form(str(BUILT_IN[-1]), BUILT_IN[-1].read_text(encoding="utf-8"))


def read_built_in_text() -> str:
    """Return the built-in population as one file."""
    return "\n".join(each.read_text(encoding="utf-8") for each in BUILT_IN)


@cache
def _read_defaults() -> Mapping[str, Mapping[str, Any]]:
    """Return the services, prices and medicines that every file has."""
    defined: Mapping[str, Mapping[str, Any]] = {kind: {} for kind in _KINDS}
    for path in BUILT_IN[:-1]:
        reader = FormReader(str(path), defined)
        _define(reader, _read_sections(reader, path.read_text(encoding="utf-8")))
        defined = reader.defined
    return defined


def _read_sections(reader: FormReader, text: str) -> dict[str, Node]:
    sections: dict[str, Node] = {}
    root = compose(reader.file, text)
    for name, key_node, node in reader.pairs(root, ""):
        if name == "resourceType":
            reader.fail(key_node, "a Bundle is read as JSON; here, FHIR stands in 'resources'")
        if name not in SECTIONS:
            reader.fail_unknown(key_node, f"unknown key '{name}'", name, SECTIONS)
        sections[name] = node
    return sections


def _define(reader: FormReader, sections: Mapping[str, Node]) -> None:
    for name, define in _DEFINERS.items():
        if name in sections:
            define(reader, sections[name])


def read_form(file: str, text: str) -> Population:
    """Return the population that a form of people describes; `file` is what errors call it.

    Raises:
        InvalidPeopleFile: It is no such form.
    """
    reader = FormReader(file, _read_defaults())
    sections = _read_sections(reader, text)
    _define(reader, sections)
    times = define_gps(reader, sections["gps"]) if "gps" in sections else ()
    people = read_people_table(reader, sections["people"]) if "people" in sections else ()
    raw = tuple(read_resources(reader, sections["resources"])) if "resources" in sections else ()
    return Population(
        accounts=_accounts(file, people, raw),
        surgeries=tuple(reader.defined["surgery"].values()),
        offers=tuple(reader.defined["gp"].values()),
        prices=tuple(reader.defined["price"].values()),
        free_times=times,
        people=people,
        raw=raw,
    )


def _accounts(
    file: str, people: tuple[PatientRecords, ...], raw: tuple[RawResource, ...]
) -> tuple[Account, ...]:
    patients = {records.patient.key: records.patient for records in people}
    written = [each(datetime.now(UTC)) for each in raw]
    accounts = (
        *(each.account(patients) for each in patients.values() if each.signs_in),
        *accounts_in(written),
    )
    if not accounts:
        problem = "nobody could sign in: there is nobody in 'people', and no Patient in 'resources'"
        raise InvalidPeopleFile(f"{file}: {problem}")
    return accounts
