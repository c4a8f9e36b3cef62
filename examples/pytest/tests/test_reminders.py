"""A Python program, in this process: its `gpcli.connect()` finds the sandbox."""

import pytest
import reminders

from gpcli.testing import GpcliSandbox


def test_the_appointment_of_tomorrow(
    gpcli_sandbox: GpcliSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    gpcli_sandbox.set_env("ada")

    assert reminders.main(gpcli_sandbox.now()) == 0
    assert capsys.readouterr().out == "09:00 Dr. Ingrid Haugland\n"


def test_nothing_tomorrow_prints_nothing(
    gpcli_sandbox: GpcliSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    gpcli_sandbox.advance("7d")
    gpcli_sandbox.set_env("ada")

    assert reminders.main(gpcli_sandbox.now()) == 0
    assert capsys.readouterr().out == ""


def test_who_has_to_sign_in_again_is_told_so(
    gpcli_sandbox: GpcliSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    gpcli_sandbox.set_env("ada")
    gpcli_sandbox.fault("* *: expired-token")

    assert reminders.main(gpcli_sandbox.now()) == 4
    assert capsys.readouterr().out == "Sign in again: gpcli login\n"
