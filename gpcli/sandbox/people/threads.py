"""Define who has written to the surgery about what, and what was answered."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Literal

from gpcli.sandbox.people.element_builders import Element, nth_working_day, reference
from gpcli.sandbox.people.messages import (
    Message,
    MessageAttachment,
    Thread,
    ThreadKind,
    build_pdf,
    build_png,
    encode_text,
)
from gpcli.sandbox.people.patients import ADA, BO, DAVID, EMIL, FINN, GURO, HANS, guro_for_emil
from gpcli.sandbox.people.surgeries import AASHEIM, ESPELAND, HAUGLAND, MYRVOLD, SOLEM

REFUSAL_TEXT = (
    "This can't be settled in writing. Please book an appointment, "
    "or call the surgery if it can't wait."
)

_ADA_THREADS = (
    Thread(
        ADA,
        HAUGLAND,
        "e-consultation",
        "rash",
        "Rash on my forearm",
        (
            Message(
                "patient",
                3,
                "19:12",
                "I have had an itching rash on my left forearm for ten days.\n\n"
                "Hydrocortisone cream from the pharmacy has not helped. Is there anything else?",
            ),
            Message(
                "gp",
                1,
                "10:48",
                "It sounds like contact eczema. Stop using new soaps and gloves, and use a thick "
                "moisturiser twice a day.\n\nWrite here again if it isn't better in a week.",
                unread=True,
            ),
        ),
    ),
    Thread(
        ADA,
        HAUGLAND,
        "e-consultation",
        "mole",
        "Mole on my back",
        (
            Message(
                "patient",
                6,
                "20:31",
                "A mole on my back seems darker than last summer. I have attached a picture, and "
                "my notes of its size.",
                (
                    MessageAttachment("mole.png", "image/png", build_png()),
                    MessageAttachment(
                        "mole-notes.txt",
                        "text/plain; charset=utf-8",
                        encode_text("May: about 4 mm", "August: about 5 mm", "Now: about 5 mm"),
                    ),
                ),
            ),
            Message("gp", 4, "09:05", "Thank you. How old were you when it first appeared?"),
            Message("patient", 4, "12:40", "I think I was about thirty."),
            Message(
                "gp",
                2,
                "15:20",
                "It looks harmless. What to look out for is in the leaflet; your picture is back "
                "with a mark where you should measure.",
                (
                    MessageAttachment(
                        "moles-leaflet.pdf",
                        "application/pdf",
                        build_pdf("Moles: show us one that grows, bleeds or changes colour."),
                        "document",
                    ),
                    MessageAttachment("mole-marked.png", "image/png", build_png(32), "binary"),
                ),
                unread=True,
            ),
        ),
    ),
    Thread(
        ADA,
        HAUGLAND,
        "administrative",
        "parking",
        "Parking at the surgery",
        (
            Message("patient", 9, "08:15", "Is there parking for disabled people at the door?"),
            Message(
                "reception",
                8,
                "11:02",
                "Yes, two places to the left of the entrance. The door opens by itself.",
            ),
        ),
    ),
    Thread(
        ADA,
        HAUGLAND,
        "administrative",
        "medical-question",
        "Can I take ibuprofen?",
        (
            Message("patient", 18, "17:44", "Can I take ibuprofen with my other tablets?"),
            Message(
                "reception",
                17,
                "09:30",
                "The reception can't answer medical questions. Please start an e-consultation.",
            ),
        ),
        status="stopped",
        reason="A medical question: please start an e-consultation.",
    ),
    Thread(
        ADA,
        HAUGLAND,
        "e-consultation",
        "travel",
        "Vaccines before a journey",
        (
            Message("patient", 41, "18:03", "Which vaccines do I need for three weeks in Kenya?"),
            Message(
                "gp",
                38,
                "14:27",
                "Hepatitis A and yellow fever, and tetanus if the last one is over ten years ago. "
                "The vaccination centre gives all three.",
            ),
            Message("patient", 38, "16:10", "Thank you, I have booked a time there."),
        ),
        status="completed",
    ),
    Thread(
        ADA,
        HAUGLAND,
        "e-consultation",
        "chest-pain",
        "Short of breath on the stairs",
        (
            Message("patient", 27, "21:50", "I get short of breath on the stairs these days."),
            Message("gp", 26, "08:10", REFUSAL_TEXT),
        ),
        status="not-done",
        reason=REFUSAL_TEXT,
    ),
)

_OTHER_THREADS = (
    Thread(
        BO,
        ESPELAND,
        "administrative",
        "address",
        "Ny adresse",
        (
            Message("patient", 5, "13:37", "Hei! Jeg har flyttet. Kan dere endre adressen min?"),
            Message(
                "reception",
                4,
                "08:52",
                "Hei! Vi får adressen din fra Folkeregisteret, så du trenger ikke gjøre noe hos "
                "oss. Hilsen resepsjonen på Fjordgløtt.",
                unread=True,
            ),
        ),
    ),
    Thread(
        DAVID,
        HAUGLAND,
        "administrative",
        "certificate",
        "Copy of a certificate",
        (
            Message("patient", 30, "10:20", "Can I have a copy of my sick note from the spring?"),
            Message("reception", 29, "12:15", "It is ready for you at the reception."),
        ),
        status="completed",
    ),
    Thread(
        FINN,
        MYRVOLD,
        "e-consultation",
        "sleep",
        "Still sleeping badly",
        (
            Message(
                "patient",
                7,
                "06:20",
                "I wake at four every night, also with the new tablets. What should I do?",
            ),
            Message(
                "gp",
                5,
                "14:55",
                "Please keep a sleep diary for a week, and let us talk about it by video. "
                "I am on leave, but that time is kept for you.",
            ),
            Message("patient", 1, "19:30", "I have the diary ready."),
        ),
    ),
    Thread(
        GURO,
        SOLEM,
        "e-consultation",
        "pollen",
        "Pollenallergi",
        (
            Message(
                "patient",
                4,
                "22:05",
                "Hei! Øynene klør og nesa renner selv om jeg tar tabletter hver dag. "
                "Kan jeg prøve øyedråper også?",
            ),
            Message(
                "gp",
                2,
                "11:33",
                "Hei! Ja, øyedråper kan brukes sammen med tablettene. De fås uten resept på "
                "apoteket. Ta kontakt igjen om det ikke er bedre etter to uker.",
                unread=True,
            ),
        ),
    ),
    Thread(
        GURO,
        SOLEM,
        "administrative",
        "holidays",
        "Åpningstider i romjula",
        (
            Message("patient", 12, "09:41", "Hei! Har dere åpent mellom jul og nyttår?"),
            Message("reception", 12, "13:08", "Hei! Ja, fra 08 til 13 på hverdagene."),
        ),
        status="completed",
    ),
    Thread(
        EMIL,
        SOLEM,
        "administrative",
        "hearing-test",
        "Hørselstest",
        (
            Message(
                "patient",
                3,
                "20:15",
                "Hei! Skal Emil ta hørselstest når han kommer til kontroll av ørene?",
            ),
            Message(
                "reception",
                2,
                "10:24",
                "Hei, Guro! Ja, vi setter av tid til det etter legetimen. Hilsen resepsjonen.",
                unread=True,
            ),
        ),
        writer=reference(f"RelatedPerson/{guro_for_emil()['id']}", GURO.name),
    ),
)
HANS_THREADS = 125
HANS_THREAD_LENGTHS = (2, 4, 6, 3, 5)
"""Messages per thread, repeated over all threads: 500 messages in all."""
WORKING_DAYS_BETWEEN_THREADS = 9
"""Working days from the start of one thread to the start of the next."""
UNREAD_THREADS = 8
"""The number of newest threads whose last answer is unread."""
_OPEN_THREADS = 6
_LENGTH_WITH_REMINDER = 3
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
_TEMPLATES: tuple[tuple[ThreadKind, str, tuple[str, ...]], ...] = (
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


def build_threads(now: datetime) -> Iterator[Element]:
    """Yield the threads of everybody but Hans: headers, messages and attachments."""
    for thread in chain(_ADA_THREADS, _OTHER_THREADS):
        yield from thread.resources(now)


def build_hans_threads(now: datetime) -> Iterator[Element]:
    """Yield Hans' 500 messages in 125 threads over about four years, newest thread first."""
    for number in range(HANS_THREADS):
        yield from _build_thread(number, now).resources(now)


