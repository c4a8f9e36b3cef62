"""Make people, and what is about them, of what the form says."""

import mimetypes
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from yaml.nodes import Node

from gpcli.sandbox.people.appointments import WITHOUT_TIME, SyntheticAppointment
from gpcli.sandbox.people.element_builders import Element, short_id
from gpcli.sandbox.people.form_keys import AUTHORS, CONVERSATION, PERSON, VACCINES
from gpcli.sandbox.people.form_reader import Entry, FormReader
from gpcli.sandbox.people.form_values import make_name, read_entry, read_key
from gpcli.sandbox.people.messages import (
    Message,
    MessageAttachment,
    Thread,
    build_pdf,
    build_png,
    encode_text,
)
from gpcli.sandbox.people.patients import GpOfPatient, SyntheticPatient, Vaccination
from gpcli.sandbox.people.population import PatientRecords
from gpcli.sandbox.people.prescriptions import Dose, Prescription, RenewalRequest
from gpcli.sandbox.people.relative_times import DAYTIME, EVENING, RelativeTime
from gpcli.sandbox.people.repetition import read_repeated

MAX_FILE_BYTES = 12_000_000
_CONTENTS = ("text", "picture", "pdf", "file")
_MEDIA_TYPES = {
    "text": "text/plain; charset=utf-8",
    "picture": "image/png",
    "pdf": "application/pdf",
}


def define_conversations(reader: FormReader, node: Node) -> None:
    """Define the conversations that threads can be made of."""
    for key, key_node, value in reader.pairs(node, "conversations"):
        read_key(reader, key_node, key, "conversation")
        entry = read_entry(reader, value, f"conversations.{key}", CONVERSATION)
        reader.defined["conversation"][key] = entry


def read_people_table(reader: FormReader, node: Node) -> tuple[PatientRecords, ...]:
    """Return everybody with their records."""
    pairs = list(reader.pairs(node, "people"))
    reader.defined["person"] = dict.fromkeys(key for key, _, _ in pairs)
    entries: dict[str, Entry] = {}
    for key, key_node, value in pairs:
        for name, entry in _read_person(reader, key, key_node, value):
            if name in entries:
                reader.fail(key_node, f"there are two people called '{name}'")
            entries[name] = entry
    patients = {key: _make_patient(reader, key, entry) for key, entry in entries.items()}
    _check_numbers(reader, entries)
    for key, entry in entries.items():
        missing = next((each for each, _ in entry.get("acts_for", ()) if each not in patients), "")
        if missing or key in dict(entry.get("acts_for", ())):
            problem = f"'{entry.where}.acts_for': there is no other person '{missing or key}'"
            reader.fail(entry.node_of("acts_for"), problem)
    maker = _RecordMaker(reader, patients)
    return tuple(maker.make(patients[key], entry) for key, entry in entries.items())


def _read_person(
    reader: FormReader, key: str, key_node: Node, value: Node
) -> Iterator[tuple[str, Entry]]:
    """Yield a person, or those that are made of one with `repeat`."""
    read_key(reader, key_node, key.replace("{n}", "1"), "person")
    entries = list(read_repeated(reader, value, f"people.{key}", PERSON))
    if len(entries) > 1 and "{n}" not in key:
        reader.fail(key_node, f"'people.{key}' is repeated: put {{n}} into its name, '{key}-{{n}}'")
    for number, entry in enumerate(entries, 1):
        yield key.replace("{n}", str(number)), entry


def _check_numbers(reader: FormReader, entries: dict[str, Entry]) -> None:
    owners: dict[str, str] = {}
    for key, entry in entries.items():
        owner = owners.setdefault(entry.get("number", key), key)
        if owner != key:
            problem = f"'people.{key}.number' is that of '{owner}' already"
            reader.fail(entry.node_of("number"), problem)


def _make_patient(reader: FormReader, key: str, entry: Entry) -> SyntheticPatient:
    names = ("born", "number", "phone", "address", "gps", "about", "signs_in", "acts_for")
    consent = entry.get("consent", "full-access")
    return SyntheticPatient(
        key,
        make_name(reader, entry),
        consent="" if consent == "none" else consent,
        vaccinations=tuple(_make_vaccinations(key, entry)),
        **entry.chosen(*names, gender="sex"),
    )


def _make_vaccinations(key: str, entry: Entry) -> Iterator[Vaccination]:
    seen: Counter[str] = Counter()
    for each in entry.get("vaccinations", ()):
        short = each["vaccine"] if each["vaccine"] in VACCINES else "vaccine"
        code, name = VACCINES.get(each["vaccine"], ("", each["vaccine"]))
        seen[short] += 1
        number = f"-{seen[short]}" if seen[short] > 1 else ""
        yield Vaccination(f"{short}-{key}{number}", each.get("atc", code), name, each["when"])


