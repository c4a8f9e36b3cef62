"""A command pays only for what it is about."""

import subprocess
import sys
from functools import cache

import pytest

from gpcli.cli.commands.registry import REGISTRY

LOOK = "import importlib, sys; importlib.import_module({module!r}); print(*sys.modules)"
WRITTEN = {"gpcli.model.thread", "gpcli.care.message", "gpcli.render.views.thread_views"}
KEEPING = {"sqlite3", "gpcli.changes.store", "gpcli.changes.reading"}
READ_AT_NEED = {"gpcli.portal.mailbox", "gpcli.portal.prescriptions", "gpcli.model.prescription"}
COMMAND_MODULES = {each.target.partition(":")[0] for each in REGISTRY.commands}


@cache
def imported_modules(module):
    done = subprocess.run(
        [sys.executable, "-c", LOOK.format(module=module)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["gpcli.cli.booking_commands", "gpcli.cli.appointment_commands"])
def test_finding_and_booking_a_time_does_not_pay_for_messages_or_prescriptions(module):
    assert imported_modules(module) & (WRITTEN | READ_AT_NEED) == set()


@pytest.mark.parametrize("module", ["gpcli.cli.message_commands"])
def test_writing_does_not_pay_for_prescriptions_or_booking(module):
    there = imported_modules(module)
    assert there >= WRITTEN
    assert there & (READ_AT_NEED | {"gpcli.care.booking"}) == set()


def test_prescriptions_do_not_pay_for_writing_or_booking():
    there = imported_modules("gpcli.cli.rx_commands")
    assert there & (WRITTEN | {"gpcli.care.booking", "gpcli.cli.message_drafts"}) == set()


def test_only_what_is_about_changes_pays_for_how_they_are_kept():
    paying = {each for each in COMMAND_MODULES if imported_modules(each) & KEEPING}
    assert paying == {"gpcli.cli.change_commands", "gpcli.cli.watch_command"}


def test_only_a_check_of_the_portal_imports_it_before_it_is_asked():
    paying = {
        each for each in COMMAND_MODULES if "gpcli.portal.fhir_portal" in imported_modules(each)
    }
    assert paying == {"gpcli.cli.smoke_command"}
