"""Commands about care: what the GP offers, and doing it."""

from gpcli.cli.row import Row

CARE = "CARE"

ROWS = (
    Row(
        "services",
        CARE,
        "What your GP offers online, and what not and why",
        "gpcli.cli.services:services",
        aliases=("service", "offers"),
        about="With a SERVICE, the exit code says whether it is offered: 0 if it is, 5 if not.",
        examples=(
            ("Everything", "gpcli services"),
            ("In a script: can a time be booked?", "if gpcli services booking; then …; fi"),
        ),
    ),
    Row(
        "gp",
        CARE,
        "Your GP and surgery: address, phone, opening hours",
        "gpcli.cli.services:gp",
        aliases=("doctor", "surgery"),
    ),
    Row(
        "econsult start",
        CARE,
        "Start an e-consultation with your GP",
        "gpcli.cli.econsult:start",
        services=("e-consultation",),
        writes=True,
        aliases=("ask",),
        about="Not for emergencies. Sending it makes a charge: the plan shows what it may cost, "
        "and --accept-fee MAX says up to what you agree. In writing it opens a thread (gpcli "
        "messages); by phone or video it asks the surgery for a time (gpcli appointments).",
        examples=(
            ("In writing", "gpcli econsult start --via text --subject Rash"),
            (
                "In a script",
                "gpcli econsult start --via text --subject Rash --message-file rash.txt --yes "
                "--accept-fee 400",
            ),
            ("By video, some time next week", "gpcli econsult start --via video --to +7d"),
        ),
    ),
    Row(
        "econsult join",
        CARE,
        "Join a video consultation that the surgery has confirmed",
        "gpcli.cli.econsult:join",
    ),
    Row(
        "econsult withdraw",
        CARE,
        "Withdraw an e-consultation by phone or video",
        "gpcli.cli.econsult:withdraw",
        writes=True,
    ),
    Row(
        "contact",
        CARE,
        "Write to the surgery's reception about administrative matters",
        "gpcli.cli.contact:contact",
        services=("contact",),
        writes=True,
        aliases=("write", "send"),
        about="The reception answers; it gives no health care. Medical questions may be passed on "
        "to the doctor and charged as an e-consultation.",
        examples=(
            ("Write in your editor", "gpcli contact --subject 'Ramp at the entrance'"),
            ("From a file", "gpcli contact --subject Parking --message-file question.txt --yes"),
        ),
    ),
    Row(
        "messages list",
        CARE,
        "List threads, unread ones first",
        "gpcli.cli.messages:list_threads",
        examples=(("How many are unread?", "gpcli messages list --unread --count"),),
    ),
    Row(
        "messages show",
        CARE,
        "Show a thread; it stays unread",
        "gpcli.cli.messages:show",
        aliases=("read", "view"),
    ),
    Row(
        "messages reply",
        CARE,
        "Write in a thread",
        "gpcli.cli.messages:reply",
        writes=True,
        aliases=("answer",),
    ),
    Row(
        "messages save",
        CARE,
        "Save what is attached to a thread",
        "gpcli.cli.messages:save",
        aliases=("download", "attachments"),
    ),
    Row(
        "messages mark-read",
        CARE,
        "Mark a thread, or single messages, as read",
        "gpcli.cli.messages:mark_read",
        writes=True,
    ),
    Row(
        "rx list",
        CARE,
        "List prescriptions and what is left of them",
        "gpcli.cli.rx:list_prescriptions",
        about="What runs out: something was handed out of it, and it can be fetched once more at "
        "most, or ends within four weeks; or there is nothing left of it.",
        examples=(("What runs out?", "gpcli rx list --low"),),
    ),
    Row(
        "rx show",
        CARE,
        "Show one prescription",
        "gpcli.cli.rx:show",
    ),
    Row(
        "rx renew",
        CARE,
        "Ask your GP to renew prescriptions",
        "gpcli.cli.rx:renew",
        services=("prescription-renewal",),
        writes=True,
        aliases=("refill", "request"),
        about="Each prescription gets an answer of its own; where some can be asked for and some "
        "not, the exit code is 8. What is asked for already is not asked for twice, and one that "
        "was renewed is not renewed again by its former id. The price is the surgery's and shown "
        "beforehand; --accept-fee MAX refuses to send where all together may cost more.",
        examples=(
            ("Two of them", "gpcli rx renew rx-1 rx-2"),
            ("Whatever runs out, in a script", "gpcli rx renew --low --yes"),
            ("From another command", "gpcli rx list --low --plain --fields id | gpcli rx renew -"),
        ),
    ),
    Row(
        "rx requests",
        CARE,
        "What you have asked to be renewed, and the answers",
        "gpcli.cli.rx:requests",
    ),
    Row(
        "rx withdraw",
        CARE,
        "Withdraw a request that the surgery has not handled",
        "gpcli.cli.rx:withdraw",
        writes=True,
    ),
    Row(
        "slots",
        CARE,
        "Free times",
        "gpcli.cli.booking:slots",
        services=("booking",),
        aliases=("times", "free"),
        examples=(
            ("Monday and Tuesday mornings", "gpcli slots --weekday mon,tue --between 08:00-11:00"),
            ("The next two weeks, as JSON", "gpcli slots --to +14d --json"),
        ),
    ),
    Row(
        "book",
        CARE,
        "Book a time, or ask the surgery for one",
        "gpcli.cli.booking:book",
        services=("booking", "booking-enquiry"),
        writes=True,
        aliases=("reserve",),
        about="A plan is shown first, and nothing is sent until you agree. Where the surgery "
        "must confirm, the time is not booked until it has: gpcli appointments list shows it.",
        examples=(
            ("Pick from a list", "gpcli book"),
            ("The first morning time, without being asked", "gpcli book --first --yes"),
            ("See what would be sent", "gpcli book --first --dry-run"),
        ),
    ),
    Row("appointments list", CARE, "List appointments", "gpcli.cli.appointments:list_appointments"),
    Row("appointments show", CARE, "Show one appointment", "gpcli.cli.appointments:show"),
    Row(
        "appointments export",
        CARE,
        "Write coming appointments as iCalendar",
        "gpcli.cli.calendar:export",
        about="A calendar that reads the file again knows what has moved and what is cancelled. "
        "Titles are neutral, since others may see the calendar, unless --details is given.",
        examples=(("For your calendar", "gpcli appointments export > gp.ics"),),
    ),
    Row(
        "cancel",
        CARE,
        "Cancel a booking or an enquiry",
        "gpcli.cli.appointments:cancel",
        services=("cancellation",),
        writes=True,
        aliases=("unbook",),
        about="The plan shows until when this is free, and what it costs after that.",
        examples=(("See until when, and what late costs", "gpcli cancel --dry-run"),),
    ),
    Row(
        "flu",
        CARE,
        "The flu vaccine: eligibility, price, free times, booking",
        "gpcli.cli.booking:flu",
        services=("flu-vaccination",),
        writes=True,
        aliases=("vaccine", "vaccination", "influenza"),
        about="Without a SLOT and --first nothing is booked: this shows whether you may have the "
        "vaccine, what it costs, and free times.",
        examples=(("The first time that suits", "gpcli flu --first --weekday fri"),),
    ),
)
