"""Commands for scripts, tests and learning."""

from gpcli.cli.row import Row

TOOLS = "TOOLS"

ROWS = (
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
    Row(
        "sandbox answer",
        TOOLS,
        "Have the surgery answer what waits, now",
        "gpcli.cli.sandbox:answer",
        examples=(("Say no to one", "gpcli sandbox answer t-4k2m --decline"),),
    ),
    Row(
        "troubleshoot",
        TOOLS,
        "What is wrong, and the cure",
        "gpcli.cli.troubleshoot:troubleshoot",
        aliases=("diagnose", "diagnostics", "check"),
        about="Looks at variables, configuration, keyring, browser, the way to the portal, the "
        "portal, the sign-in and what it allows, in this order. It asks nothing, opens nothing "
        "and changes nothing; a session that is due is renewed, as by every command. What it says "
        "names nobody and can be pasted into a report.\n\n"
        "Each check is ok, warning, failed or skipped. The exit code is 0 unless one failed, then "
        "that of the first one's cause; the answer is on stdout all the same. Causes are the words "
        "of gpcli help exit-codes, and: clock (this computer's is wrong), no_browser (no page can "
        "open), no_refresh (the session can't be renewed), not_supported (the portal lacks "
        "something).",
        examples=(
            ("What failed, for a script", "gpcli troubleshoot --plain --fields name,status"),
            ("For a report", "gpcli troubleshoot --json > report.json"),
        ),
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
