"""What is seen of this computer."""

from __future__ import annotations

import socket

import pytest

from gpcli.model.account import Verdict
from gpcli.troubleshoot import computer_checks
from tests.troubleshoot.conftest import MACHINE


@pytest.mark.parametrize(
    ("name", "slip"),
    [
        ("GPCLI_PROFIEL", "GPCLI_PROFIEL (perhaps GPCLI_PROFILE)"),
        ("GPCLI_PORTALS", "GPCLI_PORTALS (perhaps GPCLI_PORTAL)"),
    ],
)
def test_a_name_next_to_a_known_one_is_a_slip(context, name, slip):
    result = computer_checks.check_variables(context(**{name: "secret value"}))
    assert result.seen == f"gpcli does not know {slip}"


def test_a_name_far_from_all_is_somebody_elses(context):
    result = computer_checks.check_variables(context(GPCLI_TEST_SERVER="x"))
    assert (result.status, result.seen) == (Verdict.OK, "GPCLI_CONFIG_DIR, GPCLI_TEST_SERVER")


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_have_a_browser_of_their_own(context, platform):
    result = computer_checks.check_browser(context(platform=platform))
    assert (result.status, result.seen) == (Verdict.OK, "the system's own")


def test_the_desktops_browser_needs_a_display_and_a_program(context, tmp_path):
    program = tmp_path / "xdg-open"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    here = {"PATH": str(tmp_path), "WAYLAND_DISPLAY": "wayland-0"}
    assert computer_checks.check_browser(context(**here)).seen == "the desktop's own"
    program.chmod(0o644)
    assert computer_checks.check_browser(context(**here)).seen == "no browser is installed"


def test_of_several_browsers_one_that_is_there_is_enough(context):
    result = computer_checks.check_browser(context(BROWSER="no-such-browser:sh -c %s"))
    assert result.seen == "BROWSER names sh"


def test_a_machine_with_a_token_needs_neither_keyring_nor_browser(context):
    alone = context(**MACHINE)
    looks = {computer_checks.check_keyring(alone).seen, computer_checks.check_browser(alone).seen}
    assert looks == {"not checked: GPCLI_TOKEN needs none"}


def test_a_ci_run_at_a_sandbox_is_told_as_such(context):
    variables = {**MACHINE, "GPCLI_ENVIRONMENT": "sandbox", "CI": "1"}
    assert (
        computer_checks.check_production_guard(context(**variables)).seen == "a CI run, on sandbox"
    )


def test_a_bus_that_no_variable_names_is_found_as_under_cron(context, tmp_path):
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(tmp_path / "bus"))
        result = computer_checks.check_keyring(context(XDG_RUNTIME_DIR=str(tmp_path)))
    assert result.status is Verdict.OK
    assert "its bus was found though no variable names it" in result.seen


def test_a_bus_that_is_named_is_no_news(context):
    result = computer_checks.check_keyring(context(DBUS_SESSION_BUS_ADDRESS="unix:path=/run/bus"))
    assert result.seen == "keeps what it is given"
