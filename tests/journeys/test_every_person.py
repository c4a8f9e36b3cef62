"""Every service for every person of the sandbox: what each can do, and what is said where not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.journeys.shell import CommandResult

LISTS = ("messages list", "rx list", "rx requests", "appointments list", "services", "gp")
WRITTEN = "--subject Knee --message Hei --yes --accept-fee any"
STARTS = {
    "econsult text": f"econsult start --via text {WRITTEN}",
    "econsult video": f"econsult start --via video --to +7d {WRITTEN}",
    "contact": "contact --subject Ramp --message Hei --yes",
    "rx renew": "rx renew --low --yes",
    "slots": "slots --limit 1",
    "book": "book --first --another --yes",
    "book --enquiry": "book --enquiry --another --yes",
    "flu": "flu",
}
"""How each service is started."""

DONE, NO, CONSENT, OFF, WHICH = (
    "done",
    "not_offered",
    "consent_needed",
    "off_for_now",
    "input_needed",
)
EXITS = {DONE: 0, NO: 5, CONSENT: 5, OFF: 5, WHICH: 2}


def _each(*words: str) -> dict[str, str]:
    return dict(zip(STARTS, words, strict=True))


TABLE = {
    "ada": dict.fromkeys(STARTS, DONE),
    "bo": _each(NO, NO, DONE, NO, NO, NO, DONE, NO),
    "cecilie": dict.fromkeys(STARTS, NO),
    "david": dict.fromkeys(STARTS, CONSENT),
    "eva": dict.fromkeys(STARTS, NO),
    "finn": _each(OFF, OFF, WHICH, DONE, DONE, WHICH, NO, DONE),
    "guro": dict.fromkeys(STARTS, DONE),
    "hans": dict.fromkeys(STARTS, DONE),
    "emil": _each(NO, NO, DONE, NO, DONE, DONE, NO, NO),
}
HOLDINGS = {
    "ada": (6, 11, 3, 1, 7, 1),
    "bo": (1, 1, 0, 1, 7, 1),
    "cecilie": (0, 0, 0, 0, 7, 1),
    "eva": (0, 0, 0, 0, 0, 0),
    "finn": (1, 2, 0, 2, 14, 2),
    "guro": (2, 2, 0, 0, 7, 1),
    "hans": (125, 24, 0, 30, 7, 1),
    "emil": (1, 1, 0, 1, 7, 1),
}
"""How long each of LISTS is."""


@pytest.fixture
def of(world):
    """`of("emil")` is Guro's shell when she acts for him; the others have their own."""
    return lambda person: world.shell(*(("guro", "emil") if person == "emil" else (person,)))


def in_a_word(ending: CommandResult) -> str:
    """How it ended; what was refused has nothing on standard output."""
    if ending.code == 0:
        assert ending.json
        return DONE
    code, word, out = ending.refused
    assert (code, out) == (EXITS.get(word), "")
    return word


@pytest.mark.parametrize("person", TABLE)
def test_a_person_can_do_what_their_gp_offers_and_nothing_else(of, person):
    shell = of(person)
    ended = {name: in_a_word(shell(f"gpcli {line} --json")) for name, line in STARTS.items()}
    assert ended == TABLE[person]


@pytest.mark.parametrize("person", HOLDINGS)
def test_a_person_can_look_at_all_there_is_whatever_the_gp_offers(of, person):
    shell = of(person)
    assert tuple(len(shell.json(f"gpcli {line}")) for line in LISTS) == HOLDINGS[person]


@pytest.mark.parametrize("person", HOLDINGS)
def test_plain_lists_have_a_line_for_each_and_are_silent_when_empty(of, person):
    shell = of(person)
    endings = [shell(f"gpcli {line}") for line in LISTS]
    assert tuple(ending.out.count("\n") for ending in endings) == HOLDINGS[person]
    assert [ending.code for ending in endings] == [0] * len(LISTS)
    assert all(ending.err for ending in endings if not ending.out)


@pytest.mark.parametrize("line", LISTS[:4])
def test_without_full_access_the_record_says_which_consent_it_needs(of, line):
    ending = of("david")(f"gpcli {line} --json")
    assert (*ending.refused, ending.error["hint"]) == (5, CONSENT, "", "gpcli consent grant")


def test_without_full_access_the_gp_and_the_services_are_shown(of):
    david = of("david")
    assert [one["id"] for one in david.json("gpcli gp")] == ["gp-haugland"]
    assert {one["status"] for one in david.json("gpcli services")} == {CONSENT}


@pytest.mark.parametrize("person", [one for one in TABLE if TABLE[one]["contact"] == NO])
def test_who_is_refused_is_told_whom_to_call_or_where_to_look(of, person):
    hints = {of(person)(f"gpcli {line} --json").error["hint"] for line in STARTS.values()}
    assert (
        hints
        == {
            "cecilie": {"Call the surgery instead: +47 00 12 34 31."},
            "eva": {"gpcli gp shows what the portal knows of your GP."},
        }[person]
    )


