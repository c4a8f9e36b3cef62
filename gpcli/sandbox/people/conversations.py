"""Who has written to the surgery about what, and what was answered."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from gpcli.sandbox.people.attachments import Enclosure, leaflet, picture, plain_text
from gpcli.sandbox.people.directory import ESPELAND, HAUGLAND, MYRVOLD, SOLEM
from gpcli.sandbox.people.elements import Element, reference
from gpcli.sandbox.people.messages import Message, Thread
from gpcli.sandbox.people.patients import ADA, BO, DAVID, EMIL, FINN, GURO, guro_for_emil

STANDARD_REFUSAL = (
    "This can't be settled in writing. Please book an appointment, "
    "or call the surgery if it can't wait."
)

_ADAS = (
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
                    Enclosure("mole.png", "image/png", picture()),
                    Enclosure(
                        "mole-notes.txt",
                        "text/plain; charset=utf-8",
                        plain_text("May: about 4 mm", "August: about 5 mm", "Now: about 5 mm"),
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
                    Enclosure(
                        "moles-leaflet.pdf",
                        "application/pdf",
                        leaflet("Moles: show us one that grows, bleeds or changes colour."),
                        "document",
                    ),
                    Enclosure("mole-marked.png", "image/png", picture(32), "binary"),
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
        why="A medical question: please start an e-consultation.",
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
            Message("gp", 26, "08:10", STANDARD_REFUSAL),
        ),
        status="not-done",
        why=STANDARD_REFUSAL,
    ),
)

_OTHERS = (
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


def conversations(now: datetime) -> Iterator[Element]:
    """Every small thread: header, messages, attachments."""
    for thread in chain(_ADAS, _OTHERS):
        yield from thread.resources(now)
