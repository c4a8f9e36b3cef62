"""What must be said before anything is sent to a surgery: this is not the place for emergencies."""

from __future__ import annotations

from collections.abc import Mapping

from gpcli.care.agreement import Asker
from gpcli.errors import Declined

RECEPTION = (
    "The reception reads this and gives no health care. A medical question may be passed on to "
    "the doctor and charged as an e-consultation."
)
"""What is different about administrative messages."""


def emergency_words(numbers: Mapping[str, str]) -> str:
    """Whom to call instead: `numbers` has `acute` and, where there is one, `urgent`."""
    acute = f"Not for emergencies: call {numbers['acute']}."
    urgent = numbers.get("urgent")
    if not urgent:
        return acute
    return f"{acute} If it can't wait and the surgery is closed: call {urgent}."


def check_can_wait(asker: Asker, numbers: Mapping[str, str]) -> None:
    """Ask the person, where there is one; raises Declined when it can't wait."""
    if not asker.allowed or asker.yes("Can it wait for an answer?", flag="--can-wait"):
        return
    call = numbers.get("urgent") or numbers["acute"]
    raise Declined("Nothing was sent.", hint=f"Call the surgery; where it is closed, {call}.")