@pytest.mark.parametrize(
    ("person", "line"),
    [
        ("ada", "book --first --another --from +3d --yes"),
        ("finn", "book --first --gp Bakke --from +3d --yes"),
        ("guro", "flu --first --from +3d --yes"),
        ("hans", "book --first --another --from +3d --with Kvam --yes"),
        ("emil", "book --first --another --from +3d --yes"),
    ],
)
def test_what_was_booked_online_can_be_cancelled_online(of, person, line):
    """Hans' is with a colleague of his GP's, who has no patients online."""
    shell = of(person)
    made = shell.json(f"gpcli {line}")["id"]
    receipt = shell.json(f"gpcli cancel {made} --yes")
    assert (receipt["id"], receipt["status"], receipt["changed"]) == (made, "cancelled", True)


@pytest.mark.parametrize(
    ("person", "booking", "refused"),
    [
        ("ada", "a-2xwr5jqm", (9, "fee_not_accepted", "")),
        ("ada", "a-mtt8mc8n", (3, "not_found", "")),
        ("cecilie", "a-2xwr5jqm", (5, "not_offered", "")),
        ("david", "a-2xwr5jqm", (5, "consent_needed", "")),
        ("eva", "a-2xwr5jqm", (5, "not_offered", "")),
    ],
)
def test_what_cannot_be_cancelled_says_why(of, person, booking, refused):
    assert of(person)(f"gpcli cancel {booking} --yes --json").refused == refused


FINNS = "a-ft4m6n2w"
"""Finn's video consultation of tomorrow."""


def test_finns_gp_is_away_and_both_ends_of_that_are_said(of):
    ending = of("finn")(f"gpcli econsult start --via text {WRITTEN} --json")
    assert ending.refused == (5, OFF, "")
    assert ending.error["message"].startswith(
        "Dr. Lars Myrvold, Nordre Tun legegruppe has switched off e-consultation "
        "from Fri 26 Feb 2027 until Fri 12 Mar 2027 "
    )


def test_finns_gp_being_away_does_not_hide_the_command(of):
    finn = of("finn")
    [row] = [
        one
        for one in finn.json("gpcli services --gp Myrvold")
        if one["service"] == "e-consultation"
    ]
    assert (row["status"], row["command"]) == (OFF, "gpcli econsult start")


def test_what_finn_has_under_way_goes_on_while_the_gp_is_away(of, world):
    finn = of("finn")
    joined = finn.json(f"gpcli econsult join {FINNS}")
    withdrawn = finn.json(f"gpcli econsult withdraw {FINNS} --yes")
    assert (joined["join_url"], withdrawn["status"]) == (
        "https://video.example/room/finn",
        "cancelled",
    )
    assert world.sandbox.store.get("Appointment", FINNS)["status"] == "cancelled"


@pytest.mark.parametrize(
    ("medicine", "owner"),
    [("Melatonin", "PractitionerRole/gp-myrvold"), ("Tamsulosin", "PractitionerRole/gp-bakke")],
)
def test_finns_renewals_go_to_the_one_of_his_gps_who_prescribed(of, world, medicine, owner):
    finn = of("finn")
    names = {row["name"].split()[0]: row["id"] for row in finn.json("gpcli rx list")}
    finn.json(f"gpcli rx renew {names[medicine]} --yes")
    [task] = world.sandbox.store.find("Task", patient="Patient/finn")
    assert (task["focus"]["reference"], task["owner"]["reference"]) == (
        f"MedicationRequest/{names[medicine]}",
        owner,
    )


def test_finn_may_not_send_a_renewal_to_the_gp_who_did_not_prescribe(of, world):
    finn = of("finn")
    [bakkes] = [
        row["id"] for row in finn.json("gpcli rx list") if row["prescriber"] == "Dr. Sunniva Bakke"
    ]
    ending = finn(f"gpcli rx renew {bakkes} --gp Myrvold --yes --json")
    assert ending.refused == (2, "usage", "")
    assert world.sandbox.store.find("Task", patient="Patient/finn") == []


@pytest.mark.parametrize("gp", ["Myrvold", "Bakke"])
def test_with_two_gps_a_message_goes_to_the_one_that_is_named(of, world, gp):
    receipt = of("finn").json(f"gpcli contact --subject A --message B --yes --gp {gp}")
    header = world.sandbox.store.get("Communication", receipt["id"])
    assert header["recipient"][0]["reference"] == f"PractitionerRole/gp-{gp.lower()}"


def test_what_can_be_renewed_what_may_be_and_what_can_not_each_get_their_answer(of, world):
    """Amlodipine, zopiclone of group B, cetirizine that has expired; then the same once more."""
    ada = of("ada")
    names = {row["name"].split()[0]: row["id"] for row in ada.json("gpcli rx list --all")}
    wanted = [names[each] for each in ("Amlodipine", "Zopiclone", "Cetirizine")]
    before = len(world.sandbox.store.find("Task", patient="Patient/ada"))
    world.sandbox.set_delay(timedelta(hours=1))
    endings = [ada(f"gpcli rx renew {' '.join(wanted)} --yes --json") for _ in range(2)]
    told = [
        [(row["status"], row["changed"], (row["error"] or {}).get("code")) for row in ending.json]
        for ending in endings
    ]
    refused = (None, False, "rejected")
    assert [ending.code for ending in endings] == [8, 8]
    assert told == [
        [("requested", True, None), ("requested", True, None), refused],
        [("requested", False, None), ("requested", False, None), refused],
    ]
    assert len(world.sandbox.store.find("Task", patient="Patient/ada")) == before + 2
