"""Test what is told of a file of people that is not good: line, key, and what is allowed."""

from pathlib import Path

import pytest

from gpcli.sandbox.people.bundle_file import InvalidPeopleFile
from gpcli.sandbox.people.people_file import MAX_FORM_BYTES, read_people
from gpcli.sandbox.server import Sandbox

ADA = """surgeries: {s: {name: S}}
gps:
  holm: {name: Dr. Nora Holm, surgery: s, services: [booking, contact]}
people:
  ada:
    name: Ada Solberg
    gps: holm
"""
"""Seven lines; what follows is a key of Ada's in line 8."""


def refusal(path: Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidPeopleFile) as raised:
        read_people(path)
    return str(raised.value).replace(str(path), "FILE")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("    presciptions: []", "unknown key 'presciptions' in 'people.ada': did you mean 'pres"),
        ("    xyz: 1", "unknown key 'xyz' in 'people.ada'; there is: about, acts_for, address, ap"),
        ("    name: Ada", "'name' stands twice in 'people.ada': first in line 6"),
        ("    phone:", "'people.ada.phone' is empty"),
        ("    phone: [1]", "'people.ada.phone' must be a text, not a list"),
        ("    phone: {a: 1}", "'people.ada.phone' must be a text, not a table of keys"),
        ("    appointments: x", "'people.ada.appointments' must be a list, not a text"),
        ("    appointments:", "'people.ada.appointments' must be a list, not nothing"),
        ("    born: 1961-02-30", "'people.ada.born': '1961-02-30' is no day of the calendar"),
        ("    born: -3d 09:00", "'people.ada.born' is a day, without a time of day"),
        ("    born: long ago", "'people.ada.born': 'long ago' is no time: write it like '+10d"),
        ("    sex: femal", "'people.ada.sex' can't be 'femal': did you mean 'female'?"),
        ("    sex: 1", "'people.ada.sex' can't be '1'; there is: female, male, other, unknown"),
        ("    number: 123", "'people.ada.number' must be eleven digits, not '123'"),
        ("    address: Lia 2", "'people.ada.address' must be like 'Lia 2, 0099 Lilledal', not"),
        ("    signs_in: maybe", "'people.ada.signs_in' must be yes or no, not 'maybe'"),
        ("    family: Berg", "'people.ada.family' must be the end of 'Ada Solberg'"),
        ("    acts_for: {per: mother}", "'people.ada.acts_for': there is no person 'per'; there"),
        ("    acts_for: {ada: mother}", "'people.ada.acts_for': there is no other person 'ada'"),
        ("    acts_for: {adaa: mother}", "there is no person 'adaa': did you mean 'ada'?"),
        ("    every: 1d", "'people.ada.every' needs 'repeat' beside it"),
        ("    <<: {}", "'<<' (merging) is not read: write the keys out"),
        ("    about: !!int 3", "the tag 'tag:yaml.org,2002:int' is not read: leave it out"),
        ("    about: a: b", "mapping values are not allowed"),
        ("\tabout: a", "indent with spaces"),
        ("    about: \a", "is not YAML: the character U+0007 is in it"),
        ("  bo: {}", "'people.bo' has no 'name'"),
        ("  Bo: {name: Bo}", "'Bo' can't name a person: use up to 30 of a-z, 0-9 and '-'"),
        ("  bo: {name: Bo, gps: hol}", "'people.bo.gps': there is no gp 'hol': did you mean 'holm"),
        ("  bo: {name: Bo, gps: holm/kids}", "'people.bo.gps': holm has no group 'kids'; there is"),
        ("  bo: {name: Bo, repeat: 2}", "'people.bo' is repeated: put {n} into its name, 'bo-{n}"),
        ("  bo: {name: Bo, appointments: [{when: +1d 09:00}]}", "has no 'gp', and bo has no GP"),
        ("peopel: {}", "unknown key 'peopel': did you mean 'people'?"),
        ("people: {}", "'people' stands twice: first in line 4"),
        ("prices: {bookng: {}}", "unknown service 'bookng' in 'prices': did you mean 'booking'?"),
        ("services: {bookng: {}}", "unknown service 'bookng' in 'services': did you mean 'booking"),
        ("conversations: {a: {about: A}}", "'conversations.a' has no 'kind'"),
        ("medicines: {a: {name: A, form: B, pack: many}}", "must be a number and its unit like"),
        (
            "medicines: {a: {name: A, form: B, pack: 1 ml, unit: m l}}",
            "must be a code of UCUM like {tablet} or mL, not 'm l'",
        ),
        ("resources: [7]", "'resources[1]' must be a FHIR resource"),
        ("resources: [{resourceType: Patient}]", "'resources[1]' has no good 'id'"),
        ("resources: [{resourceType: 7, id: a}]", "'resources[1]' has no good 'resourceType'"),
        ("resources: [{resourceType: Patient, id: ada}]", "there are two resources 'Patient/ada'"),
        (
            "resources: [{resourceType: Patient, id: b, birthDate: <+1 d>}]",
            "'resources[1].birthDate': '+1 d' is no time",
        ),
        (
            "resources: [{resourceType: Slot, id: b, start: 2027-02-30}]",
            "'resources[1]' is not FHIR R4: Slot.start is not a valid instant.",
        ),
        (
            "resources: [{resourceType: Slot, id: b, status: free}]",
            "'resources[1]' is not FHIR R4: Slot.schedule is missing.",
        ),
        (
            "resources: [{resourceType: Immunisation, id: b}]",
            "'resources[1]': the sandbox has no resources of type 'Immunisation': "
            "did you mean 'Immunization'?",
        ),
        ("resourceType: Bundle", "a Bundle is read as JSON; here, FHIR stands in 'resources'"),
        ("---", "one file has one document"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    said = refusal(tmp_path / "people.yaml", f"{ADA}{text}\n")

    assert said.startswith("FILE:8:")
    assert told in said


RESOURCE = """resources:
  - resourceType: Immunization
    id: tetanus-ada
    status: completed
    vaccineCode: {text: Tetanus vaccine}
    patient:
      reference: Patient/ada
    occurrenceDateTime: <-3y>
    note:
      - text: Well borne
"""


@pytest.mark.parametrize(
    ("good", "bad", "line", "told"),
    [
        ("status:", "statuss:", 11, "Immunization.statuss is no element of FHIR R4: did you mean"),
        ("completed", "complete", 11, "Immunization.status must be one of: completed, entered-in"),
        ("    status: completed\n", "", 9, "Immunization.status is missing."),
        ("occurrenceDateTime: <-3y>", "lotNumber: 7", 9, "occurrence[x] must be there, and once."),
        ("Patient/ada", "Patient/adaa", 14, "there is no 'Patient/adaa': did you mean 'Patient/a"),
        ("Patient/ada", "Device/1/_history/2", 14, "there is no 'Device/1'"),
        ("text: Well", "txet: Well", 17, "note[0].txet is no element of FHIR R4: did you mean"),
    ],
)
def test_what_is_wrong_in_fhir_is_told_with_the_line_of_its_element(
    tmp_path: Path, good: str, bad: str, line: int, told: str
) -> None:
    said = refusal(tmp_path / "people.yaml", f"{ADA}{RESOURCE.replace(good, bad)}")

    assert said.startswith(f"FILE:{line}:")
    assert told in said


@pytest.mark.parametrize(
    "reference",
    ["Patient/ada", "Patient/ada/_history/1", "#a", "urn:uuid:a", "https://a.example/P/1"],
)
def test_a_reference_may_lead_into_the_file_or_out_of_the_portal(
    tmp_path: Path, reference: str
) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(f"{ADA}{RESOURCE.replace('Patient/ada', repr(reference))}", encoding="utf-8")

    assert len(read_people(file).raw) == 1


def test_a_directory_is_no_file_of_people(tmp_path: Path) -> None:
    with pytest.raises(InvalidPeopleFile, match="can't be read: Is a directory"):
        read_people(tmp_path)


@pytest.mark.parametrize(
    ("kind", "entry", "told"),
    [
        ("appointments", "about: A", "[1]' has no 'when': it is booked"),
        ("appointments", "when: +1d", "[1].when' needs a time of day: '+1d 09:00'"),
        ("appointments", "when: +1d 25:00", "[1].when': '25:00' is no time of day"),
        ("appointments", "when: [+1d 09:00]", "[1].when' must be a text, not a list"),
        ("appointments", "when: +1d 09:00, length: 20", "must be a length of time like 20m or 24h"),
        ("appointments", "when: +1d 09:00, id: a b", "[1].id': 'a b' is no id"),
        ("appointments", "when: +1d 09:00, id: a, repeat: 2", "the id 'a' is taken: line 9"),
        ("appointments", "when: +1d 09:00, repeat: 0", "must be a whole number from 1 to 20,000"),
        ("appointments", "when: +1d 09:00, repeat: 2, every: 1x", "[1].every': '1x' is no step"),
        ("appointments", "when: +1d 09:00, repeat: 2, about: []", "[1].about' is empty"),
        ("appointments", "repeat: 2, first: [{status: booked}]", "first[1]' has no 'count'"),
        (
            "appointments",
            "status: proposed, asked_for: {from: +1d 09:00}",
            "asked_for' has no 'to'",
        ),
        ("appointments", "when: +1d 09:00, join: ftp://x", "must be a web address, not 'ftp://x'"),
        ("prescriptions", "medicine: metformin", "there is no medicine 'metformin': did you mean"),
        ("prescriptions", "medicine: metformin-500, dosage: A", "[1]' has no 'written'"),
        (
            "prescriptions",
            "medicine: metformin-500, dosage: A, written: -9d, dispensed: [-1d, -1d]",
            "[1].dispensed' has the same time twice",
        ),
        (
            "prescriptions",
            "medicine: metformin-500, dosage: A, written: -9d, dose: {times: 2}",
            "[1].dose' has no 'amount'",
        ),
        (
            "prescriptions",
            "medicine: metformin-500, dosage: A, written: -9d, days_supply: 0",
            "[1].days_supply' must be a whole number from 1 to 3,660, not '0'",
        ),
        ("threads", "about: A, kind: administrative", "needs one of 'messages', 'lines' and 'conv"),
        ("threads", "about: A, kind: administrative, messages: []", "[1]' has no messages"),
        ("threads", "about: A, kind: administrative, lines: [a]", "[1]' has no 'when': the day it"),
        ("threads", "kind: administrative, lines: [a], when: -1d", "[1]' has no 'about'"),
        (
            "threads",
            "about: A, kind: administrative, lines: [a], when: -1d, writer: ada",
            "[1].writer': ada does not act for ada",
        ),
        (
            "threads",
            "about: A, kind: administrative, lines: [a], when: -1d, writer: bo",
            "[1].writer': there is no person 'bo'",
        ),
        (
            "threads",
            "about: A, kind: administrative, messages: [{when: -1d 09:00}]",
            "messages[1]' needs the text of one of: patient, gp, reception",
        ),
        (
            "threads",
            "about: A, kind: administrative, messages: [{patient: a, when: -1d 09:00, "
            "attachments: [{name: a}]}]",
            "attachments[1]' needs one of: text, picture, pdf, file",
        ),
        (
            "threads",
            "about: A, kind: administrative, messages: [{patient: a, when: -1d 09:00, "
            "attachments: [{name: a, file: nowhere}]}]",
            "nowhere' can't be read (No such file or directory)",
        ),
        ("vaccinations", "vaccine: flu, when: soon", "[1].when': 'soon' is no time"),
    ],
)
def test_what_is_wrong_in_a_record_is_told_with_its_line(
    tmp_path: Path, kind: str, entry: str, told: str
) -> None:
    said = refusal(tmp_path / "people.yaml", f"{ADA}    {kind}:\n      - {{{entry}}}\n")

    assert said.startswith("FILE:9:")
    assert told in said


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("{}", "'gps.b.free_times[1]' has no 'hours'"),
        ("{hours: 12:00-08:00}", "must end after it begins"),
        ("{hours: 8-12}", "must be hours like 08:00-15:30, not '8-12'"),
        ("{hours: 08:00-09:00, service: contac}", "can't be 'contac': did you mean 'contact'?"),
        ("{hours: 08:00-09:00, service: contact}", "b does not offer 'contact'; there is: booking"),
        ("{hours: 08:00-09:00, taken: 0.4}", "must be a share like 40%, not '0.4'"),
        ("{hours: 08:00-09:00, taken: 140%}", "must be a share like 40%, not '140%'"),
        ("{hours: 08:00-09:00, phone: 60%, video: 60%}", "phone and video are more than 100%"),
        ("{hours: 08:00-09:00, from: +9d, to: +2d}", "ends before it begins"),
        ("{hours: 08:00-09:00, doctors: c}", "there is no gp 'c'"),
        ("{hours: 08:00-09:00, days: monday}", "can't be 'monday'"),
    ],
)
def test_what_is_wrong_in_a_rule_for_times_is_told_with_its_line(
    tmp_path: Path, rule: str, told: str
) -> None:
    gp = f"  b:\n    name: B\n    surgery: s\n    services: booking\n    free_times: [{rule}]\n"
    text = f"people: {{a: {{name: A}}}}\nsurgeries: {{s: {{name: S}}}}\ngps:\n{gp}".replace(
        "services: booking", "services: [booking]"
    )

    said = refusal(tmp_path / "people.yaml", text)

    assert said.startswith("FILE:8:")
    assert told in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "FILE:1: is empty: gpcli sandbox people --show-file shows one"),
        ("# nothing\n\n", "FILE:1: is empty"),
        ("surgeries: {}\n", "FILE: nobody could sign in: there is nobody in 'people', and no Pat"),
        ("people:\n", "FILE: nobody could sign in"),
        ("people: {a: {name: A, signs_in: no}}", "FILE: nobody could sign in"),
        ("- a\n", "FILE:1: 'the file' must be a table of keys, not a list"),
        ("hello\n", "FILE:1: 'the file' must be a table of keys, not a text"),
        ("people: [\n", "FILE:2:1: is not YAML: "),
        ("{", "FILE is not JSON: "),
        ("[" * 100_000, "FILE is not JSON: "),
        ("a: " + "[" * 100_000, "FILE:1: is nested too deeply"),
        ("a: " + "{b: " * 100_000, "FILE:1: is nested too deeply"),
        ("- " * 100_000, "FILE:1: is nested too deeply"),
        (b"people:\n  a: {name: \xd8ye}\n", "FILE:2: is not UTF-8"),
        ("people: {}\n".encode("utf-16"), "FILE:1: is not UTF-8"),
        ("resources:\n  - &a {resourceType: P, id: a, b: [*a]}\n", "FILE:2: is nested too deeply"),
        ("#" * (MAX_FORM_BYTES + 1), "FILE: is too large: at most 8,388,608 characters"),
        (
            "people:\n  a: {name: A, number: '23869012345'}\n  b: {name: B, number: '23869012345'}",
            "FILE:3: 'people.b.number' is that of 'a' already",
        ),
        (
            "people:\n  a-1: {name: A}\n  a-{n}: {name: B, repeat: 1}",
            "FILE:3: there are two people called 'a-1'",
        ),
        (
            "surgeries: {s: {name: S}}\ngps:\n  b: {name: B, surgery: s, services: [contact],\n"
            "    groups: {kids: booking}}\n",
            "FILE:4: 'gps.b.groups.kids': b does not offer 'booking'; there is: contact",
        ),
        ("gps: {b: {name: B, surgery: s}}", "FILE:1: 'gps.b.surgery': there is no surgery 's'"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str | bytes, told: str) -> None:
    assert told in refusal(tmp_path / "people.yaml", text)


@pytest.mark.real
def test_aliases_that_grow_without_end_are_stopped(tmp_path: Path) -> None:
    rows = [f"    a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    head = ["resources:", "  - resourceType: Basic", "    id: a", "    a0: &a0 [1, 2]"]

    said = refusal(tmp_path / "people.yaml", "\n".join([*head, *rows]))

    assert "there is too much in it: at most 400,000 values, aliases too" in said


def test_a_sandbox_with_a_file_that_is_wrong_is_not_made(tmp_path: Path) -> None:
    file, state = tmp_path / "people.yaml", tmp_path / "state"
    file.write_text("people: {ada: {nam: Ada}}", encoding="utf-8")

    with pytest.raises(InvalidPeopleFile, match="did you mean 'name'"):
        Sandbox(people=file, state=state)

    assert not state.exists()
