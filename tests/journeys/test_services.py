"""What GPs offer: `services` and `gp`, for each of the people."""

from __future__ import annotations

import pytest

from tests.journeys.shell import CommandResult

HAUGLAND = "Dr. Ingrid Haugland, Solbakken legesenter"
NO_GP = "The portal's record of you names no GP.\n"
ALL = [
    "e-consultation",
    "contact",
    "prescription-renewal",
    "booking",
    "booking-enquiry",
    "cancellation",
    "flu-vaccination",
]


def standing(shell, line="gpcli services"):
    return {row["service"]: row["status"] for row in shell.json(line)}


def test_adas_gp_offers_every_service(shell_of):
    assert standing(shell_of("ada")) == dict.fromkeys(ALL, "offered")


def test_bos_gp_takes_enquiries_and_cancellations_but_no_bookings(shell_of):
    offered = {"contact", "booking-enquiry", "cancellation"}
    assert standing(shell_of("bo")) == {
        name: "offered" if name in offered else "not_offered" for name in ALL
    }


def test_a_service_that_is_not_offered_says_who_does_not_offer_it(shell_of):
    assert shell_of("bo")("gpcli services flu-vaccination") == CommandResult(
        5,
        "",
        "gpcli: Dr. Tor Espeland, Fjordgløtt legekontor does not offer flu vaccination online.\n"
        "  Call the surgery instead: +47 00 12 34 21.\n",
    )


def test_a_service_that_is_offered_exits_0_for_if_in_scripts(shell_of):
    ending = shell_of("bo")("gpcli services contact --fields service,status")
    assert ending == CommandResult(0, "contact\toffered\n", "")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("vaccine", "flu-vaccination"), ("book", "booking"), ("econsult", "e-consultation")],
)
def test_a_service_that_there_is_not_names_the_nearest(shell_of, typed, meant):
    ending = shell_of("ada")(f"gpcli services {typed}")
    assert (ending.code, ending.out) == (2, "")
    assert ending.err.startswith(f"gpcli: There is no service '{typed}'; did you mean '{meant}'?\n")


def test_an_empty_service_is_no_service(shell_of):
    ending = shell_of("ada")(["gpcli", "services", "", "--json"])
    assert ending.refused == (2, "usage", "")


def test_cecilie_is_told_how_to_reach_a_surgery_that_offers_nothing_online(shell_of):
    ending = shell_of("cecilie")("gpcli services --fields service,status")
    assert ending == CommandResult(
        0,
        "".join(f"{name}\tnot_offered\n" for name in ALL),
        "Your GP offers no online services. This is how to reach the surgery:\n"
        "Dr. Marit Fossum, Bjørkelia legesenter · +47 00 12 34 31 · +47 00 12 34 30 · "
        "Lia 41, 0099 Øvre Bjørkedal, NO · https://bjorkelia.example/\n",
    )


def test_gp_shows_cecilie_the_contact_details(shell_of):
    [surgery] = shell_of("cecilie").json("gpcli gp")
    assert surgery == {
        "id": "gp-fossum",
        "gp": "Dr. Marit Fossum",
        "name": "Bjørkelia legesenter",
        "phones": ["+47 00 12 34 31", "+47 00 12 34 30"],
        "emails": [],
        "websites": ["https://bjorkelia.example/"],
        "addresses": ["Lia 41, 0099 Øvre Bjørkedal, NO"],
        "hours": [weekdays("08:00", "15:30")],
        "gp_hours": [weekdays("08:00", "11:20"), weekdays("12:00", "15:30")],
        "exceptions": [],
        "absences": [],
        "other_contacts": [],
        "remarks": [],
        "current": True,
    }


def weekdays(opens, closes):
    days = ["mon", "tue", "wed", "thu", "fri"]
    line = {"days": days, "opens": opens, "closes": closes, "all_day": False, "place": None}
    return {**line, "unreadable": []}


def test_gp_is_a_block_of_words_at_a_terminal(shell_of):
    assert shell_of("cecilie").at_a_screen()("gpcli gp") == CommandResult(
        0,
        "GP          Dr. Marit Fossum\n"
        "Surgery     Bjørkelia legesenter\n"
        "Phone       +47 00 12 34 31, +47 00 12 34 30\n"
        "Address     Lia 41, 0099 Øvre Bjørkedal, NO\n"
        "Open        mon–fri 08:00–15:30\n"
        "Website     https://bjorkelia.example/\n"
        "GP's hours  mon–fri 08:00–11:20, mon–fri 12:00–15:30\n",
        "",
    )


def test_every_service_needs_davids_consent(shell_of):
    rows = shell_of("david").json("gpcli services")
    assert {row["status"] for row in rows} == {"consent_needed"}
    assert rows[3]["reason"] == "Your consent to Full Access is needed for booking of times."


