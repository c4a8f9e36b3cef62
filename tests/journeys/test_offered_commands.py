"""Commands appear and vanish with what the GP offers, after one look, with no new sign-in."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from gpcli.cli.answer_table import STARTS
from gpcli.cli.ready_answers import answer
from tests.journeys.shell import shell_for
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
    ("cancellation",): {"cancel", "move"},
    ("flu-vaccination",): {"flu"},
    ("booking", "flu-vaccination"): {"slots", "flu", "move"},
    ("e-consultation", "prescription-renewal"): {"econsult start", "econsult", "rx renew", "rx"},
}
"""Services that the GP gives up, and what goes with them."""


class Scenario:
    """Somebody at a shell, whose GP's offer can be changed."""

    def __init__(self, live, home, person="ada", gp="haugland"):
        self.shell = shell_for(live, home, person, lambda: datetime.now(UTC))
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
def scenario(live, tmp_path):
    return Scenario(live, tmp_path)


@pytest.fixture
def finns(live, tmp_path):
    """Finn's, who has two GPs."""
    return Scenario(live, tmp_path, "finn", "myrvold")


@pytest.mark.parametrize("services", VANISH)
def test_a_service_that_is_given_up_takes_its_commands_along_and_brings_them_back(
    scenario, services
):
    seen = []
    for active in (True, False, True):
        scenario.offer(*services, active=active)
        assert scenario.shell("gpcli services").code == 0
        seen.append((scenario.shown(), scenario.completed()))
    fewer = ALL - VANISH[services]
    assert seen == [(ALL, ALL), (fewer, fewer), (ALL, ALL)]


def test_the_help_changes_with_a_look_and_not_before(scenario):
    scenario.shell("gpcli services")
    scenario.offer("contact", active=False)
    before = scenario.shown()
    scenario.shell("gpcli services")
    assert (before, scenario.shown()) == (ALL, ALL - {"contact"})


@pytest.mark.parametrize("look", ["gpcli services contact", "gpcli services --gp Haugland"])
def test_a_look_at_a_part_is_a_look_at_all(scenario, look):
    scenario.offer("contact", "flu-vaccination", active=False)
    scenario.shell(look)
    assert scenario.shown() == ALL - {"contact", "flu"}


def test_a_write_believes_the_portal_and_not_what_help_knew(scenario):
    scenario.shell("gpcli services")
    scenario.offer("contact", active=False)
    gone = scenario.shell("gpcli contact --subject A --message B --yes --json")
    scenario.shell("gpcli services")
    scenario.offer("contact", active=True)
    back = scenario.shell("gpcli contact --subject A --message B --yes --json")
    assert (gone.refused, back.code) == ((5, "not_offered", ""), 0)


def test_the_root_help_counts_what_is_hidden(scenario):
    scenario.offer("e-consultation", "contact", "prescription-renewal", active=False)
    scenario.shell("gpcli services")
    assert scenario.help().splitlines()[-1] == "3 not offered by your GP: gpcli services"


def test_everything_can_be_shown_all_the_same(scenario):
    scenario.offer("e-consultation", "contact", "prescription-renewal", active=False)
    scenario.shell("gpcli services")
    scenario.shell = scenario.shell.with_env(GPCLI_SHOW_ALL="1")
    assert (scenario.shown(), scenario.completed()) == (ALL, ALL)


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
def test_what_is_under_way_still_runs_when_it_is_typed(scenario, line, code):
    scenario.offer("prescription-renewal", "e-consultation", active=False)
    scenario.shell("gpcli services")
    assert scenario.shell(f"gpcli {line} --json").code == code


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
def test_the_help_of_what_is_hidden_begins_with_the_reason(scenario, service, command, what):
    open_page = scenario.help(*command.split())
    scenario.offer(service, active=False)
    scenario.shell("gpcli services")
    reason, _, page = scenario.help(*command.split()).partition("\n\n")
    assert reason == (
        f"Dr. Ingrid Haugland, Solbakken legesenter does not offer {what} online. "
        "Call the surgery instead: +47 00 12 34 11."
    )
    assert page.splitlines()[0] == open_page.splitlines()[0]


def test_a_group_without_its_starting_command_lists_the_others(scenario):
    scenario.offer("prescription-renewal", active=False)
    scenario.shell("gpcli services")
    page = scenario.help("rx")
    assert re.findall(r"^  ([a-z]+)  ", page, re.M) == ["list", "show", "requests", "withdraw"]
    assert page == answer(["rx"], scenario.shell.env)


def test_leave_hides_nothing(scenario, live, tmp_path):
    away = {"description": "Leave.", "during": {"start": "2020-01-01", "end": "2090-01-01"}}
    for service in ("e-consultation", "contact", "prescription-renewal"):
        World(live, tmp_path).change(f"HealthcareService/{service}-haugland", notAvailable=[away])
    rows = scenario.shell.json("gpcli services")
    assert [one["status"] for one in rows].count("off_for_now") == 3
    assert scenario.shown() == ALL


def test_missing_consent_hides_nothing(live, tmp_path):
    david = Scenario(live, tmp_path, "david")
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


def test_a_new_gp_brings_what_the_new_gp_offers(scenario, live, tmp_path):
    scenario.shell("gpcli services")
    moved = [{"reference": "PractitionerRole/gp-espeland"}]
    World(live, tmp_path).change("Patient/ada", generalPractitioner=moved)
    scenario.shell("gpcli services")
    assert scenario.shown() == {"contact", "book", "cancel"}
