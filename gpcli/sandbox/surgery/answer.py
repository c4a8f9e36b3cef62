"""Define what the surgery answers, and how it is told what to answer.

Standard library only: the control client imports this module.
"""

from dataclasses import dataclass
from typing import Literal

_DECLINE = "please decline"
_CLOSE = "please close"
_THANKS = ("thank", "takk")


class NothingPending(LookupError):
    """Nothing with the name `wanted` waits for an answer."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        super().__init__(f"nothing called {wanted!r} waits for an answer")


Outcome = Literal["booked", "answered", "closed", "renewed", "refused", "declined"]
"""What the surgery made of a request; only a renewal is `refused`."""


@dataclass(frozen=True)
class AnsweredRequest:
    """A request that the surgery has answered.

    `reference` is what was answered: an Appointment, a Task, or the Communication that heads a
    thread. `kind` is the service: `booking`, `e-consultation`, `contact`, `prescription-renewal` or
    another.
    """

    reference: str
    kind: str
    outcome: Outcome


@dataclass(frozen=True)
class AnswerOptions:
    """How to answer: `decline` refuses; `text` is the wording, empty for the surgery's own."""

    decline: bool = False
    text: str = ""


DEFAULT_OPTIONS = AnswerOptions()
"""The surgery decides and words its answer itself."""


def is_decline_requested(text: str) -> bool:
    """Return whether the text holds `please decline`, by which tests obtain a refusal."""
    return _DECLINE in text.casefold()


def is_close_requested(text: str) -> bool:
    """Return whether the text holds `please close`, by which tests obtain a closed thread."""
    return _CLOSE in text.casefold()


def is_thanks(text: str) -> bool:
    """Return whether the text thanks for an answer, in English or Norwegian."""
    return any(word in text.casefold() for word in _THANKS)
