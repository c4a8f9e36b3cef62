"""The same request again: by an id of one's own, or by the one that a receipt named."""

from datetime import timedelta

import pytest


def only(world, patient):
    return [one["id"] for one in world.appointments(patient) if one["status"] != "cancelled"]


def test_the_request_id_of_a_receipt_repeats_the_request(world):
    bo = world.shell("bo")
    first = bo.json("gpcli book --enquiry --another --yes")

    again = bo.json(f"gpcli book --enquiry --another --yes --request-id {first['request_id']}")

    assert (again["id"], again["changed"]) == (first["id"], False)


def test_one_request_id_for_two_cancellations_is_a_conflict(world):
    ada = world.shell("ada")
    one, two = (ada.json("gpcli book --first --another --yes")["id"] for _ in range(2))

    assert ada.json(f"gpcli cancel {one} --yes --request-id c1")["changed"]
    ending = ada(f"gpcli cancel {two} --yes --request-id c1 --json")

    assert ending.refused == (7, "conflict", "")
    assert ada.json(f"gpcli appointments show {two}")["status"] == "booked"
    assert not ada.json(f"gpcli cancel {one} --yes --request-id c1")["changed"]


def test_one_request_id_for_two_gps_is_a_conflict(world):
    finn = world.shell("finn")
    finn.json("gpcli book --first --gp Myrvold --yes --request-id e1")

    ending = finn("gpcli book --first --gp Bakke --yes --request-id e1 --json")

    assert ending.refused == (7, "conflict", "")


def test_consent_that_was_withdrawn_is_not_given_by_the_same_request_id(world):
    david = world.shell("david")
    assert david.json("gpcli consent grant --yes --request-id g1")["changed"]
    david.json("gpcli consent withdraw --confirm withdraw")

    ending = david("gpcli consent grant --yes --request-id g1 --json")

    assert ending.refused == (7, "conflict", "")
    assert david.json("gpcli consent grant --yes --request-id g2")["status"] == "active"


@pytest.mark.parametrize("line", ["gpcli book {slot} --yes", "gpcli cancel {booked} --yes"])
@pytest.mark.parametrize(("fields", "code"), [("bogus", 2), ("", 0)])
def test_nothing_is_sent_before_the_fields_are_right(world, line, fields, code):
    ada = world.shell("ada")
    slot = ada.json("gpcli slots --limit 1")[0]["id"]
    booked = ada.json("gpcli book --first --another --yes --from +5d")["id"]
    before = only(world, "ada")

    ending = ada([*line.format(slot=slot, booked=booked).split(), "--fields", fields])

    assert (ending.code, only(world, "ada")) == (code, before)
    assert ending.out.split("\n")[0] == ("" if code else "id")


@pytest.mark.parametrize("flag", ["--as bo", "--as nobody"])
def test_a_token_acts_only_for_the_person_that_it_is_for(world, flag):
    ada = world.shell("ada")
    assert ada(f"gpcli book --first --another --yes --json {flag}").refused == (2, "usage", "")
    assert ada("gpcli gp --as ada").code == 0


def test_who_acts_is_not_made_up_for_a_bare_token(world):
    guro = world.shell("guro", "emil").without("GPCLI_FHIR_USER")
    receipt = guro.json("gpcli book --first --dry-run")
    assert (receipt["patient"]["id"], receipt["acting_user"]) == ("emil", None)


def test_what_waits_and_was_asked_for_twice_was_not_sent_twice(world):
    world.sandbox.set_delay(timedelta(hours=1))
    ada = world.shell("ada")
    line = "gpcli book --first --another --yes --request-id w1"
    made = ada.json(line)["id"]

    said = ada(f"{line} --fields id").err
    assert said.startswith("It was sent before; nothing was sent now. It is sent: ")
    waits = f"not confirmed it yet: gpcli appointments show {made} tells when it has.\n"
    assert said.endswith(f" The surgery has {waits}")


def test_the_past_does_not_wait(world):
    ending = world.shell("ada")("gpcli appointments list --past --waiting --json")
    assert ending.refused == (2, "usage", "")


def test_cancelling_at_another_gp_than_said_is_refused(world):
    finn = world.shell("finn")
    made = finn.json("gpcli book --first --gp Myrvold --yes")["id"]
    assert finn(f"gpcli cancel {made} --gp Bakke --yes --json").refused == (2, "usage", "")
    assert finn.json(f"gpcli cancel {made} --gp Myrvold --yes")["status"] == "cancelled"


def test_services_are_shown_where_nothing_can_be_kept_for_help(world, tmp_path):
    (tmp_path / "state").write_text("in the way")
    ada = world.shell("ada").with_env(GPCLI_CONFIG_DIR=str(tmp_path))
    ending = ada("gpcli services --fields service")
    assert (ending.code, len(ending.out.split())) == (0, 7)
