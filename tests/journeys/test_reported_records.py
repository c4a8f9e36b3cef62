"""Records as real servers fill them: what they say is shown, what they take back is not."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.journeys.reported_practice import (
    MATCHED,
    PATIENT,
    an_outcome,
    appointment,
    message,
    narrow,
    prescription,
    renewal,
    schedule,
    service,
    shell_with,
    slot,
)

SLOTS = "gpcli slots --from 2030-01-07 --to 2030-01-07 --plain"
MODIFIER = [{"url": "urn:example:not", "valueBoolean": True}]


@pytest.mark.parametrize(
    ("concept", "words"),
    [
        ({"text": "Blood test"}, "Blood test"),
        ({"coding": [{"system": "urn:x", "code": "7", "display": "Blood test"}]}, "Blood test"),
        ({"coding": [{"display": "Blood test"}]}, "Blood test"),
        ({"coding": [{"code": "7"}, {"code": "8", "display": "Blood test"}]}, "Blood test"),
        ({"text": " ", "coding": [{"code": "7", "display": "Blood test"}]}, "Blood test"),
        ({"text": "", "coding": [{"code": "7", "display": "\t"}]}, "7"),
        ({"coding": [{"code": "7"}]}, "7"),
    ],
)
def test_a_concept_is_shown_in_the_words_that_it_has(tmp_path, concept, words):
    shell = shell_with(
        tmp_path,
        prescription(medicationCodeableConcept=concept),
        message(topic=concept),
        appointment(reasonCode=[concept], cancelationReason=concept, serviceType=[concept]),
    )
    booking = shell("gpcli appointments show a1 --json").json
    assert shell("gpcli rx list --fields name --plain").out == f"{words}\n"
    assert shell("gpcli messages list --fields subject --plain").out == f"{words}\n"
    assert (booking["service"], booking["reasons"]) == (words, [words])
    assert booking["cancelled_because"] == words


def in_part(record, *names):
    """The record with a modifier in the part that `names` lead to."""
    *path, last = names
    part = record
    for name in path:
        part = part[name]
    part[last] = {**part[last], "modifierExtension": MODIFIER}
    return record


@pytest.mark.parametrize(
    ("record", "command"),
    [
        (slot(modifierExtension=MODIFIER), SLOTS),
        (appointment(modifierExtension=MODIFIER), "gpcli appointments list --plain"),
        (appointment(implicitRules="urn:x"), "gpcli appointments list --plain"),
        (in_part(appointment(), "participant", 1), "gpcli appointments list --plain"),
        (prescription(implicitRules="urn:x"), "gpcli rx list --plain"),
        (
            in_part(prescription(dosageInstruction=[{"text": "1"}]), "dosageInstruction", 0),
            "gpcli rx list --plain",
        ),
        (renewal(modifierExtension=MODIFIER), "gpcli rx requests --plain"),
        (in_part(message(), "payload", 0), "gpcli messages list --plain"),
    ],
)
def test_a_record_with_an_unknown_modifier_is_left_out_and_named_once(tmp_path, record, command):
    ending = shell_with(tmp_path, schedule(), record)(command)
    name = f"{record['resourceType']}/{record['id']}"
    assert (ending.code, ending.out) == (8, "")
    assert ending.err.splitlines()[-3].count(name) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("busy", "is taken"),
        ("busy-unavailable", "is taken"),
        ("busy-tentative", "is taken"),
        ("entered-in-error", "is not free"),
    ],
)
def test_a_time_that_is_not_free_is_called_taken_only_where_it_is(tmp_path, status, words):
    shell = shell_with(tmp_path, schedule(), slot(status=status))
    assert f"The time s1 {words}." in shell("gpcli book s1 --dry-run").err


def test_a_time_of_a_schedule_that_is_not_in_use_is_not_called_taken(tmp_path):
    shell = shell_with(tmp_path, schedule(active=False), slot())
    assert shell(SLOTS).rows == []
    assert "The time s1 is not free." in shell("gpcli book s1 --dry-run").err


@pytest.mark.parametrize("status", ["draft", "on-hold"])
def test_a_request_that_nobody_took_up_is_not_said_to_be(tmp_path, status):
    shell = shell_with(tmp_path, prescription(), renewal(status=status))
    refused = shell("gpcli rx withdraw t1 --dry-run --json")
    assert refused.refused == (7, "already_answered", "")
    assert refused.error["message"] == f"t1 can't be taken back: its status is {status}."


@pytest.mark.parametrize(
    ("status", "unread"),
    [
        ("completed", 1),
        ("in-progress", 1),
        ("stopped", 1),
        ("on-hold", 1),
        ("unknown", 1),
        ("preparation", 0),
        ("not-done", 0),
        ("entered-in-error", 0),
    ],
)
def test_only_what_was_sent_and_stands_is_unread(tmp_path, status, unread):
    shell = shell_with(tmp_path, message(status=status))
    assert shell("gpcli messages list --unread --count").out == f"{unread}\n"
    withdrawn = status == "entered-in-error"
    assert ("It was normal." in shell("gpcli messages show c1").out) == (not withdrawn)


@pytest.mark.parametrize(
    ("status", "taken"),
    [("completed", "yes"), ("not-done", "no"), ("entered-in-error", "no")],
)
@pytest.mark.parametrize("weak", [True, False])
def test_only_a_vaccination_that_was_given_in_full_counts(tmp_path, status, taken, weak):
    vaccine = {"coding": [{"system": "http://www.whocc.no/atc", "code": "J07BB02"}]}
    given = {
        "resourceType": "Immunization",
        "id": "i",
        "status": status,
        "vaccineCode": vaccine,
        "patient": PATIENT,
        "occurrenceDateTime": "2026-10-01",
        "isSubpotent": weak,
    }
    shown = narrow(shell_with(tmp_path, given))("gpcli flu")
    assert f"Had it this season  {'no' if weak else taken}\n" in shown.out


def encoded(text, charset="utf-8"):
    """A text as base64."""
    return b64encode(text.encode(charset)).decode()


@pytest.mark.parametrize(
    "attachment",
    [
        {"contentType": "text/plain", "data": encoded("Blåbær")},
        {"contentType": "TEXT/PLAIN ; format=flowed", "data": encoded("Blåbær")},
        {"contentType": "text/plain; charset=ISO-8859-1", "data": encoded("Blåbær", "latin-1")},
        {"contentType": "text/plain", "data": encoded("Blåbær", "utf-8-sig")},
        {"contentType": "text/plain", "data": encoded("Blåbær", "utf-16")},
    ],
)
def test_a_message_in_a_plain_text_file_is_read_out(tmp_path, attachment):
    said = message(payload=[{"contentAttachment": attachment}])
    (shown,) = shell_with(tmp_path, said)("gpcli messages show c1 --json").json["messages"]
    assert (shown["text"], shown["text_from"]) == ("Blåbær", ["c1.1"])


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"size": "12"}, 8),
        ({"size": -4}, 8),
        ({"title": 5}, 8),
        ({"creation": 7}, 8),
        ({"data": "@@@"}, 8),
        ({"data": 5}, 8),
        ({"hash": 5}, 0),
        ({"contentType": "text/html"}, 0),
        ({"contentType": "text/plain; charset=klingon"}, 0),
        ({"data": ""}, 0),
    ],
)
def test_a_file_with_something_wrong_costs_no_word_of_the_message(tmp_path, wrong, code):
    file = {"contentType": "application/pdf", "title": "a.pdf", "data": "QUJD"} | wrong
    said = message(payload=[{"contentString": "See the file."}, {"contentAttachment": file}])
    ending = shell_with(tmp_path, said)("gpcli messages show c1 --json")
    (shown,) = ending.json["messages"]
    assert (ending.code, shown["text"]) == (code, "See the file.")
    assert [each["id"] for each in shown["attachments"]] == ["c1.1"]


@pytest.mark.parametrize(
    "dosage",
    [
        {"timing": {"repeat": {"frequency": 0, "period": 1, "periodUnit": "d"}}},
        {"timing": {"repeat": {"frequency": -1, "period": 1, "periodUnit": "d"}}},
        {"timing": {"repeat": {"frequency": 2, "period": 0, "periodUnit": "d"}}},
        {"doseAndRate": [{"doseQuantity": {"value": -5, "unit": "mg"}}]},
        {"doseAndRate": [{"doseQuantity": {"unit": "mg"}}]},
        {"timing": {"repeat": {"frequencyMax": -3, "period": 1, "periodUnit": "d"}}},
    ],
)
def test_a_dose_that_can_not_be_is_not_put_into_words(tmp_path, dosage):
    shown = shell_with(tmp_path, prescription(dosageInstruction=[dosage]))(
        "gpcli rx show r1 --json"
    )
    assert shown.json["dose"] == "stated in a way that gpcli can't put into words"


def test_steps_of_a_dose_are_told_as_steps(tmp_path):
    first, second = ({"sequence": at, "text": text} for at, text in ((1, "Two"), (2, "One")))
    shown = shell_with(tmp_path, prescription(dosageInstruction=[second, first]))
    assert shown("gpcli rx show r1 --json").json["dose"] == "Two; then One"


@pytest.mark.parametrize(
    "dispensing",
    [
        {"numberOfRepeatsAllowed": 3.5},
        {"numberOfRepeatsAllowed": -1},
        {"numberOfRepeatsAllowed": 10**12},
        {"numberOfRepeatsAllowed": "3"},
        {"validityPeriod": {"end": "soon"}},
    ],
)
def test_what_can_not_be_read_of_what_is_left_costs_no_prescription(tmp_path, dispensing):
    ending = shell_with(tmp_path, prescription(dispenseRequest=dispensing))("gpcli rx list --json")
    (shown,) = ending.json
    assert (ending.code, shown["name"], shown["remaining"]) == (8, "Trialin", None)


def test_an_expiry_in_an_extension_that_can_not_be_read_costs_no_prescription(tmp_path):
    part = {"url": "authorisationExpiryDate", "valueDateTime": "soon"}
    repeats = {"url": "urn:x:MedicationRepeatInformation", "extension": [part]}
    ending = shell_with(tmp_path, prescription(extension=[repeats]))("gpcli rx list --json")
    assert (ending.code, ending.json[0]["valid_until"]) == (8, None)


def test_where_nothing_tells_what_is_left_nothing_is_said_to_last(tmp_path):
    def refuse(path, fields):
        return (403, an_outcome("forbidden")) if path == "MedicationDispense" else None

    shell = shell_with(tmp_path, prescription(), refuse=refuse)
    shown = narrow(shell)("gpcli rx show r1").out
    assert "Prescription runs out  not known\n" in shown
    assert "Expired" not in shown
    low = shell("gpcli rx list --low --plain")
    assert (low.code, low.out) == (0, "")
    assert "1 of which nothing tells what is left is left out." in low.err
    assert "There are none." not in low.err
    renewed = shell("gpcli rx renew --low --yes")
    assert renewed.err.splitlines() == [
        "Trialin (r1) is left out: nothing tells what is left of it.",
        "There is nothing else to ask for.",
    ]


def test_a_note_that_does_not_tell_who_wrote_it_is_nobodys(tmp_path):
    told = renewal(note=[{"text": "Come in first."}])
    (shown,) = shell_with(tmp_path, prescription(), told)("gpcli rx requests --json").json
    assert (shown["note"], shown["answer"], shown["notes"]) == (None, None, ["Come in first."])


def price(*codes, amount=100, **elements):
    """What services of the practice cost."""
    coding = [{"system": "urn:gpcli:gp-service", "code": code} for code in codes]
    component = {"type": "base", "amount": {"value": amount, "currency": "NOK"}}
    return {
        "resourceType": "ChargeItemDefinition",
        "id": "pr",
        "url": "urn:example:price",
        "status": "active",
        "code": {"coding": coding},
        "propertyGroup": [{"priceComponent": [component]}],
        **elements,
    }


def prices(home, *records):
    """The prices that are shown, by service."""
    shown = shell_with(home, *records)("gpcli services --json").json
    return {each["service"]: each["price"]["high"] for each in shown if each["price"]}


def test_a_limit_that_can_not_be_read_costs_no_service(tmp_path):
    limit = {"url": "urn:gpcli:max-text", "valueInteger": -1}
    ending = shell_with(tmp_path, service("contact", extension=[limit]))("gpcli services --json")
    standing = {each["service"]: each["status"] for each in ending.json}
    assert (ending.code, standing["contact"]) == (8, "offered")


def test_one_price_may_be_that_of_several_services(tmp_path):
    assert prices(tmp_path, price("booking", "flu-vaccination")) == {
        "booking": "100",
        "flu-vaccination": "100",
    }


@pytest.mark.parametrize(
    "elements",
    [
        {"status": "draft"},
        {"status": "retired"},
        {"status": "unknown"},
        {"experimental": True},
        {"experimental": "true"},
        {"effectivePeriod": {"end": "2026-01-01"}},
        {"effectivePeriod": {"start": "2028-01-01"}},
        {"effectivePeriod": {"start": "soon"}},
        {"instance": [{"reference": "HealthcareService/another"}]},
        {"modifierExtension": MODIFIER},
        {"amount": -5},
        {"amount": "100"},
    ],
)
def test_a_price_that_does_not_hold_is_unknown(tmp_path, elements):
    assert prices(tmp_path, price("booking", **elements)) == {}


@pytest.mark.parametrize(
    "says",
    [
        {"availabilityExceptions": "Closed at Easter"},
        {"notAvailable": [{"description": "Closed at Easter"}]},
    ],
)
def test_what_a_service_says_of_its_absence_in_words_is_shown(tmp_path, says):
    shown = narrow(shell_with(tmp_path, service("booking", **says)))("gpcli services booking")
    assert (shown.code, "Closed at Easter" in shown.out) == (0, True)


def test_what_a_time_and_its_schedule_say_is_in_the_plan(tmp_path):
    records = (schedule(comment="Only for those over 60"), slot(comment="Bring a sample"))
    plan = narrow(shell_with(tmp_path, *records))("gpcli book s1 --dry-run").err
    assert "Only for those over 60" in plan
    assert "Bring a sample" in plan


VACCINATION = {
    "resourceType": "Immunization",
    "id": "i1",
    "status": "completed",
    "vaccineCode": {"text": "Influenza vaccine"},
    "patient": PATIENT,
    "occurrenceDateTime": "2026-10-01",
}
DISPENSE = {
    "resourceType": "MedicationDispense",
    "id": "d1",
    "status": "completed",
    "subject": PATIENT,
    "authorizingPrescription": [{"reference": "MedicationRequest/r1"}],
}
CONSENT = {"resourceType": "Consent", "id": "c9", "status": "active", "patient": PATIENT}
DOCUMENT = {
    "resourceType": "DocumentReference",
    "id": "doc",
    "status": "current",
    "content": [{"attachment": {"title": "Letter"}}],
}
OTHERS = (
    schedule(),
    prescription(),
    message(payload=[{"contentReference": {"reference": "DocumentReference/doc"}}]),
)
IGNORING = {name: MATCHED[name] for name in ("_id", "identifier")}
"""What a portal heeds that leaves the status out of account."""


@pytest.mark.parametrize(
    ("record", "command"),
    [
        (slot(), "gpcli slots --from 2030-01-07 --to 2030-01-07"),
        (slot(), "gpcli book s1 --dry-run"),
        (VACCINATION, "gpcli flu"),
        (CONSENT, "gpcli consent show"),
        (CONSENT, "gpcli services"),
        (DISPENSE, "gpcli rx list"),
        (DOCUMENT, "gpcli messages show c1"),
        (prescription(), "gpcli rx list"),
        (prescription(), "gpcli rx show r1"),
        (price("booking"), "gpcli services"),
    ],
)
def test_a_record_with_a_status_that_r4_does_not_allow_is_said_to_be_left_out(
    tmp_path, record, command
):
    others = [each for each in OTHERS if each["resourceType"] != record["resourceType"]]
    odd = {**record, "status": "no-such-code"}
    ending = shell_with(tmp_path, *others, odd, heeded=IGNORING)(f"{command} --json")
    name = f"{record['resourceType']}/{record['id']}"
    assert f"{name} has another status than R4 allows" in ending.err
    assert ending.code == (1 if record["id"] in command else 8)
    assert "There are none" not in ending.err


@pytest.mark.parametrize(
    ("record", "command"),
    [
        (appointment(), "gpcli appointments list"),
        (appointment(), "gpcli appointments show a1"),
        (renewal(), "gpcli rx requests"),
        (renewal(), "gpcli rx list"),
        (message(), "gpcli messages list"),
        (message(), "gpcli messages show c1"),
    ],
)
def test_a_visit_a_message_or_an_answer_of_another_status_is_shown_as_written(
    tmp_path, record, command
):
    others = [each for each in OTHERS if each["resourceType"] != record["resourceType"]]
    odd = {**record, "status": "no-such-code"}
    shell = shell_with(tmp_path, *others, odd, heeded=IGNORING)
    ending = shell(f"{command} --json")
    name = f"{record['resourceType']}/{record['id']}"
    assert ending.code == 0
    assert '"no-such-code"' in ending.out
    assert f"{name} has a status that R4 does not have: 'no-such-code'." in ending.err


@pytest.mark.parametrize(
    "code", [None, {}, {"text": "Renew"}, {"coding": [{"display": "Renew"}]}], ids=repr
)
@pytest.mark.parametrize("command", ["gpcli rx requests --plain", "gpcli rx list --plain"])
def test_a_request_without_a_code_is_said_to_be_left_out(tmp_path, code, command):
    ending = shell_with(tmp_path, prescription(), renewal(code=code))(command)
    assert ending.code == 8
    assert "Task/t1: it does not tell by a code what is asked for" in ending.err


@pytest.mark.parametrize(
    "elements",
    [
        {"code": {"coding": [{"system": "urn:x", "code": "fill-in-form"}]}},
        {"code": None, "focus": {"reference": "Questionnaire/q1"}},
        {"code": None, "focus": {"type": "Questionnaire", "display": "Smoking"}},
    ],
)
def test_a_task_that_asks_for_something_else_is_no_request(tmp_path, elements):
    ending = shell_with(tmp_path, renewal(**elements))("gpcli rx requests --plain")
    assert (ending.code, ending.out) == (0, "")


@pytest.mark.parametrize(
    ("elements", "code", "said"),
    [
        ({"status": "paused"}, 8, "MedicationRequest/r1 has another status than R4 allows"),
        ({"status": None}, 8, "MedicationRequest/r1: MedicationRequest.status is missing"),
        ({"intent": "wish"}, 8, "MedicationRequest/r1 has another intent than R4 allows"),
        ({"status": "entered-in-error"}, 0, "1 that was entered in error is left out."),
        ({"status": "draft"}, 0, "1 that is only proposed, not prescribed, is left out."),
        ({"intent": "proposal"}, 0, "1 that is only proposed, not prescribed, is left out."),
        ({"status": "stopped"}, 0, "1 more, in use no longer: --all shows it."),
        ({"subject": {"reference": "Patient/p2"}}, 0, "1 MedicationRequest of other patients"),
    ],
)
@pytest.mark.parametrize("heeded", [MATCHED, IGNORING])
def test_what_a_list_of_prescriptions_leaves_out_is_said_with_the_reason(
    tmp_path, elements, code, said, heeded
):
    shell = shell_with(tmp_path, prescription(**elements), heeded=heeded)
    ending = shell("gpcli rx list --plain")
    assert (ending.code, ending.out) == (code, "")
    assert said in ending.err