class _RecordMaker:
    """Makes what is about each patient; ids that were given are kept apart by type."""

    def __init__(self, reader: FormReader, patients: dict[str, SyntheticPatient]) -> None:
        self._reader = reader
        self._patients = patients
        self._ids: dict[tuple[str, str], int] = {}

    def make(self, patient: SyntheticPatient, entry: Entry) -> PatientRecords:
        """Return the patient with their records."""
        counted: Counter[tuple[str, int]] = Counter()
        return PatientRecords(
            patient,
            tuple(self._appointment(patient, each) for each in entry.get("appointments", ())),
            tuple(
                self._prescription(patient, each, counted)
                for each in entry.get("prescriptions", ())
            ),
            tuple(
                self._thread(patient, number, each)
                for number, each in enumerate(entry.get("threads", ()))
            ),
        )

    def _own_id(self, entry: Entry, type_: str) -> str:
        """Return the id that is given, empty if there is none."""
        own: str = entry.get("id", "")
        if own and (type_, own) in self._ids:
            first = self._ids[type_, own]
            problem = f"the id '{own}' is taken: line {first}; in what repeats, use {{n}} in it"
            self._reader.fail(entry.node_of("id"), problem)
        if own:
            self._ids[type_, own] = entry.node_of("id").start_mark.line + 1
        return own

    def _gp(self, patient: SyntheticPatient, entry: Entry) -> GpOfPatient:
        if "gp" in entry:
            gp: GpOfPatient = entry["gp"]
            return gp
        if not patient.gps:
            problem = f"'{entry.where}' has no 'gp', and {patient.key} has no GP"
            self._reader.fail(entry.node, problem)
        return patient.gps[0]

    def _appointment(self, patient: SyntheticPatient, entry: Entry) -> SyntheticAppointment:
        status = entry.get("status", "booked")
        if "when" not in entry and status not in WITHOUT_TIME:
            self._reader.fail(entry.node, f"'{entry.where}' has no 'when': it is {status}")
        values = entry.chosen(
            *("when", "service", "channel", "length", "comment", "made", "join", "cancelled_by"),
            reason="about",
        )
        if asked_for := entry.get("asked_for"):
            values["asked_for"] = (asked_for["from"], asked_for["to"])
        offer = self._reader.defined["gp"][self._gp(patient, entry).gp.key]
        own_id = self._own_id(entry, "Appointment")
        return SyntheticAppointment(patient, offer, status=status, id=own_id, **values)

    def _prescription(
        self, patient: SyntheticPatient, entry: Entry, counted: Counter[tuple[str, int]]
    ) -> Prescription:
        renews = None
        if former := entry.get("renews"):
            inherited = entry.chosen(
                *("medicine", "dosage", "dose", "days_supply", "gp", "valid", "repeats")
            )
            filled = replace(former, values={**inherited, **former.values})
            renews = self._prescription(patient, filled, counted)
        generation = sum(1 for _ in renews.generations()) + 1 if renews else 1
        product = entry["medicine"]
        counted[product.key, generation] += 1
        more = counted[product.key, generation]
        parts = (patient.key, product.key, str(generation), *((str(more),) if more > 1 else ()))
        values = entry.chosen(
            *("dosage", "days_supply", "written", "repeats", "status", "reason"),
            *("tells_kind", "links_medicine"),
        )
        if dose := entry.get("dose"):
            values["dose"] = Dose(**dose.values)
        if count := entry.get("portal_count"):
            values["portal_count"] = (count["allowed"], count["issued"])
        if renewal := entry.get("renewal"):
            values["renewal"] = RenewalRequest(**renewal.values)
        return Prescription(
            self._own_id(entry, "MedicationRequest") or short_id("rx", *parts),
            patient,
            self._gp(patient, entry),
            product,
            valid_days=entry.get("valid", timedelta(days=365)).days,
            dispensed=_dispense_times(entry, "dispensed"),
            returned=_dispense_times(entry, "returned"),
            renews=renews,
            **values,
        )

    def _thread(self, patient: SyntheticPatient, number: int, entry: Entry) -> Thread:
        sources = [each for each in ("messages", "lines", "conversation") if each in entry]
        if len(sources) != 1:
            problem = f"'{entry.where}' needs one of 'messages', 'lines' and 'conversation'"
            self._reader.fail(entry.node, problem)
        told = entry.get("conversation", entry)
        values = {**told.chosen("kind", subject="about"), **entry.chosen("kind", subject="about")}
        for name, key in (("kind", "kind"), ("subject", "about")):
            if name not in values:
                self._reader.fail(entry.node, f"'{entry.where}' has no '{key}'")
        if writer := entry.get("writer"):
            values["writer"] = self._writer(patient, writer, entry)
        if "messages" in entry:
            messages = tuple(self._message(each) for each in entry["messages"])
        else:
            messages = tuple(self._spoken(entry, told["lines"], values["kind"]))
        if not messages:
            self._reader.fail(entry.node, f"'{entry.where}' has no messages")
        return Thread(
            self._own_id(entry, "Communication") or short_id("t", patient.key, str(number)),
            patient,
            self._gp(patient, entry),
            messages=messages,
            **entry.chosen("status", "reason"),
            **values,
        )

    def _writer(self, patient: SyntheticPatient, writer: str, entry: Entry) -> Element:
        node = entry.node_of("writer")
        who = self._patients.get(writer)
        if who is None:
            problem = f"'{entry.where}.writer': there is no person '{writer}'"
            self._reader.fail_unknown(node, problem, writer, self._patients)
        if patient.key not in dict(who.acts_for):
            problem = f"'{entry.where}.writer': {writer} does not act for {patient.key}"
            self._reader.fail(node, problem)
        return who.writer_for(patient.key)

    def _message(self, entry: Entry) -> Message:
        authors = [each for each in AUTHORS if each in entry]
        if len(authors) != 1:
            problem = f"'{entry.where}' needs the text of one of: {', '.join(AUTHORS)}"
            self._reader.fail(entry.node, problem)
        attachments = tuple(self._attachment(each) for each in entry.get("attachments", ()))
        unread = entry.get("unread", False)
        return Message(authors[0], entry["when"], entry[authors[0]], attachments, unread)

    def _attachment(self, entry: Entry) -> MessageAttachment:
        kinds = [each for each in _CONTENTS if each in entry]
        if len(kinds) != 1:
            problem = f"'{entry.where}' needs one of: {', '.join(_CONTENTS)}"
            self._reader.fail(entry.node, problem)
        kind = kinds[0]
        guessed = mimetypes.guess_type(entry["name"])[0] or "application/octet-stream"
        media_type = entry.get("type", _MEDIA_TYPES.get(kind, guessed))
        make = _CONTENT_MAKERS.get(kind)
        content: bytes = make(entry[kind]) if make else self._read_file(entry)
        return MessageAttachment(entry["name"], media_type, content, entry.get("kept", "inline"))

    def _read_file(self, entry: Entry) -> bytes:
        path = Path(self._reader.file).parent / entry["file"]
        try:
            with path.open("rb") as opened:
                content: bytes = opened.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            problem = f"'{entry.where}.file': '{path}' can't be read ({error.strerror})"
            self._reader.fail(entry.node_of("file"), problem)
        if len(content) > MAX_FILE_BYTES:
            problem = f"'{entry.where}.file': '{path}' has more than {MAX_FILE_BYTES:,} bytes"
            self._reader.fail(entry.node_of("file"), problem)
        return content

    def _spoken(self, entry: Entry, lines: tuple[str, ...], kind: str) -> Iterator[Message]:
        """Yield messages of the patient and the surgery in turn, a working day apart.

        A postscript has the author and the time of the last one.
        """
        if "when" not in entry:
            self._reader.fail(entry.node, f"'{entry.where}' has no 'when': the day it begins")
        said = lines[: entry.get("length", len(lines))]
        last = len(said) - 1
        postscript = entry.get("postscript")
        surgery = "gp" if kind == "e-consultation" else "reception"
        for turn, text in [*enumerate(said), *([(last, postscript)] if postscript else [])]:
            by, clock = (surgery, DAYTIME) if turn % 2 else ("patient", EVENING)
            day = replace(entry["when"].moved((turn, "wd")), clock=clock)
            unread = turn == last and by != "patient" and entry.get("unread", False)
            yield Message(by, day, text, unread=unread)


_CONTENT_MAKERS: dict[str, Callable[[Any], bytes]] = {
    "text": encode_text,
    "picture": build_png,
    "pdf": build_pdf,
}


def _dispense_times(entry: Entry, key: str) -> tuple[RelativeTime, ...]:
    """Return the times of dispenses: as written, or at even distances from the day after."""
    given = entry.get(key, ())
    if isinstance(given, tuple):
        return given
    written: RelativeTime = replace(entry["written"], clock="")
    days = given["every"].days
    return tuple(written.moved((1 + number * days, "d")) for number in range(given["times"]))
