"""Commands about sign-in, consent and portals."""

from gpcli.cli.row import Row

ACCOUNT = "ACCOUNT"

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
)
