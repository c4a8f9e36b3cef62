"""The commands and groups of gpcli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpcli.cli.commands.account_section import ACCOUNT, ACCOUNT_COMMANDS
from gpcli.cli.commands.specs import CommandSpec, GroupSpec, Registry
from gpcli.cli.commands.tools import TOOL_COMMANDS, TOOLS

if TYPE_CHECKING:
    from gpcli.model.service import ServiceName


CARE = "CARE"

CARE_COMMANDS = (
    CommandSpec(
        "today",
        CARE,
        "What is new, next visit, what waits, is unread or runs out",
        "gpcli.cli.day_commands:today",
        aliases=("overview", "dashboard", "home", "summary", "i-dag", "idag"),
        about="One screen, fetched in one round trip, with the command for each thing. Where "
        "somebody is signed in, gpcli alone shows it on a terminal.",
    ),
    CommandSpec(
        "next",
        CARE,
        "Your next visit",
        "gpcli.cli.day_commands:next_visit",
        aliases=("upcoming", "neste"),
        about="Exit code 3 where none is booked. What the surgery has not confirmed yet does not "
        "count.",
        examples=(("When is it, in a script?", "gpcli next --plain --fields start"),),
    ),
    CommandSpec(
        "changes",
        CARE,
        "What is new at the surgery since you asked last",
        "gpcli.cli.change_commands:changes",
        aliases=("new", "news", "updates", "notifications", "confirmation", "nytt"),
        about="A visit that the surgery has confirmed, moved, declined or cancelled, a message, an "
        "answer to an enquiry or to a request to renew. The first time it notes how things are; "
        "from then on each change is shown once. What you send from here is no news. On disk it "
        "keeps hashes, ids and status codes, nothing that can be read.",
        examples=(
            ("Wait for the surgery's answer", "gpcli changes --wait 8h"),
            ("In a script: is there anything?", "gpcli changes --peek --exit-code > /dev/null"),
        ),
    ),
    CommandSpec(
        "watch",
        CARE,
        "Be told what is new, as long as it runs",
        "gpcli.cli.watch_command:watch",
        aliases=("notify", "alert", "alerts", "remind", "reminder", "daemon", "monitor", "varsel"),
        about="It asks the portal every so often, tells each change once, and goes on after a "
        "restart where it was. Unless --details is given, nobody is told more than that something "
        "is new, or how many times fit. At the start it says until when the sign-in lets it run; "
        "when that ends it tells so, once, and exits with 4. gpcli watch status shows where it "
        "stands. How to run it for good: "
        "https://github.com/gpcli-patient/gpcli/blob/main/docs/watch.md",
        examples=(
            ("A desktop notification", "gpcli watch --desktop"),
            ("Your own program, which reads JSON", "gpcli watch --exec ./tell-me --details"),
            ("Is it alive?", "gpcli watch status --exit-code"),
            (
                "An earlier time than your next visit, booked at once",
                "gpcli watch --earlier-than next --between morning --auto-book --replace next",
            ),
        ),
    ),
    CommandSpec(
        "services",
        CARE,
        "What your GP offers online, and what not and why",
        "gpcli.cli.service_commands:services",
        aliases=("service", "offers", "prices", "price", "cost", "tjenester"),
        about="With a SERVICE, the exit code says whether it is offered: 0 if it is, 5 if not.",
        examples=(
            ("Everything", "gpcli services"),
            ("In a script: can a time be booked?", "if gpcli services booking; then …; fi"),
        ),
    ),
    CommandSpec(
        "gp",
        CARE,
        "Your GP and surgery: address, phone, opening hours",
        "gpcli.cli.service_commands:gp",
        aliases=(
            *("doctor", "doctors", "surgery", "clinic", "practice"),
            *("phone", "call", "address", "hours"),
            *("lege", "legen", "fastlege", "fastlegen", "legekontor"),
        ),
    ),
    CommandSpec(
        "open",
        CARE,
        "Open your surgery's web page, or a video consultation",
        "gpcli.cli.open_command:open_page",
        aliases=("browse", "website", "web"),
        about="Prints the address, and opens it on a terminal. Only https is opened. Exit code 3 "
        "where the portal tells of no web page.",
        examples=(
            ("The surgery's web page", "gpcli open"),
            ("The address alone", "gpcli open --no-browser --plain --fields url"),
        ),
    ),
    CommandSpec(
        "econsult start",
        CARE,
        "Start an e-consultation with your GP",
        "gpcli.cli.econsult_commands:start",
        services=("e-consultation",),
        writes=True,
        aliases=("ask", "consult", "question", "e-konsultasjon", "ekonsultasjon", "konsultasjon"),
        about="Not for emergencies, and only for what needs no examination: you must not need to "
        "be seen in person. Sending it makes a charge: the plan shows what it may cost, and "
        "--accept-fee MAX says up to what you agree. In writing it opens a thread (gpcli "
        "messages); by phone or video it asks the surgery for a time (gpcli appointments). With "
        "--wait: exit code 7 where it declines, 8 where no answer comes in that time.",
        examples=(
            ("In writing", "gpcli econsult start --via text --subject Rash"),
            (
                "In writing, the text from a file",
                "gpcli econsult start --via text --subject Rash --message-file rash.txt",
            ),
            (
                "By video, some time next week",
                "gpcli econsult start --via video --from next-week --to next-week",
            ),
            ("By phone; wait for the answer", "gpcli econsult start --via phone --wait 8h"),
        ),
    ),
    CommandSpec(
        "econsult join",
        CARE,
        "Join a video consultation, or see what is told of one by phone",
        "gpcli.cli.econsult_commands:join",
        about="Without an id it takes the only video consultation that can be joined. From ten "
        "minutes before the start it opens the link on a terminal; earlier it says when, and only "
        "--browser CMD opens it. In a script it prints the link (join_url) and opens nothing. One "
        "by phone has no link: it says which number the portal has, and what the surgery says. "
        "What is over, cancelled, not confirmed yet or in writing ends with exit code 7.",
        examples=(
            ("The link alone, in a script", "gpcli econsult join --fields join_url"),
            ("In a browser of your choice", "gpcli econsult join --browser firefox"),
        ),
        aliases=("video", "videocall"),
    ),
    CommandSpec(
        "econsult withdraw",
        CARE,
        "Withdraw an e-consultation by phone or video",
        "gpcli.cli.econsult_commands:withdraw",
        writes=True,
    ),
    CommandSpec(
        "contact",
        CARE,
        "Write to the surgery's reception about administrative matters",
        "gpcli.cli.message_commands:contact",
        services=("contact",),
        writes=True,
        aliases=("write", "send", "reception", "kontakt", "skriv"),
        about="The reception answers; it gives no health care. Medical questions may be passed on "
        "to the doctor and charged as an e-consultation.",
        examples=(
            ("Write in your editor", "gpcli contact --subject 'Ramp at the entrance'"),
            ("From a file", "gpcli contact --subject Parking --message-file question.txt --yes"),
        ),
    ),
    CommandSpec(
        "messages list",
        CARE,
        "List threads, unread ones first",
        "gpcli.cli.message_commands:list_threads",
        aliases=(
            *("message", "inbox", "mail", "letters", "threads", "unread"),
            *("melding", "meldinger", "innboks", "ulest", "uleste"),
        ),
        examples=(("How many are unread?", "gpcli messages list --unread --count"),),
    ),
    CommandSpec(
        "messages show",
        CARE,
        "Show a thread; it stays unread",
        "gpcli.cli.message_commands:show",
        aliases=("read", "view", "thread", "les"),
        about="At a terminal it then asks whether to reply, to mark it as read, or to save here "
        "what is attached; Enter quits.",
        examples=(("By a word of its subject", "gpcli messages show rash"),),
    ),
    CommandSpec(
        "messages reply",
        CARE,
        "Write in a thread",
        "gpcli.cli.message_commands:reply",
        writes=True,
        aliases=("answer", "respond", "svar"),
        about="Your editor opens, with the message that you answer below a line with scissors: "
        "nothing from there on is sent.",
    ),
    CommandSpec(
        "messages save",
        CARE,
        "Save what is attached to a thread",
        "gpcli.cli.message_commands:save",
        aliases=("download", "attachments"),
    ),
    CommandSpec(
        "messages mark-read",
        CARE,
        "Mark a thread, or single messages, as read",
        "gpcli.cli.message_commands:mark_read",
        writes=True,
        about="It asks nothing: a mark costs nothing and hides nothing. --dry-run shows what it "
        "would mark.",
    ),
    CommandSpec(
        "rx list",
        CARE,
        "List prescriptions and what is left of them",
        "gpcli.cli.rx_commands:list_prescriptions",
        aliases=(
            *(
                "prescriptions",
                "prescription",
                "medicines",
                "medicine",
                "medications",
                "medication",
            ),
            *("meds", "drugs", "pills", "resept", "resepter", "medisin", "medisiner"),
        ),
        about="What runs out: something was handed out of it, and it can be fetched once more at "
        "most, or ends within four weeks; or there is nothing left of it.",
        examples=(("What runs out?", "gpcli rx list --low"),),
    ),
    CommandSpec(
        "rx show",
        CARE,
        "Show one prescription",
        "gpcli.cli.rx_commands:show",
    ),
    CommandSpec(
        "rx renew",
        CARE,
        "Ask your GP to renew prescriptions",
        "gpcli.cli.rx_commands:renew",
        services=("prescription-renewal",),
        writes=True,
        aliases=(
            "refill",
            "refills",
            "request",
            "renewal",
            "reorder",
            "forny",
            "fornye",
            "fornyelse",
        ),
        about="Each prescription gets an answer of its own; where some can be asked for and some "
        "not, the exit code is 8. What is asked for already is not asked for twice, and one that "
        "was renewed is not renewed again by its former id. The price is the surgery's and shown "
        "beforehand; --accept-fee MAX refuses to send where all together may cost more. With "
        "--wait: exit code 7 where the surgery declines, 8 where it declines some, or does not "
        "answer in that time.",
        examples=(
            ("Two of them", "gpcli rx renew rx-1 rx-2"),
            ("By the medicine's name", "gpcli rx renew metformin"),
            ("Whatever runs out, in a script", "gpcli rx renew --low --yes"),
            ("From another command", "gpcli rx list --low --plain --fields id | gpcli rx renew -"),
            ("Wait for the surgery's answer", "gpcli rx renew metformin --wait 2d"),
        ),
    ),
    CommandSpec(
        "rx requests",
        CARE,
        "What you have asked to be renewed, and the answers",
        "gpcli.cli.rx_commands:requests",
    ),
    CommandSpec(
        "rx withdraw",
        CARE,
        "Withdraw a request that the surgery has not handled",
        "gpcli.cli.rx_commands:withdraw",
        writes=True,
    ),
    CommandSpec(
        "slots",
        CARE,
        "Free times",
        "gpcli.cli.booking_commands:slots",
        services=("booking",),
        aliases=(
            "times",
            "time",
            "free",
            "available",
            "availability",
            "openings",
            "ledig",
            "ledige",
        ),
        examples=(
            ("Monday and Tuesday mornings", "gpcli slots --weekday mon,tue --between 08:00-11:00"),
            (
                "Mornings next week",
                "gpcli slots --from next-week --to next-week --between morning",
            ),
            ("The next two weeks, as JSON", "gpcli slots --to +14d --json"),
            ("Wait until an afternoon is free", "gpcli slots --between afternoon --wait 8h"),
        ),
    ),
    CommandSpec(
        "book",
        CARE,
        "Book a time, or ask the surgery for one",
        "gpcli.cli.booking_commands:book",
        services=("booking", "booking-enquiry"),
        writes=True,
        aliases=(
            *("reserve", "booking", "schedule"),
            *("bestill", "bestille", "timebestilling"),
        ),
        about="A plan is shown first, and nothing is sent until you agree. Where the surgery "
        "must confirm, the time is not booked until it has: gpcli appointments list shows it, and "
        "--wait waits for it: exit code 7 where it declines, 8 where it does not answer in that "
        "time.",
        examples=(
            ("Pick from a list", "gpcli book"),
            ("The first morning time, without being asked", "gpcli book --first --yes"),
            ("See what would be sent", "gpcli book --first --dry-run"),
            ("Ask for a time, and wait for the answer", "gpcli book --enquiry --wait 8h"),
        ),
    ),
    CommandSpec(
        "move",
        CARE,
        "Move a visit to another time",
        "gpcli.cli.booking_commands:move",
        services=("booking", "flu-vaccination"),
        needs=("cancellation",),
        writes=True,
        aliases=("reschedule", "rebook", "change", "flytt"),
        about="The new time is booked first, and the old one is cancelled only when the portal has "
        "confirmed the new one: there is never none. Where the surgery must confirm, the old one "
        "stays until it has; the same command with the same --request-id then cancels it. Late "
        "cancelling of the old one costs what it costs now: the plan begins with it, and "
        "--accept-fee MAX says up to what you agree. gpcli book --replace ID does the same.",
        examples=(
            ("Pick the new time from a list", "gpcli move"),
            ("To the first time next week", "gpcli move appt-1 --first --from +7d"),
            ("See what it would cost", "gpcli move appt-1 --first --dry-run"),
        ),
    ),
    CommandSpec(
        "appointments list",
        CARE,
        "List appointments",
        "gpcli.cli.appointment_commands:list_appointments",
        aliases=(
            *("appointment", "appt", "appts", "bookings", "visits", "visit", "calendar", "agenda"),
            *("timer", "avtale", "avtaler", "timeavtale", "legetime", "legetimer"),
        ),
    ),
    CommandSpec(
        "appointments show",
        CARE,
        "Show one appointment",
        "gpcli.cli.appointment_commands:show",
        about="An id always wins. next is the visit that gpcli next shows; a day (gpcli help "
        "dates) and words of its subject, reason, service, way or of whom it is with do where one "
        "fits. Of several a person picks one; in a script that is exit code 2, with their ids.",
        examples=(
            ("The next visit", "gpcli appointments show next"),
            ("That of a day", "gpcli appointments show friday"),
            ("Wait until it changes", "gpcli appointments show next --wait 8h"),
        ),
    ),
    CommandSpec(
        "appointments export",
        CARE,
        "Write coming appointments as iCalendar",
        "gpcli.cli.appointment_commands:export",
        aliases=("ical", "icalendar", "ics"),
        about="A calendar that reads the file again knows what has moved and what is cancelled. "
        "Titles are neutral, since others may see the calendar, unless --details is given.",
        examples=(("For your calendar", "gpcli appointments export > gp.ics"),),
        refuses=("--json", "--ndjson", "--plain", "--output", "--fields"),
    ),
    CommandSpec(
        "cancel",
        CARE,
        "Cancel a booking or an enquiry",
        "gpcli.cli.appointment_commands:cancel",
        services=("cancellation",),
        writes=True,
        aliases=(
            "unbook",
            "cancellation",
            "avbestill",
            "avbestille",
            "avbestilling",
            "avlys",
            "avlyse",
        ),
        about="The plan shows which one it is, until when this is free, and what it costs after "
        "that. A repeat with the same --request-id is about the same one, whatever is next by "
        "then.",
        examples=(
            ("See until when, and what late costs", "gpcli cancel --dry-run"),
            ("The next visit", "gpcli cancel next"),
        ),
    ),
    CommandSpec(
        "flu",
        CARE,
        "The flu vaccine: eligibility, price, free times, booking",
        "gpcli.cli.booking_commands:flu",
        services=("flu-vaccination",),
        writes=True,
        aliases=("vaccine", "vaccination", "influenza", "jab", "shot", "vaksine", "influensa"),
        about="Without a SLOT and --first nothing is booked: this shows whether you may have the "
        "vaccine, what it costs, and free times.",
        examples=(("The first time that suits", "gpcli flu --first --weekday fri"),),
    ),
)


SECTIONS = (ACCOUNT, CARE, TOOLS)
"""The sections of the root help, in order."""

GROUPS = (
    GroupSpec("consent", ACCOUNT, "Your consent to Full Access", aliases=("consents", "samtykke")),
    GroupSpec(
        "profile",
        ACCOUNT,
        "The portals that this machine knows",
        aliases=("profiles", "portal", "portals", "config", "settings", "profil"),
    ),
    GroupSpec(
        "econsult",
        CARE,
        "E-consultations with your GP, in writing, by phone or by video",
        aliases=("econsultation", "e-consult", "consultation"),
    ),
    GroupSpec(
        "messages",
        CARE,
        "What you and the surgery have written",
    ),
    GroupSpec(
        "rx",
        CARE,
        "Your prescriptions, what is left of them, and renewing them",
    ),
    GroupSpec(
        "appointments",
        CARE,
        "What is booked, what waits for the surgery, what is past",
    ),
    GroupSpec("sandbox", TOOLS, "A GP portal on this machine, with known people"),
    GroupSpec("sandbox fault", TOOLS, "Make it go wrong on purpose"),
    GroupSpec("outbox", TOOLS, "What was sent, and what became of it"),
)

REGISTRY = Registry(GROUPS, (*ACCOUNT_COMMANDS, *CARE_COMMANDS, *TOOL_COMMANDS))
"""The commands of this release."""


def command_needs() -> dict[str, tuple[ServiceName, ...]]:
    """Return the paths of the commands that need other services too, with all of these."""
    from gpcli.model.service import ServiceName  # noqa: PLC0415  (start-up: few commands need it)

    return {
        command.path: tuple(map(ServiceName, command.needs))
        for command in REGISTRY.find_service_commands()
        if command.needs
    }


def command_services() -> dict[str, tuple[ServiceName, ...]]:
    """Return the paths of the commands that start a service, with the services of each."""
    from gpcli.model.service import ServiceName  # noqa: PLC0415  (start-up: few commands need it)

    return {
        command.path: tuple(map(ServiceName, command.services))
        for command in REGISTRY.find_service_commands()
    }
