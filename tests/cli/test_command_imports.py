"""A command pays only for what it is about."""

import subprocess
import sys

import pytest

LOOK = "import importlib, sys; importlib.import_module({module!r}); print(*sys.modules)"
WRITTEN = {"gpcli.model.thread", "gpcli.care.message", "gpcli.render.views.thread_views"}
READ_AT_NEED = {"gpcli.portal.mailbox", "gpcli.portal.prescriptions", "gpcli.model.prescription"}


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
