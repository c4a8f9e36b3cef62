import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from gpcli.model.person import Person
from gpcli.model.prescription import (
    Basis,
    Prescription,
    Quantity,
    Remaining,
    Renewal,
    RenewalReceipt,
    RenewalResult,
    Supply,
    SupplyBasis,
    WhyNot,
)
from gpcli.model.receipt import Receipt
from gpcli.render.output import Format
from gpcli.render.times import TimeFormat
from gpcli.render.views.prescription_views import (
    PRESCRIPTION,
    PRESCRIPTIONS,
    describe_prescription,
    format_remaining,
    prescription_label,
)
from gpcli.render.views.renewal_views import (
    RENEWAL_RECEIPTS,
    REQUESTS,
    WITHDRAWALS,
    format_renewal_status,
    renewal_label,
)
from tests.render.conftest import NOW, OSLO_WINTER, CapturedOutput

ASKED = datetime(2026, 11, 20, 19, 5, tzinfo=OSLO_WINTER)
RENEWAL = Renewal(
    id="task-1",
    status="requested",
    prescription_id="rx-1",
    prescription="Metformin 500 mg",
    asked=ASKED,
    updated=ASKED + timedelta(hours=1),
    note="Two weeks left",
    answer=None,
    zone="Europe/Oslo",
)
PILLS = Prescription(
    id="rx-1",
    name="Metformin",
    strength="500 mg",
    form="Tablet",
    dose="1 tablet daily.",
    kind="medicine",
    group="C",
    status="active",
    prescriber="Kari Berg",
    issued="2026-06-01T10:00:00+02:00",
    valid_until="2027-06-01",
    expired=False,
    remaining=Remaining(2, Basis.DISPENSES, Quantity(Decimal("196.0"), "tablets")),
    low=False,
    renewal=RENEWAL,
    zone="Europe/Oslo",
    predecessors=("rx-0",),
    surgery_id="gp-berg",
)
ADA = Person("pat-1", "Ada Nordmann")
RESULT = RenewalResult(
    prescription_id="rx-1",
    prescription="Metformin 500 mg",
    id="task-1",
    status="requested",
    asked=ASKED,
    answer=None,
    warning=None,
    error=None,
    zone="Europe/Oslo",
)
SENT = Receipt(changed=True, dry_run=False, request_id="req-1", patient=ADA, acting_user=ADA)


def minimal_prescription(**changes):
    """A prescription of which the portal says nothing but that it is there."""
    said = dict.fromkeys(
        ("name", "strength", "form", "dose", "kind", "group", "prescriber", "issued"), None
    )
    unsaid = {**said, "valid_until": None, "remaining": None, "renewal": None}
    return replace(PILLS, **{**unsaid, "predecessors": (), **changes})


def shown(view, *rows, **make_output):
    where = CapturedOutput(**make_output)
    where.output.show_list(view, rows)
    return where.stdout_text


def table(view, *rows):
    """The header and the cells of each row of a table, as they stand."""
    lines = shown(view, *rows, tty=True, width=220).splitlines()
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]


def phrases(prescription):
    """What an entry of the list says of a prescription, below its name."""
    said = describe_prescription(prescription, TimeFormat(NOW, OSLO_WINTER))
    return [text for line in said.lines for text, _ in line if text]


@pytest.mark.parametrize(
    ("fills", "words"),
    [(3, "3 more times"), (1, "once more"), (0, "nothing left"), (-1, "nothing left")],
)
def test_what_is_left_is_said_in_times(fills, words):
    assert format_remaining(Remaining(fills, Basis.PORTAL)) == words


def test_what_nobody_knows_is_not_known_and_never_nothing():
    assert format_remaining(None) == "not known"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("requested", "asked for"),
        ("received", "seen by the surgery"),
        ("in-progress", "taken up by the surgery"),
        ("completed", "renewed"),
        ("rejected", "refused"),
        ("cancelled", "withdrawn"),
        ("ready", "taken up by the surgery"),
        ("entered-in-error", "entered in error"),
        ("draft", "draft"),
    ],
)
def test_a_request_s_status_is_worded_and_an_unknown_code_shown_as_written(status, words):
    assert format_renewal_status(replace(RENEWAL, status=status)) == words


