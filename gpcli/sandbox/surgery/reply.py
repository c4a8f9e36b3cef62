"""What the surgery is told to say, and the words by which a patient's text steers it."""

from dataclasses import dataclass

_DECLINE = "please decline"
_CLOSE = "please close"
_THANKS = ("thank", "takk")


@dataclass(frozen=True)
class Reply:
    """How to answer: `decline` says no to it; `text` are the words, empty for its own."""

    decline: bool = False
    text: str = ""


AS_IT_SEES_FIT = Reply()
"""Nobody tells the surgery what to say."""


def asks_to_decline(text: str) -> bool:
    """Whether the text holds `please decline`: what is asked is declined, a lever for tests."""
    return _DECLINE in text.casefold()


def asks_to_close(text: str) -> bool:
    """Whether the text holds `please close`: the thread is answered and closed."""
    return _CLOSE in text.casefold()


def thanks(text: str) -> bool:
    """Whether the text thanks for an answer, in English or Norwegian."""
    return any(word in text.casefold() for word in _THANKS)
