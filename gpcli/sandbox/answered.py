"""What the surgery has answered, as its controls tell it."""

from dataclasses import dataclass


class NothingWaits(LookupError):
    """Nothing of that reference waits for the surgery; `wanted` is what was named."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        super().__init__(f"nothing called {wanted!r} waits for an answer")


@dataclass(frozen=True)
class Answered:
    """One answer of the surgery.

    `reference` is what it is about: an `Appointment/…`, a `Task/…`, or the `Communication/…`
    that heads a thread; `kind` the service it uses (`booking`, `e-consultation`, `contact`,
    `prescription-renewal`, ...); `outcome` is `booked`, `answered`, `closed`, `renewed`,
    `refused` (a renewal) or `declined`.
    """

    reference: str
    kind: str
    outcome: str
