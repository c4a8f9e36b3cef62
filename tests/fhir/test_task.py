"""Task: a request to renew one prescription."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from gpcli.errors import AlreadyAnswered
from gpcli.fhir.element import Element, Malformed
from gpcli.fhir.medication_request import (
    is_renewal,
    read_renewal,
    write_renewal,
    write_renewal_withdrawal,
)
from gpcli.model.prescription import Renewal
from tests.portal.builders import Json, a_bundle, concept, ref, with_identifier
from tests.portal.medicines import SNOMED, a_prescription, a_request, a_task
from tests.portal.scripted import INTENT, NOW

CET = timezone(timedelta(hours=1))
LABELS = {"rx-1": "Metformin 500 mg"}


def read(task: Json, *included: Json) -> Renewal:
    return read_renewal(Element(task, "Task"), LABELS, a_bundle(included=included), "Europe/Oslo")


def renewal(**more: Any) -> Renewal:
    return read(a_task(**more))


def write(note: str | None = None, **more: Any) -> Json:
    wanted = a_prescription(**more)
    return write_renewal(wanted, "kari", "RelatedPerson/guro", note, INTENT, NOW)


def test_a_request_is_read_whole():
    task = a_task(
        status="rejected",
        lastModified="2027-02-27T13:10:00+01:00",
        note=[{"text": "Two weeks left.", "authorReference": ref("Patient/kari")}],
        statusReason={"text": "A blood test first."},
    )
    assert read(with_identifier(task, INTENT.urn)) == Renewal(
        id="task-1",
        status="rejected",
        prescription_id="rx-1",
        prescription="Metformin 500 mg",
        asked=datetime(2027, 2, 26, 19, 5, tzinfo=CET),
        updated=datetime(2027, 2, 27, 13, 10, tzinfo=CET),
        note="Two weeks left.",
        answer="A blood test first.",
        zone="Europe/Oslo",
        identifiers=(INTENT.urn,),
        notes=("Two weeks left.",),
    )


def test_a_request_that_says_nothing_is_read_as_that():
    bare = a_task(focus=None, authoredOn=None)
    assert read(bare) == Renewal(
        "task-1", "requested", None, None, None, None, None, None, "Europe/Oslo"
    )


@pytest.mark.parametrize(
    "other",
    [
        {"code": concept("another", SNOMED)},
        {"code": None, "focus": ref("Questionnaire/1")},
    ],
)
def test_other_tasks_are_no_requests_to_renew(other: Json):
    assert is_renewal(Element(a_task(), "Task"))
    assert not is_renewal(Element(a_task(**other), "Task"))


def test_what_is_renewed_is_called_as_the_task_says_where_nothing_else_is_known():
    focus = ref("MedicationRequest/gone", display="Something")
    assert renewal(focus=focus).prescription == "Something"


def test_a_request_about_something_else_is_about_no_prescription():
    assert renewal(focus=ref("Appointment/rx-1")).prescription_id is None


@pytest.mark.parametrize("written", ["2027-02-26", "2027-02", "2027"])
def test_a_day_without_a_time_is_no_instant(written: str):
    assert renewal(authoredOn=written).asked is None


def test_the_patients_first_words_and_the_surgerys_last_are_told_apart():
    notes = [
        {"text": "From the doctor", "authorReference": ref("Practitioner/lege")},
        {"text": "Somebody's"},
        {"text": "Mine", "authorReference": ref("Patient/kari")},
        {"text": "Mine again", "authorReference": ref("RelatedPerson/guro")},
        {"text": "From reception", "authorReference": ref("Organization/elvebakken")},
        {},
    ]
    result = renewal(note=notes)
    assert (result.note, result.answer) == ("Mine", "From reception")


def test_a_new_request_names_the_prescription_who_asks_and_whom():
    assert write("Two weeks left.") == {
        "resourceType": "Task",
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": INTENT.urn}],
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": SNOMED, "code": "103742009"}]},
        "focus": {"reference": "MedicationRequest/rx-1", "display": "Metformin 500 mg tablets"},
        "for": {"reference": "Patient/kari"},
        "authoredOn": "2027-03-01T08:00:00+01:00",
        "requester": {"reference": "RelatedPerson/guro"},
        "owner": {"reference": "PractitionerRole/role-1"},
        "note": [{"authorReference": ref("RelatedPerson/guro"), "text": "Two weeks left."}],
    }


def test_without_words_there_is_no_note():
    assert "note" not in write()


@pytest.mark.parametrize("reference", [None, "Organization/elvebakken", "#who"])
def test_a_request_is_owned_by_none_but_a_doctor(reference: str | None):
    assert "owner" not in write(prescriber_ref=reference)


def test_what_is_written_is_read_back_the_same():
    result = read(write("Please.") | {"id": "task-2"})
    assert result == Renewal(
        id="task-2",
        status="requested",
        prescription_id="rx-1",
        prescription="Metformin 500 mg",
        asked=NOW,
        updated=None,
        note="Please.",
        answer=None,
        zone="Europe/Oslo",
        identifiers=(INTENT.urn,),
        notes=("Please.",),
    )


@pytest.mark.parametrize(
    ("notes", "note", "has"),
    [
        ([], None, True),
        ([], "Please.", False),
        ([{"text": "Please. "}], "Please.", True),
        ([{"text": "Please."}], "No.", False),
        ([{"text": "Ring us."}, {"text": "Please."}], "Please.", True),
        ([{"text": "Ring us."}], None, True),
        ([{"text": "Please.", "authorReference": ref("Patient/kari")}], None, False),
    ],
)
def test_a_note_is_recognised_also_where_the_portal_forgot_who_wrote_it(
    notes: list[Json], note: str | None, has: bool
):
    assert renewal(note=notes).has_note(note) is has


@pytest.mark.parametrize("status", ["requested", "received"])
def test_withdrawing_changes_nothing_but_the_status(status: str):
    task = a_task(status=status, unheardOf={"a": [1]})
    assert write_renewal_withdrawal(Element(task, "Task")) == task | {"status": "cancelled"}


@pytest.mark.parametrize(
    "status", ["accepted", "ready", "in-progress", "on-hold", "completed", "rejected", "failed"]
)
def test_what_the_surgery_has_begun_can_not_be_withdrawn(status: str):
    with pytest.raises(AlreadyAnswered, match="can't be withdrawn any more"):
        write_renewal_withdrawal(Element(a_task(status=status), "Task"))


def test_what_was_entered_in_error_is_no_request_that_could_be_withdrawn():
    with pytest.raises(AlreadyAnswered, match="entered in error"):
        write_renewal_withdrawal(Element(a_task(status="entered-in-error"), "Task"))


def test_the_words_of_its_progress_and_the_code_of_an_answer_are_read():
    result = renewal(businessStatus={"text": "Waits for a test"}, statusReason=concept("R7"))
    assert (result.business_status, result.answer) == ("Waits for a test", "R7")


def test_notes_are_in_the_order_of_their_times_where_all_have_one():
    doctor = ref("PractitionerRole/role-1")
    notes = [
        {"text": "Come in", "authorReference": doctor, "time": "2027-02-28T10:00:00Z"},
        {"text": "First a test", "authorReference": doctor, "time": "2027-02-27T10:00:00Z"},
        {"text": "Please", "authorReference": ref("Patient/kari"), "time": "2027-02-26T10:00:00Z"},
    ]
    result = renewal(note=notes)
    assert (result.note, result.answer) == ("Please", "Come in")
    assert result.notes == ("Please", "First a test", "Come in")
    del notes[0]["time"]
    assert renewal(note=notes).notes == ("Come in", "First a test", "Please")


@pytest.mark.parametrize(
    ("author", "note", "answer"),
    [
        ({}, None, None),
        ({"authorReference": ref("Patient/kari")}, "Hi", None),
        ({"authorReference": {"type": "RelatedPerson", "display": "Guro"}}, "Hi", None),
        ({"authorReference": {"type": "Practitioner", "display": "Ola"}}, None, "Hi"),
        ({"authorReference": ref("#who")}, None, "Hi"),
        ({"authorReference": {"display": "Ola"}}, None, None),
        ({"authorString": "Ola"}, None, None),
    ],
)
def test_a_note_is_the_patients_or_the_surgerys_only_where_that_is_told(
    author: Json, note: str | None, answer: str | None
):
    contained = [{"resourceType": "Practitioner", "id": "who"}]
    result = renewal(contained=contained, note=[{"text": "Hi", **author}])
    assert (result.note, result.answer, result.notes) == (note, answer, ("Hi",))


@pytest.mark.parametrize(
    "focus",
    [
        ref("https://portal.example/fhir/MedicationRequest/rx-1"),
        ref("MedicationRequest/rx-1/_history/2"),
        {"identifier": {"system": "urn:rx", "value": "17"}},
        {"type": "MedicationRequest", "identifier": {"system": "urn:rx", "value": "17"}},
    ],
)
def test_the_prescription_is_found_however_it_is_referred_to(focus: Json):
    known = a_request(identifier=[{"system": "urn:rx", "value": "17"}])
    assert read(a_task(focus=focus), known).prescription_id == "rx-1"


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 7},
        {"status": None},
        {"status": ["requested"]},
        {"code": "103742009"},
        {"focus": "rx-1"},
        {"focus": {"reference": 7}},
        {"authoredOn": "Thursday"},
        {"authoredOn": 7},
        {"lastModified": "2027-02-27T13:10:00"},
        {"note": "please"},
        {"note": [{"text": 7}]},
        {"statusReason": "no"},
        {"identifier": [{"value": 7}]},
    ],
)
def test_wrong_types_are_malformed_never_a_crash(wrong: Json):
    with pytest.raises(Malformed):
        is_renewal(Element(a_task(**wrong), "Task")) and read(a_task(**wrong))