def test_a_list_tells_how_to_take_it_what_is_left_and_how_a_renewal_stands():
    assert shown(PRESCRIPTIONS, PILLS, tty=True, width=100) == (
        "Metformin 500 mg  rx-1\n"
        "  1 tablet daily.\n"
        "  can be fetched 2 more times (196.0 tablets) · valid until Tue 1 Jun 2027 · renewal asked"
        " for\n"
    )


def test_chosen_fields_of_prescriptions_are_a_table():
    fields = ("id", "name", "remaining", "valid_until", "renewal")

    assert shown(PRESCRIPTIONS, PILLS, minimal_prescription(), tty=True, fields=fields) == (
        "ID    Name              To fetch      Valid until     Renewal\n"
        "rx-1  Metformin 500 mg  2 more times  Tue 1 Jun 2027  asked for\n"
        "rx-1  rx-1              not known\n"
    )


@pytest.mark.parametrize(
    ("basis", "words"),
    [
        (Basis.PORTAL, "the portal tells it"),
        (Basis.DISPENSES, "counted from what was handed out"),
        (Basis.EXPIRED, "it has expired"),
    ],
)
def test_every_basis_has_words(basis, words):
    said = block(PRESCRIPTION, minimal_prescription(remaining=Remaining(0, basis)))

    assert (said["To fetch"], said["Basis"]) == ("nothing left", words)


@pytest.mark.parametrize(
    ("remaining", "words"),
    [
        (Remaining(3, Basis.PORTAL), ["can be fetched 3 more times"]),
        (Remaining(1, Basis.DISPENSES), ["can be fetched once more"]),
        (
            Remaining(1, Basis.PORTAL, Quantity(Decimal("48"), "bottles")),
            ["can be fetched once more (48 bottles)"],
        ),
        (Remaining(0, Basis.DISPENSES), ["nothing left to fetch"]),
        (Remaining(-1, Basis.PORTAL), ["nothing left to fetch"]),
        (Remaining(0, Basis.PORTAL, Quantity(Decimal(7), "tablets")), ["nothing left to fetch"]),
        (Remaining(0, Basis.EXPIRED), []),
        (None, ["not known how much is left"]),
    ],
)
def test_a_list_says_what_is_left_in_words(remaining, words):
    assert phrases(minimal_prescription(remaining=remaining)) == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "stopped"}, ["stopped"]),
        ({"status": "completed"}, ["ended"]),
        ({"status": "on-hold"}, ["on hold", "not known how much is left"]),
        ({"expired": True}, ["expired"]),
        (
            {"expired": True, "valid_until": "2026-06-01"},
            ["expired Mon 1 Jun"],
        ),
        ({"valid_until": "2026-12-01"}, ["not known how much is left", "valid until Tue 1 Dec"]),
        (
            {"group": "A"},
            ["not known how much is left", "group A: renewing it usually takes a consultation"],
        ),
        (
            {"group": "B"},
            ["not known how much is left", "group B: renewing it usually takes a consultation"],
        ),
        ({"group": "C"}, ["not known how much is left"]),
        (
            {"renewal": replace(RENEWAL, status="rejected")},
            ["not known how much is left", "renewal refused"],
        ),
    ],
)
def test_a_list_says_a_status_and_a_group_only_where_they_matter(changes, words):
    assert phrases(minimal_prescription(**changes)) == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"do_not_take": True}, "do not take"),
        ({"do_not_take": True, "status": "on-hold"}, "do not take"),
        ({"do_not_take": True, "status": "completed"}, "do not take (ended)"),
        ({"do_not_take": True, "expired": True}, "do not take (expired)"),
        ({"status": "draft"}, "draft"),
        ({"status": "entered-in-error"}, "entered in error"),
        ({"status": "entered-in-error", "intent": "proposal"}, "entered in error"),
        ({"intent": "proposal"}, "only proposed"),
        ({"intent": "option", "do_not_take": True}, "only proposed"),
        ({"status": "unknown"}, "unknown if in use"),
        ({"status": "cancelled"}, "cancelled"),
    ],
)
def test_what_is_not_in_use_as_usual_is_called_what_it_is(changes, words):
    assert block(PRESCRIPTION, minimal_prescription(**changes))["Status"] == words
    assert words in prescription_label(minimal_prescription(**changes))