def _build_thread(number: int, now: datetime) -> Thread:
    kind, subject, lines = _TEMPLATES[
        (number + number // len(HANS_THREAD_LENGTHS)) % len(_TEMPLATES)
    ]
    opened = _opened_working_days_ago(number)
    month = _MONTHS[nth_working_day(now, -opened).month - 1]
    return Thread(
        HANS,
        AASHEIM,
        kind,
        str(number),
        f"{subject}, {month}",
        tuple(_build_messages(kind, lines, opened, number)),
        status="in-progress" if number < _OPEN_THREADS else "completed",
    )


def _opened_working_days_ago(number: int) -> int:
    """Return when a thread starts; every tenth starts at the same time as another."""
    return 7 + WORKING_DAYS_BETWEEN_THREADS * (number - (number % 10 == 9))


def _build_messages(
    kind: ThreadKind, lines: tuple[str, ...], opened: int, number: int
) -> Iterator[Message]:
    """Yield messages of patient and surgery in turn, a day apart.

    Some answers come in two messages with the same time.
    """
    length = HANS_THREAD_LENGTHS[number % len(HANS_THREAD_LENGTHS)]
    reminder = [(1, _REMINDER)] if length == _LENGTH_WITH_REMINDER else []
    last = length - len(reminder) - 1
    for turn, text in [*enumerate(lines[: last + 1]), *reminder]:
        unread = number < UNREAD_THREADS and turn == last
        yield _build_message(kind, turn, opened - turn, text, unread)


def _build_message(kind: ThreadKind, turn: int, days_ago: int, text: str, unread: bool) -> Message:
    minute = 7 * days_ago % 60
    if turn % 2 == 0:
        return Message("patient", days_ago, f"{17 + days_ago % 5}:{minute:02}", text)
    by: Literal["gp", "reception"] = "gp" if kind == "e-consultation" else "reception"
    return Message(by, days_ago, f"{9 + days_ago % 5:02}:{minute:02}", text, unread=unread)