@pytest.mark.parametrize("line", ["gpcli services booking", "gpcli slots", "gpcli flu"])
def test_what_needs_davids_consent_says_how_to_give_it(shell_of, line):
    ending = shell_of("david")(f"{line} --json")
    assert ending.refused == (5, "consent_needed", "")
    assert ending.error["hint"] == "gpcli consent grant"


def test_gp_needs_no_more_than_basic_consent(shell_of):
    assert [row["gp"] for row in shell_of("david").json("gpcli gp")] == ["Dr. Ingrid Haugland"]


@pytest.mark.parametrize("line", ["gpcli gp", "gpcli services"])
def test_having_no_gp_is_no_error(shell_of, line):
    assert shell_of("eva")(line) == CommandResult(0, "", NO_GP)


@pytest.mark.parametrize("line", ["gpcli services booking", "gpcli slots", "gpcli book --first"])
def test_without_a_gp_nobody_offers_anything(shell_of, line):
    ending = shell_of("eva")(line)
    assert (ending.code, ending.out) == (5, "")
    assert ending.err.startswith("gpcli: You have no GP, so nobody offers you booking of times.\n")


def test_finn_has_two_gps_with_services_of_their_own(shell_of):
    rows = shell_of("finn").json("gpcli services")
    by_gp = {"Dr. Lars Myrvold": [], "Dr. Sunniva Bakke": []}
    for row in rows:
        by_gp[row["surgery"]["gp"]] += [row["service"]] * (row["status"] != "not_offered")
    assert by_gp == {
        "Dr. Lars Myrvold": [name for name in ALL if name != "booking-enquiry"],
        "Dr. Sunniva Bakke": ["contact", "prescription-renewal", "booking", "cancellation"],
    }


@pytest.mark.parametrize("name", ["bakke", "gp-bakke", "Dr. Sunniva"])
@pytest.mark.parametrize("command", ["gp", "services --fields surgery"])
def test_naming_a_gp_leaves_out_the_other(shell_of, command, name):
    rows = shell_of("finn").json(f"gpcli {command} --gp '{name}'")
    assert {(row.get("surgery") or row)["id"] for row in rows} == {"gp-bakke"}


@pytest.mark.parametrize("command", ["gp", "services", "slots", "flu", "appointments list"])
def test_a_gp_that_finn_does_not_have_is_not_found(shell_of, command):
    ending = shell_of("finn")(f"gpcli {command} --gp haugland --json")
    assert ending.refused == (3, "not_found", "")


def test_a_service_that_is_off_for_now_says_from_when_until_when_and_why(shell_of):
    finn = shell_of("finn")
    row = finn.json("gpcli services --gp myrvold")[0]
    ending = finn("gpcli services e-consultation --gp myrvold --json")
    assert ending.refused == (5, "off_for_now", "")
    assert (row["off_from"], row["off_until"]) == (
        "2027-02-26T00:00:00+01:00",
        "2027-03-12T23:59:59+01:00",
    )
    assert ending.error["message"] == row["reason"]
    assert row["reason"].startswith(
        "Dr. Lars Myrvold, Nordre Tun legegruppe has switched off e-consultation "
    )
    assert "(Leave until 12 March. Call the surgery if it can't wait)." in row["reason"]


def test_at_a_terminal_the_services_are_a_table_and_the_contact_follows(shell_of):
    ending = shell_of("ada").at_a_screen()("gpcli services")
    head, *rows = ending.out.splitlines()
    assert head.split() == ["Service", "Offered", "Price", "Command"]
    assert [row.split()[:2] for row in rows] == [*([name, "yes"] for name in ALL), []]
    assert ending.err == (
        f"{HAUGLAND} · +47 00 12 34 11 · +47 00 12 34 10 · "
        "Solbakkesvingen 12, 0099 Lilledal, NO · https://solbakken.example/\n"
    )


def test_prices_are_ranges_and_free_is_said_in_words(shell_of):
    rows = shell_of("ada")("gpcli services --fields service,price").rows
    table = shell_of("ada").at_a_screen()("gpcli services").out
    assert dict(rows) == {
        "e-consultation": "0-391 NOK",
        "contact": "0 NOK",
        "prescription-renewal": "161 NOK",
        "booking": "0-248 NOK",
        "booking-enquiry": "0 NOK",
        "cancellation": "0 NOK",
        "flu-vaccination": "0-150 NOK",
    }
    assert "NOK 0–391" in table
    assert " free " in table


def test_a_price_that_the_portal_does_not_say_is_unknown_and_never_0(world):
    world.sandbox.store.delete("ChargeItemDefinition", "price-booking")
    ada = world.shell("ada")
    [row] = ada.json("gpcli services booking")
    assert row["price"] is None
    assert ada("gpcli services booking --fields price").out == "\n"
    assert "Price        unknown\n" in ada.at_a_screen()("gpcli services booking").out
    assert " unknown " in ada.at_a_screen()("gpcli services").out
