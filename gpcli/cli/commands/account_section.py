"""The commands of the section ACCOUNT: signing in, consent, portals."""

from __future__ import annotations

from gpcli.cli.commands.specs import CommandSpec

ACCOUNT = "ACCOUNT"

ACCOUNT_COMMANDS = (
    CommandSpec(
        "login",
        ACCOUNT,
        "Sign in to your GP's portal",
        "gpcli.cli.account_commands:login",
        aliases=("signin", "sign-in", "auth", "register", "logg-inn", "logginn"),
        about="With a PORTAL-URL, this makes a profile for the portal first. Signing in never "
        "replaces another person: --as chooses among those who are signed in.\n\n"
        "Some portals let people sign in only by a client that they have registered: --client-id "
        "is its name, --client-secret asks for its secret and keeps it in the keyring. A key takes "
        "the place of a secret: key_file in the profile (gpcli help profiles). --scopes asks for "
        "other rights than the portal offers by itself; these options are kept in the profile.",
        examples=(
            ("Sign in for the first time", "gpcli login https://portal.example/fhir/R4"),
            ("Sign in again", "gpcli login"),
            ("Sign in where there is no browser", "gpcli login --device"),
            (
                "As a registered client",
                "gpcli login https://portal.example/fhir/R4 --client-id my-id --client-secret",
            ),
        ),
    ),
    CommandSpec(
        "logout",
        ACCOUNT,
        "Sign out, at the portal and here",
        "gpcli.cli.account_commands:logout",
        aliases=("signout", "sign-out", "logg-ut", "loggut"),
        examples=(("Sign everybody out", "gpcli logout --all"),),
    ),
    CommandSpec(
        "whoami",
        ACCOUNT,
        "Who is signed in, where, and for how long",
        "gpcli.cli.account_commands:whoami",
        aliases=("status", "me", "user", "account", "session"),
        examples=(
            ("Is there a session that lasts ten minutes more?", "gpcli whoami --min-life 10m"),
        ),
    ),
    CommandSpec(
        "consent show",
        ACCOUNT,
        "Show what you have consented to",
        "gpcli.cli.account_commands:show",
    ),
    CommandSpec(
        "consent grant",
        ACCOUNT,
        "Consent to Full Access",
        "gpcli.cli.account_commands:grant",
        writes=True,
    ),
    CommandSpec(
        "consent withdraw",
        ACCOUNT,
        "Withdraw your consent; the portal deletes what it keeps",
        "gpcli.cli.account_commands:withdraw",
        writes=True,
        about="The word 'withdraw' must be typed; --confirm withdraw is that in a script.",
        examples=(("In a script", "gpcli consent withdraw --confirm withdraw"),),
    ),
    CommandSpec(
        "profile list", ACCOUNT, "List the profiles", "gpcli.cli.profile_commands:list_profiles"
    ),
    CommandSpec("profile show", ACCOUNT, "Show one profile", "gpcli.cli.profile_commands:show"),
    CommandSpec(
        "profile add",
        ACCOUNT,
        "Add a portal",
        "gpcli.cli.profile_commands:add",
        examples=(
            (
                "A portal for tests",
                "gpcli profile add test https://staging.example/fhir/R4 --environment staging",
            ),
        ),
    ),
    CommandSpec(
        "profile use", ACCOUNT, "Make a profile the default", "gpcli.cli.profile_commands:use"
    ),
    CommandSpec(
        "profile remove",
        ACCOUNT,
        "Forget a portal",
        "gpcli.cli.profile_commands:remove",
        about="Refused while somebody is signed in there: gpcli logout signs out first. On a "
        "terminal it shows what is forgotten, and asks; elsewhere it asks nothing.",
    ),
)
