"""What messages of portals that never heard of gpcli hold, and what one broken part costs."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from gpcli.fhir.bundle import read_bundle
from gpcli.fhir.communication import Reader, read_message, read_thread
from gpcli.fhir.documents import MAX_TEXT_BYTES
from gpcli.fhir.patient import find_party
from gpcli.model.thread import Message, MessageNote, Thread
from tests.portal.builders import a_practitioner, a_role, a_searchset, an_organization, ref
from tests.portal.communications import a_document, a_file, a_header, an_answer

IDENTIFIER = {"system": "urn:oid:2.16.578.1.12.4.1.4.1", "value": "13857012345"}
OWN = {(IDENTIFIER["system"], IDENTIFIER["value"])}
BASE = "https://portal.example/fhir/R4"


def read(
    message: dict,
    *included: dict,
    flaws: list[str] | None = None,
    author: str | None = None,
    own: set[tuple[str, str]] | frozenset[tuple[str, str]] = frozenset(),
) -> Message:
    found = [] if flaws is None else flaws
    bundle = read_bundle(a_searchset(message, included=included), found, [BASE])
    reader = Reader(author, lambda link: find_party(link, "kari", lambda: own), lambda _: False)
    return read_message(bundle.matches[0], bundle, reader, "thread-1")


def thread(header: dict, *included: dict) -> Thread:
    bundle = read_bundle(a_searchset(header, included=included), [], [BASE])
    return read_thread(bundle.matches[0], (), bundle, "Europe/Oslo")


WORDS = {"contentString": "See the file."}


@pytest.mark.parametrize(
    ("broken", "files"),
    [
        (a_file(size="12"), ["note.txt"]),
        (a_file(size=-1), ["note.txt"]),
        (a_file(hash=7), ["note.txt"]),
        (a_file(title=7), [None]),
        (a_file(creation=[]), ["note.txt"]),
        (a_file(data="not base64"), ["note.txt"]),
        ({"contentAttachment": []}, []),
        ({"contentReference": "DocumentReference/doc-1"}, []),
        ({"contentReference": ref("#nowhere")}, []),
        ({}, []),
        ({"contentString": 7}, []),
        ("words", []),
        (None, []),
    ],
    ids=str,
)
def test_a_part_that_can_not_be_read_costs_itself_and_is_said(broken: Any, files: list[str | None]):
    flaws: list[str] = []
    message = read(an_answer(payload=[WORDS, broken, a_file(title="b.pdf")]), flaws=flaws)
    assert message.text == "See the file."
    assert [each.title for each in message.attachments] == [*files, "b.pdf"]
    assert message.unreadable == (not files and broken is not None)
    assert bool(flaws) is (broken != a_file(hash=7))
    assert all(flaw.startswith("Communication/answer-1: ") for flaw in flaws)


@pytest.mark.parametrize(
    ("payload", "unreadable"),
    [(None, 0), ([], 0), ([{"contentString": ""}], 0), ("words", 1), ({}, 1), ([7, "a"], 2),
     ([{"contentString": None, "_contentString": {"extension": []}}], 1)],
)  # fmt: skip
def test_what_a_message_says_in_a_way_that_can_not_be_read_is_counted(
    payload: Any, unreadable: int
):
    message = read(an_answer(payload=payload), flaws=[])
    assert (message.text, message.attachments, message.unreadable) == ("", (), unreadable)


@pytest.mark.parametrize(
    ("payload", "title", "is_empty"),
    [
        ({"contentReference": ref("Observation/o-1")}, "Observation/o-1", True),
        ({"contentReference": ref("Observation/o-1", display="HbA1c")}, "HbA1c", True),
        ({"contentReference": {"display": "HbA1c"}}, "HbA1c", True),
        ({"contentReference": ref("Binary/b-1")}, None, False),
        ({"contentReference": ref("DocumentReference/doc-1")}, None, False),
        ({"contentAttachment": {"title": "a.pdf"}}, "a.pdf", True),
        ({"contentAttachment": {}}, None, True),
    ],
)
def test_a_file_that_can_not_be_fetched_is_known_to_be_so(
    payload: dict, title: str | None, is_empty: bool
):
    (file,) = read(an_answer(payload=[payload])).attachments
    assert (file.title, file.is_empty) == (title, is_empty)


def test_a_file_whose_size_can_not_be_read_keeps_its_bytes():
    (file,) = read(an_answer(payload=[a_file(size="12")])).attachments
    assert (file.size, file.content) == (None, b"7 mm")


def test_numbers_of_files_do_not_depend_on_those_that_can_not_be_read():
    files = read(an_answer(payload=[{"contentAttachment": 7}, WORDS, a_file()])).attachments
    assert [each.id for each in files] == ["answer-1.2"]


def a_text(content: bytes, content_type: str = "text/plain", **more: Any) -> dict:
    return a_file(content, contentType=content_type, **more)


@pytest.mark.parametrize(
    ("payload", "text", "text_from"),
    [
        ([a_text(b"Normal.")], "Normal.", ["1"]),
        ([a_text(b"Normal.", "TEXT/Plain; charset=us-ascii")], "Normal.", ["1"]),
        ([a_text("blåbær".encode("cp1252"), "text/plain;charset=windows-1252")], "blåbær", ["1"]),
        ([a_text("blåbær".encode("utf-16"))], "blåbær", ["1"]),
        ([a_text(b"\xef\xbb\xbfHei", 'text/plain; charset="utf-8"')], "Hei", ["1"]),
        ([a_text(b"One"), a_file(contentType="image/png"), a_text(b"Two")], "One\n\nTwo", "13"),
        ([{"contentString": " "}, a_text(b"Normal.")], "Normal.", ["1"]),
        ([WORDS, a_text(b"Normal.")], "See the file.", []),
        ([a_text("blåbær".encode("cp1252"))], "", []),
        ([a_text(b"Hei", "text/plain; charset=klingon")], "", []),
        ([a_text(b"<p>Hei</p>", "text/html")], "", []),
        ([a_text(b"x" * (MAX_TEXT_BYTES + 1))], "", []),
        ([a_file(None, contentType="text/plain", url="Binary/b-1")], "", []),
    ],
)
def test_a_plain_file_is_the_text_of_a_message_that_has_no_other(
    payload: list[dict], text: str, text_from: list[str] | str
):
    message = read(an_answer(payload=payload))
    assert message.text == text
    assert message.text_from == tuple(f"answer-1.{each}" for each in text_from)
    assert message.own_text == ("" if text_from else text)
    assert len(message.attachments) == sum("contentAttachment" in each for each in payload)


def a_written_document(text: bytes = b"Normal.", **more: Any) -> dict:
    inline = {"contentType": "text/plain", "data": b64encode(text).decode()}
    return a_document(content=[{"attachment": inline}], **more)


IN_DOCUMENT = [{"contentReference": ref("DocumentReference/doc-1")}]


def test_a_text_in_a_document_is_the_text_as_well():
    message = read(an_answer(payload=IN_DOCUMENT), a_written_document())
    assert (message.text, message.text_from) == ("Normal.", ("answer-1.1",))
    inside = [{"contentReference": ref("#doc-1")}]
    contained = an_answer(payload=inside, contained=[a_written_document()])
    assert read(contained).text == "Normal."


@pytest.mark.parametrize(
    "wrong", [{"status": "entered-in-error"}, {"docStatus": "entered-in-error"}]
)
def test_a_document_that_was_withdrawn_says_nothing(wrong: dict):
    message = read(an_answer(payload=IN_DOCUMENT), a_written_document(**wrong))
    (file,) = message.attachments
    assert (message.text, file.is_withdrawn) == ("", True)


def test_a_document_tells_what_became_of_it_and_what_it_replaces():
    older = {"code": "replaces", "target": ref("DocumentReference/doc-0")}
    newer = a_document(
        status="superseded", docStatus="amended", relatesTo=[older], description=None,
        type={"text": "Letter"},
    )  # fmt: skip
    (file,) = read(an_answer(payload=IN_DOCUMENT), newer).attachments
    assert (file.status, file.document_status, file.relations, file.title) == (
        "superseded",
        "amended",
        ("replaces DocumentReference/doc-0",),
        "Letter",
    )


def test_a_document_in_several_files_has_them_all_and_titles_go_before_descriptions():
    files = [{"attachment": {"title": "a.pdf"}}, {"attachment": {"creation": "2026-01-02"}}]
    found = read(an_answer(payload=IN_DOCUMENT), a_document(content=files)).attachments
    assert [(each.id, each.title, each.created) for each in found] == [
        ("answer-1.1", "a.pdf", None),
        ("answer-1.1.2", "Picture", "2026-01-02"),
    ]


def test_a_picture_in_a_record_of_its_own_is_a_file():
    media = {"resourceType": "Media", "id": "m", "status": "completed", "content": {"title": "x"}}
    (file,) = read(an_answer(payload=[{"contentReference": ref("Media/m")}]), media).attachments
    assert (file.title, file.source) == ("x", None)


def test_a_document_that_is_not_understood_costs_itself():
    flaws: list[str] = []
    odd = a_document(modifierExtension=[{"url": "urn:x", "valueBoolean": True}])
    message = read(an_answer(payload=[WORDS, *IN_DOCUMENT], contained=[]), flaws=flaws)
    assert len(message.attachments) == 1
    bundle = read_bundle(a_searchset(an_answer(payload=[WORDS, *IN_DOCUMENT]), odd), flaws)
    reader = Reader(None, lambda link: find_party(link, "kari"), lambda _: False)
    message = read_message(bundle.matches[0], bundle, reader, "t")
    assert (message.text, message.attachments) == ("See the file.", ())
    assert any("modifier" in flaw for flaw in flaws)


@pytest.mark.parametrize(
    ("status", "stands"),
    [
        ("preparation", False),
        ("in-progress", True),
        ("not-done", False),
        ("on-hold", True),
        ("stopped", True),
        ("completed", True),
        ("entered-in-error", False),
        ("unknown", True),
        ("brand-new", True),
    ],
)
def test_what_was_not_sent_or_was_withdrawn_is_not_unread(status: str, stands: bool):
    message = read(an_answer(status=status, statusReason={"text": "Wrong person"}))
    assert (message.status, message.stands, message.unread) == (status, stands, stands)
    assert message.status_reason == "Wrong person"
    assert bool(message.text) is (status != "entered-in-error")


def test_nothing_of_what_was_withdrawn_is_told():
    payload = [WORDS, a_file()]
    message = read(an_answer(status="entered-in-error", payload=payload))
    assert (message.text, message.attachments, message.is_withdrawn) == ("", (), True)


def test_what_else_the_sender_says_is_kept():
    note = {"text": "Ring us", "authorReference": ref("Practitioner/lege"), "time": "2027-02-03"}
    message = read(
        an_answer(
            note=[{"text": "Bring this"}, note, {"authorString": "nobody"}],
            reasonCode=[{"coding": [{"code": "r-1", "display": "Follow-up"}]}],
            about=[ref("DiagnosticReport/d", display="Blood test"), ref("Organization/elvebakken")],
            medium=[{"coding": [{"code": "WRITTEN"}]}],
            priority="urgent",
        ),
        a_practitioner(),
        an_organization(),
    )
    assert message.notes == (
        MessageNote("Bring this"),
        MessageNote("Ring us", "Ola Berg", "2027-02-03"),
    )
    assert message.reasons == ("Follow-up",)
    assert message.about == ("Blood test", "Elvebakken")
    assert (message.medium, message.priority) == (("WRITTEN",), "urgent")


CODE = {"coding": [{"code": "c-1"}]}


def test_codes_without_words_are_shown_as_written():
    header = thread(a_header(topic=CODE, category=[CODE], statusReason=CODE, priority="stat"))
    assert (header.subject, header.kind, header.closed_because, header.priority) == (
        "c-1",
        "c-1",
        "c-1",
        "stat",
    )


INSIDE = {"resourceType": "Practitioner", "id": "p", "name": [{"text": "Ida Nordli"}]}
ROLE_INSIDE = {"resourceType": "PractitionerRole", "id": "r", "practitioner": ref("#p")}


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        (ref("Practitioner/lege"), ("Ola Berg", "Practitioner", False)),
        (ref(f"{BASE}/Practitioner/lege"), ("Ola Berg", "Practitioner", False)),
        (ref("https://other.example/fhir/Practitioner/lege"), (None, "Practitioner", False)),
        (ref("https://other.example/fhir/Patient/kari"), (None, "Patient", True)),
        (ref("#p"), ("Ida Nordli", "Practitioner", False)),
        (ref("#r"), ("Ida Nordli", "PractitionerRole", False)),
        ({"type": "Organization", "identifier": IDENTIFIER}, (None, "Organization", False)),
        ({"type": "Patient", "identifier": IDENTIFIER}, (None, "Patient", True)),
        ({"display": "Night nurse"}, ("Night nurse", None, False)),
        (ref("CareTeam/team"), ("The team", "CareTeam", False)),
        (ref("Device/d"), ("Robot", "Device", False)),
        (ref("Practitioner/me"), (None, "Practitioner", True)),
        (None, (None, None, False)),
    ],
)
def test_the_sender_is_told_however_it_is_referred_to(
    sender: dict | None, expected: tuple[str | None, str | None, bool]
):
    team = {"resourceType": "CareTeam", "id": "team", "name": "The team"}
    robot = {"resourceType": "Device", "id": "d", "deviceName": [{"name": "Robot"}]}
    flaws: list[str] = []
    message = read(
        an_answer(sender=sender, contained=[INSIDE, ROLE_INSIDE]),
        a_practitioner(),
        team,
        robot,
        author="Practitioner/me",
        flaws=flaws,
    )
    assert (message.sender, message.sender_type, message.mine) == expected
    assert flaws == []


@pytest.mark.parametrize(
    ("recipient", "own", "unread"),
    [
        ({"type": "Patient", "identifier": IDENTIFIER}, OWN, True),
        ({"identifier": IDENTIFIER}, OWN, True),
        ({"type": "Patient", "identifier": IDENTIFIER | {"value": "1"}}, OWN, False),
        ({"type": "Patient", "identifier": IDENTIFIER}, set(), None),
        ({"type": "Patient", "display": "Kari"}, OWN, None),
        ({"type": "Organization", "identifier": IDENTIFIER | {"value": "1"}}, OWN, False),
        (ref(f"{BASE}/Patient/kari"), OWN, True),
    ],
)
def test_unread_is_what_came_to_the_patient_by_identifier_too(
    recipient: dict, own: set[tuple[str, str]], unread: bool | None
):
    assert read(an_answer(recipient=[recipient]), own=own).unread is unread


def test_what_carries_the_patients_own_identifier_as_its_sender_is_theirs():
    message = read(an_answer(sender={"identifier": IDENTIFIER}), own=OWN)
    assert (message.mine, message.unread) == (True, False)


def test_a_day_without_a_time_is_kept_as_written_and_orders_the_message():
    message = read(an_answer(sent="2027-02-03"))
    assert (message.sent, message.sent_date) == (None, "2027-02-03")
    assert message.known_since
    assert message.known_since.isoformat() == "2027-02-03T00:00:00+00:00"


@pytest.mark.parametrize(
    "told",
    [{"received": "2027-02-05T08:00:00Z"}, {"meta": {"lastUpdated": "2027-02-05T08:00:00Z"}}],
)
def test_a_message_that_does_not_say_when_is_ordered_by_when_it_was_there(told: dict):
    message = read(an_answer(sent=None, **told))
    assert message.sent is None
    assert message.known_since
    assert message.known_since.isoformat() == "2027-02-05T08:00:00+00:00"


PRACTITIONER_ONLY = {"sender": ref("Practitioner/lege"), "recipient": [ref("Patient/kari")]}


@pytest.mark.parametrize(
    ("sides", "who"),
    [
        (PRACTITIONER_ONLY, ("Practitioner/lege", "Ola Berg", None)),
        ({"sender": ref("Device/d"), "recipient": [ref("Patient/kari")]}, (None, None, None)),
        ({"recipient": [ref("#r")]}, (None, "Ida Nordli", None)),
        (
            {"recipient": [{"display": "Us"}, ref("Organization/elvebakken")]},
            ("Organization/elvebakken", None, "Elvebakken"),
        ),
        (
            {"recipient": [ref("Organization/gone", display="Solvik")]},
            ("Organization/gone", None, "Solvik"),
        ),
    ],
)
def test_the_surgery_is_a_record_that_can_be_written_to(
    sides: dict, who: tuple[str | None, str | None, str | None]
):
    header = thread(
        a_header(contained=[INSIDE, ROLE_INSIDE], **sides),
        a_role(),
        a_practitioner(),
        an_organization(),
    )
    assert (header.surgery_reference, header.practitioner, header.surgery) == who
