"""What importing the client costs, by the modules that it loads (never by the clock)."""

import json
import subprocess
import sys

import pytest

_LOADED = "import json, sys, {module}; print(json.dumps([*sys.modules]))"


def loaded_by(module: str) -> set[str]:
    command = [sys.executable, "-c", _LOADED.format(module=module)]
    return set(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


@pytest.mark.parametrize(
    "module",
    [
        "gpcli.model.thread",
        "gpcli.model.prescription",
        "gpcli.portal.mailbox",
        "gpcli.portal.write.transaction",
        "gpcli.portal.prescriptions",
        "gpcli.fhir.communication",
        "filelock",
    ],
)
def test_booking_does_not_pay_for_messages_and_prescriptions(module: str):
    assert module not in loaded_by("gpcli.portal.fhir_portal")


def test_messages_do_not_pay_for_prescriptions_or_for_locks():
    costly = {"gpcli.model.prescription", "gpcli.portal.prescriptions", "filelock"}
    assert not costly & loaded_by("gpcli.portal.mailbox")