def test_what_is_not_to_be_taken_has_nothing_left_that_could_be_unknown():
    one = minimal_prescription(do_not_take=True)

    assert phrases(one) == ["do not take"]
    assert "To fetch" not in block(PRESCRIPTION, one)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"low": True}, "yes"),
        ({"low": False}, "no"),
        ({"low": None}, "not known"),
        ({"low": False, "expired": True}, None),
        ({"low": False, "status": "stopped"}, None),
        ({"low": False, "do_not_take": True}, None),
    ],
)
def test_whether_it_runs_out_is_said_of_what_is_in_force_and_never_denied_where_unknown(
    changes, words
):
    said = block(PRESCRIPTION, minimal_prescription(**changes))

    assert said.get("Prescription runs out") == words


def test_all_that_is_told_of_one_is_shown():
    said = block(
        PRESCRIPTION,
        replace(
            PILLS,
            status="on-hold",
            status_reason="Surgery",
            reason="Diabetes",
            instructions="With food",
            dose_in_detail="as needed",
            note="Call first",
            reported=True,
            reported_by="Ada",
            recorder="Per Dahl",
        ),
    )

    assert [said[label] for label in ("Status", "Why so", "Reason", "Instructions", "Note")] == [
        *("on hold", "Surgery", "Diabetes", "With food", "Call first"),
    ]
    assert [said[label] for label in ("Dose in detail", "Reported", "Reported by")] == [
        *("as needed", "yes", "Ada"),
    ]
    assert said["Entered by"] == "Per Dahl"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": "Diabetes"}, []),
        ({"do_not_take": True}, ["do not take"]),
        (
            {"do_not_take": True, "status_reason": "Allergy", "reason": "Hives"},
            ["do not take: Allergy; Hives"],
        ),
        ({"do_not_take": True, "reason": "Hives"}, ["do not take: Hives"]),
        ({"status": "on-hold", "status_reason": "Surgery"}, ["on hold: Surgery"]),
        ({"status": "stopped", "status_reason": "Side effects"}, ["stopped: Side effects"]),
        ({"status_reason": "Started"}, ["Started"]),
        ({"reported": True}, ["on record as reported, not as prescribed"]),
        (
            {"reported": True, "reported_by": "Ada", "instructions": "With food"},
            ["With food", "on record as reported by Ada, not as prescribed"],
        ),
    ],
)
def test_a_list_says_why_something_is_not_to_be_taken_and_what_to_heed(changes, words):
    said = phrases(minimal_prescription(**changes))

    assert [phrase for phrase in said if phrase != "not known how much is left"] == words


def block(view, one):
    """Label and value of each line of one thing at a terminal."""
    make_output = CapturedOutput(tty=True, width=220)
    make_output.output.show_item(view, one)
    pairs = (line.partition("  ") for line in make_output.stdout_text.splitlines())
    return {label: value.strip() for label, _, value in pairs}


def test_one_prescription_is_shown_with_all_that_is_known_of_it():
    refused = replace(RENEWAL, status="rejected", answer="A blood test first.")

    said = block(PRESCRIPTION, replace(PILLS, renewal=refused))

    assert (said["Status"], said["Group"], said["Renewal"]) == ("in use", "C", "refused")
    assert (said["To fetch"], said["Amount to fetch"]) == ("2 more times", "196.0 tablets")
    assert said["Basis"] == "counted from what was handed out"
    assert (said["Answer"], said["Replaces"]) == ("A blood test first.", "rx-0")


def test_one_prescription_in_plain_and_json_has_what_the_list_has():
    assert shown(PRESCRIPTION, PILLS) == shown(PRESCRIPTIONS, PILLS)
    assert PRESCRIPTION.json_keys == PRESCRIPTIONS.json_keys


def test_a_withdrawn_request_has_its_own_id_first_as_in_the_list():
    withdrawn = receipt(status="cancelled")
    said = block(WITHDRAWALS, withdrawn)

    assert (said["ID"], said["Its ID"], said["Result"]) == ("task-1", "rx-1", "withdrawn")
    assert shown(WITHDRAWALS, withdrawn).split("\t")[:4] == [
        "task-1",
        "Metformin 500 mg",
        "rx-1",
        "cancelled",
    ]
    assert WITHDRAWALS.json_keys == RENEWAL_RECEIPTS.json_keys


