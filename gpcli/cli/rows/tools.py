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
