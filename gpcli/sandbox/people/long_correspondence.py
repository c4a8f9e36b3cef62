"""Hans' correspondence: 500 messages over some four years, for whoever needs size."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from gpcli.sandbox.people.directory import AASHEIM
from gpcli.sandbox.people.elements import Element
from gpcli.sandbox.people.messages import Kind, Message, Thread
from gpcli.sandbox.people.patients import HANS
from gpcli.sandbox.people.timetable import working_day

THREADS = 125
LENGTHS = (2, 4, 6, 3, 5)
"""Messages in one thread, the next, and so on, over and over: 500 in all."""
BETWEEN = 9
"""Working days from one thread to the next."""
STILL_UNREAD = 8
"""The newest threads, whose last answer has not been read."""
_CLOSED_AFTER = 6
_SHORT_WITH_REMINDER = 3
_MONTHS = (
    "januar",
    "februar",
    "mars",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "desember",
)
_REMINDER = "Husk å ta med medisinlisten til neste time."
_MATTERS: tuple[tuple[Kind, str, tuple[str, ...]], ...] = (
    (
        "e-consultation",
        "Blodtrykksmålinger",
        (
            "Hei! Målingene denne uka: 148/86, 152/88, 145/84. Er det for høyt?",
            "Hei! Det er litt høyt. Fortsett med samme dose, og mål i én uke til.",
            "Nå har jeg målt igjen: 141/82, 139/80 og 143/84.",
            "Det går riktig vei. Vi endrer ingenting nå.",
            "Takk! Skal jeg fortsatt måle hver dag?",
            "Nei, to ganger i uka holder.",
        ),
    ),
    (
        "administrative",
        "Adkomst med rullator",
        (
            "Hei! Er heisen i orden igjen? Jeg kommer med rullator.",
            "Hei! Heisen virker fra mandag. Ring på nede, så hjelper vi deg.",
            "Fint. Hvilken inngang skal jeg bruke?",
            "Den mot Torget. Der er det ingen trapp.",
            "Takk skal dere ha.",
            "Bare hyggelig. Velkommen!",
        ),
    ),
    (
        "e-consultation",
        "Såret på leggen",
        (
            "Hei! Såret på leggen væsker fortsatt. Bør jeg komme innom?",
            "Hei! Er det rødt og varmt rundt, eller har du feber?",
            "Ingen feber. Litt rødt i kanten, men mindre enn i går.",
            "Da ser vi det an. Skift bandasje hver dag.",
            "Det er nesten tørt nå.",
            "Så bra. Hold det tildekket i tre dager til.",
        ),
    ),
    (
        "e-consultation",
        "Svimmel om morgenen",
        (
            "Hei! Jeg blir svimmel når jeg står opp. Kan det være tablettene?",
            "Hei! Det kan det. Sett deg på sengekanten først, og drikk et glass vann.",
            "Bør jeg hoppe over den vanndrivende tabletten?",
            "Nei, men ta den etter frokost. Si fra hvis du faller.",
            "Det er mye bedre, takk.",
            "Godt å høre.",
        ),
    ),
    (
        "administrative",
        "Taxi til legetimen",
        (
            "Hei! Hvordan bestiller jeg taxi til timen?",
            "Hei! Ring pasientreiser dagen før. Rekvisisjon ligger klar hos dem.",
            "Gjelder den også hjem?",
            "Ja, begge veier.",
            "Fint, da er det bestilt.",
            "Flott. Vi sees!",
        ),
    ),
)


def long_correspondence(now: datetime) -> Iterator[Element]:
    """Every thread of Hans', newest first: headers and messages."""
    for number in range(THREADS):
        yield from _thread(number, now).resources(now)


def _thread(number: int, now: datetime) -> Thread:
    kind, subject, lines = _MATTERS[(number + number // len(LENGTHS)) % len(_MATTERS)]
    opened = _opened(number)
    month = _MONTHS[working_day(now, -opened).month - 1]
    return Thread(
        HANS,
        AASHEIM,
        kind,
        str(number),
        f"{subject}, {month}",
        tuple(_messages(kind, lines, opened, number)),
        status="in-progress" if number < _CLOSED_AFTER else "completed",
    )


def _opened(number: int) -> int:
    """How many working days ago; every tenth thread was begun at the same time as another."""
    return 7 + BETWEEN * (number - (number % 10 == 9))


def _messages(kind: Kind, lines: tuple[str, ...], opened: int, number: int) -> Iterator[Message]:
    """Patient and surgery by turns, a day apart; some answers come in two parts at one instant."""
    length = LENGTHS[number % len(LENGTHS)]
    reminder = [(1, _REMINDER)] if length == _SHORT_WITH_REMINDER else []
    last = length - len(reminder) - 1
    for turn, text in [*enumerate(lines[: last + 1]), *reminder]:
        unread = number < STILL_UNREAD and turn == last
        yield _message(kind, turn, opened - turn, text, unread)


def _message(kind: Kind, turn: int, ago: int, text: str, unread: bool) -> Message:
    minute = 7 * ago % 60
    if turn % 2 == 0:
        return Message("patient", ago, f"{17 + ago % 5}:{minute:02}", text)
    by: Literal["gp", "reception"] = "gp" if kind == "e-consultation" else "reception"
    return Message(by, ago, f"{9 + ago % 5:02}:{minute:02}", text, unread=unread)