def test_a_list_of_one_that_says_nothing_has_an_id_for_a_name():
    assert shown(PRESCRIPTIONS, minimal_prescription(), tty=True) == (
        "rx-1  rx-1\n  not known how much is left\n"
    )


@pytest.mark.parametrize("written", ["2027-06", "2027", "soon"])
def test_a_partial_date_stays_as_it_is_written(written):
    assert phrases(minimal_prescription(valid_until=written))[-1] == f"valid until {written}"


def test_plain_lines_hold_every_field_as_recorded():
    assert shown(PRESCRIPTIONS, PILLS) == (
        "rx-1\tMetformin\t500 mg\tTablet\t1 tablet daily.\t2\tdispenses\t196.0 tablets\t"
        "2027-06-01\tfalse\tfalse\trequested\ttask-1\tKari Berg\tmedicine\tC\tactive\t"
        "2026-06-01T10:00:00+02:00\tEurope/Oslo\t\trx-0\tfalse\t\t\t\t\t\t\tfalse\t\t\t\n"
    )


def test_plain_lines_leave_empty_what_is_unknown():
    assert shown(PRESCRIPTIONS, minimal_prescription()) == (
        "rx-1"
        + "\t" * 9
        + "false\tfalse"
        + "\t" * 6
        + "active\t\tEurope/Oslo"
        + "\t" * 3
        + "false"
        + "\t" * 7
        + "false\t\t\t\n"
    )


def lasting(until, days):
    return replace(PILLS, supply=Supply(until, days, SupplyBasis.DOSE, date(2026, 10, 3)))


@pytest.mark.parametrize(
    ("days", "words", "phrase"),
    [
        (12, "about 12 days, until Sat 5 Dec", "lasts about 12 days, until Sat 5 Dec"),
        (1, "about 1 day, until Tue 24 Nov", "lasts about 1 day, until Tue 24 Nov"),
        (0, "today, Mon 23 Nov", "lasts until today, Mon 23 Nov"),
        (-1, "Sun 22 Nov, which is over", "lasted until Sun 22 Nov"),
    ],
)
def test_how_long_what_was_fetched_lasts_is_said_of_one_and_in_a_list(days, words, phrase):
    there = lasting(NOW.date() + timedelta(days=days), max(days, 0))
    time_format = TimeFormat(NOW, OSLO_WINTER)

    assert block(PRESCRIPTION, there)["Lasts until"] == words
    assert describe_prescription(there, time_format).lines[1][0] == (phrase, "")
    assert "Lasts until" not in block(PRESCRIPTION, PILLS)


def test_today_is_the_surgerys():
    told = replace(lasting(NOW.date(), 0), zone="Pacific/Kiritimati")

    assert block(PRESCRIPTION, told)["Lasts until"].endswith(", which is over")


def test_the_last_day_is_the_last_field_of_a_plain_line():
    plain = shown(PRESCRIPTIONS, lasting(date(2026, 12, 8), 12))

    assert plain.rpartition("\t")[2] == "2026-12-08\n"


def test_json_of_a_prescription_has_every_key_and_what_is_left_as_an_object_or_null():
    make_output = CapturedOutput(Format.NDJSON)
    make_output.output.show_list(PRESCRIPTIONS, [PILLS, minimal_prescription()])
    there, unsaid = map(json.loads, make_output.stdout_text.splitlines())

    assert there["remaining"] == {
        "fills": 2,
        "basis": "dispenses",
        "quantity": {"value": "196.0", "unit": "tablets"},
    }
    assert (there["renewal"]["status"], there["predecessors"]) == ("requested", ["rx-0"])
    assert (unsaid["remaining"], unsaid["renewal"], unsaid.keys()) == (None, None, there.keys())


def test_an_amount_without_a_unit_is_a_number():
    one = minimal_prescription(
        remaining=Remaining(1, Basis.PORTAL, Quantity(Decimal("1E+2"), None))
    )

    assert shown(PRESCRIPTIONS, one, fields=("id", "quantity")) == "rx-1\t100\n"


