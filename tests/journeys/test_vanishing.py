"""Commands appear and vanish with what the GP offers, after one look, with no new sign-in."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from gpcli.cli.answer_table import STARTS
from gpcli.cli.ready_answers import answer
from tests.journeys.shell import scripted
from tests.journeys.world import World

GROUPS = ("econsult", "rx")
"""What is left of them without a starting command is not shown either."""

VANISH = {
    ("e-consultation",): {"econsult start", "econsult"},
    ("contact",): {"contact"},
    ("prescription-renewal",): {"rx renew", "rx"},
    ("booking",): {"slots"},
    ("booking-enquiry",): set(),
    ("booking", "booking-enquiry"): {"slots", "book"},
    ("cancellation",): {"cancel"},
    ("flu-vaccination",): {"flu"},
    ("e-consultation", "prescription-renewal"): {"econsult start", "econsult", "rx renew", "rx"},
}
"""Services that the GP gives up, and what goes with them."""


class Desk:
    """Somebody at a shell, whose GP's offer can be changed."""

    def __init__(self, live, home, person="ada", gp="haugland"):
        self.shell = scripted(live, home, person, lambda: datetime.now(UTC))
        self._portal = World(live, home)
        self._gp = gp

    def offer(self, *services, active, gp=None):
        for service in services:
            self._portal.change(f"HealthcareService/{service}-{gp or self._gp}", active=active)

    def help(self, *argv):
        return answer([*argv, "--help"], self.shell.env) or ""

    def shown(self):
        """The starting commands and their groups that help shows."""
        pages = {
            group: set(re.findall(r"^  ([a-z-]+)  ", self.help(group), re.M)) for group in GROUPS
        }
        top = set(re.findall(r"^  ([a-z]+)  ", self.help(), re.M))
        below = {f"{group} {name}" for group in GROUPS for name in pages[group]}
        return (top | below) & ALL

    def completed(self):
        """The same by completion."""
        return {
            " ".join([*group, line.partition("\t")[0]])
            for group in ([], ["econsult"], ["rx"])
            for line in (answer(["__complete", *group, ""], self.shell.env) or "").splitlines()
        } & ALL


ALL = {*STARTS, *GROUPS}


@pytest.fixture
def desk(live, tmp_path):
    return Desk(live, tmp_path)


@pytest.fixture
def finns(live, tmp_path):
    """Finn's, who has two GPs."""
    return Desk(live, tmp_path, "finn", "myrvold")


@pytest.mark.parametrize("services", VANISH)
def test_a_service_that_is_given_up_takes_its_commands_along_and_brings_them_back(desk, services):
    seen = []
    for active in (True, False, True):
        desk.offer(*services, active=active)
        assert desk.shell("gpcli services").code == 0
        seen.append((desk.shown(), desk.completed()))
    fewer = ALL - VANISH[services]
    assert seen == [(ALL, ALL), (fewer, fewer), (ALL, ALL)]


def test_the_help_changes_with_a_look_and_not_before(desk):
    desk.shell("gpcli services")
    desk.offer("contact", active=False)
    before = desk.shown()
    desk.shell("gpcli services")
    assert (before, desk.shown()) == (ALL, ALL - {"contact"})


@pytest.mark.parametrize("look", ["gpcli services contact", "gpcli services --gp Haugland"])
def test_a_look_at_a_part_is_a_look_at_all(desk, look):
    desk.offer("contact", "flu-vaccination", active=False)
    desk.shell(look)
    assert desk.shown() == ALL - {"contact", "flu"}


def test_a_write_believes_the_portal_and_not_what_help_knew(desk):
    desk.shell("gpcli services")
    desk.offer("contact", active=False)
    gone = desk.shell("gpcli contact --subject A --message B --yes --json")
    desk.shell("gpcli services")
    desk.offer("contact", active=True)
    back = desk.shell("gpcli contact --subject A --message B --yes --json")
    assert (gone.refused, back.code) == ((5, "not_offered", ""), 0)


