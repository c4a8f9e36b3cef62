"""Every command of gpcli as data: where it stands, what it starts, and where its code is.

Help, completion, hiding and the command tree read these rows; adding a row adds a command.
Nothing is imported for a row until the command runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpcli.cli.row import Group, Registry, Row

if TYPE_CHECKING:
    from gpcli.model.service import ServiceName

ACCOUNT = "ACCOUNT"
CARE = "CARE"
TOOLS = "TOOLS"

SECTIONS = (ACCOUNT, CARE, TOOLS)
"""The sections of the root help, in order."""

GROUPS = (
    Group("consent", ACCOUNT, "Your consent to Full Access", aliases=("consents",)),
    Group("profile", ACCOUNT, "The portals that this machine knows", aliases=("portal", "config")),
    Group(
        "appointments",
        CARE,
        "What is booked, what waits for the surgery, what is past",
        aliases=("appointment", "bookings", "calendar"),
    ),
    Group("sandbox", TOOLS, "A GP portal on this machine, with known people"),
)

ROWS = (
    Row(
        "login",
        ACCOUNT,
        "Sign in to your GP's portal",
        "gpcli.cli.account:login",
        aliases=("signin", "sign-in", "auth"),
        about="With a PORTAL-URL, this makes a profile for the portal first. Signing in never "
        "replaces another person: --as chooses among those who are signed in.",
        examples=(
            ("Sign in for the first time", "gpcli login https://portal.example/fhir/R4"),
            ("Sign in again", "gpcli login"),
            ("Sign in where there is no browser", "gpcli login --device"),
        ),
    ),
    Row(
        "logout",
        ACCOUNT,
        "Sign out, at the portal and here",
        "gpcli.cli.account:logout",
        aliases=("signout", "sign-out"),
        examples=(("Sign everybody out", "gpcli logout --all"),),
    ),
    Row(
        "whoami",
        ACCOUNT,
        "Who is signed in, where, and for how long",
        "gpcli.cli.account:whoami",
        aliases=("status", "me"),
        examples=(
            ("Is there a session that lasts ten minutes more?", "gpcli whoami --min-life 10m"),
        ),
    ),
    Row("consent show", ACCOUNT, "Show what you have consented to", "gpcli.cli.consent:show"),
    Row("consent grant", ACCOUNT, "Consent to Full Access", "gpcli.cli.consent:grant", writes=True),
    Row(
        "consent withdraw",
        ACCOUNT,
        "Withdraw your consent; the portal deletes what it keeps",
        "gpcli.cli.consent:withdraw",
        writes=True,
        about="The word 'withdraw' must be typed; --confirm withdraw is that in a script.",
        examples=(("In a script", "gpcli consent withdraw --confirm withdraw"),),
    ),
    Row("profile list", ACCOUNT, "List the profiles", "gpcli.cli.profiles:list_profiles"),
    Row("profile show", ACCOUNT, "Show one profile", "gpcli.cli.profiles:show"),
    Row(
        "profile add",
        ACCOUNT,
        "Add a portal",
        "gpcli.cli.profiles:add",
        examples=(
            (
                "A portal for tests",
                "gpcli profile add test https://staging.example/fhir/R4 --environment staging",
            ),
        ),
    ),
    Row("profile use", ACCOUNT, "Make a profile the default", "gpcli.cli.profiles:use"),
    Row("profile remove", ACCOUNT, "Forget a portal", "gpcli.cli.profiles:remove"),
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
    Row(
        "sandbox run",
        TOOLS,
        "Run a command against a portal of its own",
        "gpcli.cli.sandbox:run",
        examples=(("As Ada", "gpcli sandbox run --as ada -- gpcli services"),),
    ),
    Row("sandbox serve", TOOLS, "Serve a portal until Ctrl-C", "gpcli.cli.sandbox:serve"),
    Row(
        "sandbox env",
        TOOLS,
        "Print what points a shell at the served portal",
        "gpcli.cli.sandbox:env",
        examples=(("In this shell", 'eval "$(gpcli sandbox env ada)"'),),
        closing="gpcli.cli.served:closing",
    ),
    Row("sandbox people", TOOLS, "List the people who can sign in", "gpcli.cli.sandbox:people"),
    Row(
        "sandbox reset", TOOLS, "Make everything as it was at the start", "gpcli.cli.sandbox:reset"
    ),
    Row(
        "sandbox advance",
        TOOLS,
        "Move the portal's clock forward",
        "gpcli.cli.sandbox:advance",
        examples=(("By a day", "gpcli sandbox advance 1d"),),
    ),
    Row("demo", TOOLS, "A guided run against the portal on this machine", "gpcli.cli.demo:demo"),
    Row(
        "completion",
        TOOLS,
        "Print the completion script for a shell",
        "gpcli.cli.completion:completion",
        examples=(
            ("bash, in ~/.bashrc", 'eval "$(gpcli completion bash)"'),
            ("zsh, in ~/.zshrc after compinit", 'eval "$(gpcli completion zsh)"'),
            ("fish", "gpcli completion fish > ~/.config/fish/completions/gpcli.fish"),
            ("PowerShell, in $PROFILE", "gpcli completion powershell | Out-String | iex"),
        ),
    ),
    Row(
        "help",
        TOOLS,
        "Help on a command or a topic",
        "gpcli.cli.help:show_help",
        examples=(("What exit codes mean", "gpcli help exit-codes"),),
    ),
)

REGISTRY = Registry(GROUPS, ROWS)
"""The commands of this release."""


def starts() -> dict[str, tuple[ServiceName, ...]]:
    """The commands that start a service, and the services that each can start."""
    from gpcli.model.service import ServiceName  # noqa: PLC0415  (most commands do without it)

    return {row.path: tuple(map(ServiceName, row.services)) for row in REGISTRY.starting()}