def test_to_pick_from_a_prescription_is_one_line():
    assert (prescription_label(PILLS), prescription_label(minimal_prescription())) == (
        "Metformin 500 mg · can be fetched 2 more times (196.0 tablets) · asked for · Kari Berg",
        "rx-1 · not known how much is left",
    )
    assert prescription_label(minimal_prescription(group="B")) == (
        "rx-1 · not known how much is left · group B: renewing it usually takes a consultation"
    )


def test_to_pick_from_a_request_is_one_line():
    time_format = TimeFormat(NOW, OSLO_WINTER)

    assert renewal_label(RENEWAL, time_format) == "Metformin 500 mg · Fri 20 Nov 19:05 · asked for"


def test_requests_show_what_was_asked_when_and_the_answer():
    on_answer = replace(RENEWAL, status="rejected", answer="A blood test first.")

    assert shown(REQUESTS, on_answer, tty=True, width=80) == (
        "Metformin 500 mg  task-1\n  refused · asked Fri 20 Nov 19:05\n  A blood test first.\n"
    )


def test_plain_requests_hold_every_field_as_recorded():
    assert shown(REQUESTS, RENEWAL) == (
        "task-1\tMetformin 500 mg\trx-1\trequested\t2026-11-20T19:05:00+01:00\t"
        "2026-11-20T20:05:00+01:00\t\tTwo weeks left\tEurope/Oslo\t\t\n"
    )


def receipt(sent=None, **changes):
    return RenewalReceipt.of(replace(RESULT, **changes), replace(SENT, **(sent or {})))


NOT_SENT = {"id": None, "asked": None}
FAILED = {**NOT_SENT, "status": None, "error": WhyNot("rejected", "It has expired.", None)}


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (receipt(), "asked for"),
        (receipt({"changed": False}), "asked for before"),
        (receipt({"changed": False, "dry_run": True}, **NOT_SENT), "not sent"),
        (receipt({"changed": False, "dry_run": True}), "asked for before"),
        (receipt(status="completed"), "renewed"),
        (receipt({"changed": False}, **FAILED), "not asked: It has expired."),
    ],
)
def test_a_result_says_truly_how_it_ended(one, words):
    [header, cells] = table(RENEWAL_RECEIPTS, one)

    assert cells[header.index("Result")] == words


def test_a_result_in_json_has_every_key_whatever_came_of_it():
    make_output = CapturedOutput(Format.NDJSON)
    make_output.output.show_list(
        RENEWAL_RECEIPTS, [receipt(), receipt({"changed": False}, **FAILED)]
    )
    asked, refused = map(json.loads, make_output.stdout_text.splitlines())

    person = {"id": "pat-1", "name": "Ada Nordmann"}
    assert asked == {
        "prescription_id": "rx-1",
        "prescription": "Metformin 500 mg",
        "id": "task-1",
        "status": "requested",
        "asked": "2026-11-20T19:05:00+01:00",
        "answer": None,
        "warning": None,
        "error": None,
        "zone": "Europe/Oslo",
        "changed": True,
        "dry_run": False,
        "request_id": "req-1",
        "patient": person,
        "acting_user": person,
        "plan_id": None,
        "plan_until": None,
    }
    assert refused == {
        **asked,
        "id": None,
        "status": None,
        "asked": None,
        "changed": False,
        "error": {"code": "rejected", "message": "It has expired.", "hint": None},
    }


def test_plain_results_begin_with_the_prescription():
    assert shown(RENEWAL_RECEIPTS, receipt({"changed": False}, **FAILED)) == (
        "rx-1\tMetformin 500 mg\t\t\t\t\trejected\t\tEurope/Oslo\tfalse\tfalse\treq-1\t"
        "Ada Nordmann\tAda Nordmann\t\t\n"
    )


@pytest.mark.parametrize("field", ["name", "strength", "dose", "valid_until"])
def test_a_portal_s_text_cannot_move_the_cursor(field):
    written = shown(
        PRESCRIPTIONS, minimal_prescription(**{field: "a\x1b[2Jb\u202e"}), tty=True, width=200
    )

    assert "a\\x1b[2Jb\\u202e" in written
    assert "\x1b" not in written