def test_the_root_help_counts_what_is_hidden(desk):
    desk.offer("e-consultation", "contact", "prescription-renewal", active=False)
    desk.shell("gpcli services")
    assert desk.help().splitlines()[-1] == "3 not offered by your GP: gpcli services"


def test_everything_can_be_shown_all_the_same(desk):
    desk.offer("e-consultation", "contact", "prescription-renewal", active=False)
    desk.shell("gpcli services")
    desk.shell = desk.shell.with_env(GPCLI_SHOW_ALL="1")
    assert (desk.shown(), desk.completed()) == (ALL, ALL)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("rx list", 0),
        ("rx requests", 0),
        ("rx withdraw none", 3),
        ("econsult join none", 3),
        ("econsult withdraw none", 3),
    ],
)
def test_what_is_under_way_still_runs_when_it_is_typed(desk, line, code):
    desk.offer("prescription-renewal", "e-consultation", active=False)
    desk.shell("gpcli services")
    assert desk.shell(f"gpcli {line} --json").code == code


@pytest.mark.parametrize(
    ("service", "command", "what"),
    [
        ("prescription-renewal", "rx renew", "prescription renewal"),
        ("prescription-renewal", "rx", "prescription renewal"),
        ("e-consultation", "econsult start", "e-consultation"),
        ("e-consultation", "econsult", "e-consultation"),
        ("contact", "contact", "messages to the surgery"),
    ],
)
def test_the_help_of_what_is_hidden_begins_with_the_reason(desk, service, command, what):
    open_page = desk.help(*command.split())
    desk.offer(service, active=False)
    desk.shell("gpcli services")
    reason, _, page = desk.help(*command.split()).partition("\n\n")
    assert reason == (
        f"Dr. Ingrid Haugland, Solbakken legesenter does not offer {what} online. "
        "Call the surgery instead: +47 00 12 34 11."
    )
    assert page.splitlines()[0] == open_page.splitlines()[0]


def test_a_group_without_its_starting_command_lists_the_others(desk):
    desk.offer("prescription-renewal", active=False)
    desk.shell("gpcli services")
    page = desk.help("rx")
    assert re.findall(r"^  ([a-z]+)  ", page, re.M) == ["list", "show", "requests", "withdraw"]
    assert page == answer(["rx"], desk.shell.env)


def test_leave_hides_nothing(desk, live, tmp_path):
    away = {"description": "Leave.", "during": {"start": "2020-01-01", "end": "2090-01-01"}}
    for service in ("e-consultation", "contact", "prescription-renewal"):
        World(live, tmp_path).change(f"HealthcareService/{service}-haugland", notAvailable=[away])
    rows = desk.shell.json("gpcli services")
    assert [one["status"] for one in rows].count("off_for_now") == 3
    assert desk.shown() == ALL


def test_missing_consent_hides_nothing(live, tmp_path):
    david = Desk(live, tmp_path, "david")
    rows = david.shell.json("gpcli services")
    assert {one["status"] for one in rows} == {"consent_needed"}
    assert david.shown() == ALL


def test_with_two_gps_hidden_is_what_neither_offers(finns):
    finns.offer("contact", "prescription-renewal", "e-consultation", active=False)
    finns.shell("gpcli services")
    one_left = finns.shown()
    finns.offer("contact", active=False, gp="bakke")
    finns.shell("gpcli services")
    assert (one_left, finns.shown()) == (
        ALL - {"econsult", "econsult start"},
        ALL - {"econsult", "econsult start", "contact"},
    )


def test_a_new_gp_brings_what_the_new_gp_offers(desk, live, tmp_path):
    desk.shell("gpcli services")
    moved = [{"reference": "PractitionerRole/gp-espeland"}]
    World(live, tmp_path).change("Patient/ada", generalPractitioner=moved)
    desk.shell("gpcli services")
    assert desk.shown() == {"contact", "book", "cancel"}
