"""The commands of the section TOOLS."""

from __future__ import annotations

from gpcli.cli.commands.specs import CommandSpec

TOOLS = "TOOLS"

TOOL_COMMANDS = (
    CommandSpec(
        "sandbox run",
        TOOLS,
        "Run a command against a portal of its own",
        "gpcli.cli.sandbox_commands:run",
        about="The exit code is the command's own, 128 + n where signal n ended it; as in a shell, "
        "127 where there is no such command, and 126 where it can't be run. Where the sandbox does "
        "not start, it is one of gpcli help exit-codes.",
        examples=(
            ("As Ada", "gpcli sandbox run --as ada -- gpcli services"),
            (
                "Where the first answer is lost",
                "gpcli sandbox run --fault 'POST Appointment: lost-reply once' -- ./my-test.sh",
            ),
        ),
    ),
    CommandSpec(
        "sandbox serve", TOOLS, "Serve a portal until Ctrl-C", "gpcli.cli.sandbox_commands:serve"
    ),
    CommandSpec(
        "sandbox list",
        TOOLS,
        "List the portals that are served here",
        "gpcli.cli.sandbox_commands:list_sandboxes",
    ),
    CommandSpec(
        "sandbox env",
        TOOLS,
        "Print what points a shell at the served portal",
        "gpcli.cli.sandbox_commands:env",
        examples=(("In this shell", 'eval "$(gpcli sandbox env ada)"'),),
        eval_failure="gpcli.cli.sandbox_env:format_eval_failure",
    ),
    CommandSpec(
        "sandbox people",
        TOOLS,
        "List the people who can sign in",
        "gpcli.cli.sandbox_commands:people",
        about="Those of the sandbox that is served, else the built-in ones. With --people, the "
        "file is checked as well; how it is written: "
        "https://github.com/gpcli-patient/gpcli/blob/main/docs/people.md",
        examples=(
            ("A file to start from", "gpcli sandbox people --show-file > people.yaml"),
            ("Who is in it, and whether it is good", "gpcli sandbox people --people people.yaml"),
        ),
    ),
    CommandSpec(
        "sandbox reset",
        TOOLS,
        "Make everything as it was at the start",
        "gpcli.cli.sandbox_commands:reset",
    ),
    CommandSpec(
        "sandbox advance",
        TOOLS,
        "Move the portal's clock forward",
        "gpcli.cli.sandbox_commands:advance",
        examples=(("By a day", "gpcli sandbox advance 1d"),),
    ),
    CommandSpec(
        "sandbox answer",
        TOOLS,
        "Have the surgery answer what waits, now",
        "gpcli.cli.sandbox_commands:answer",
        examples=(("Say no to one", "gpcli sandbox answer t-4k2m --decline"),),
    ),
    CommandSpec(
        "sandbox fault add",
        TOOLS,
        "Make the portal go wrong by rules",
        "gpcli.cli.sandbox_fault_commands:add",
        about="A rule is METHOD PATH: FAULT [WHEN]. gpcli help faults has the faults.",
        examples=(
            ("Lose one answer", "gpcli sandbox fault add 'POST Appointment: lost-reply once'"),
        ),
    ),
    CommandSpec(
        "sandbox fault list",
        TOOLS,
        "List the rules in force, and how often each was met",
        "gpcli.cli.sandbox_fault_commands:list_faults",
    ),
    CommandSpec(
        "sandbox fault clear",
        TOOLS,
        "Take a rule out of force, or all",
        "gpcli.cli.sandbox_fault_commands:clear",
    ),
    CommandSpec(
        "outbox list",
        TOOLS,
        "List what was sent and has no known outcome",
        "gpcli.cli.outbox_commands:list_requests",
        aliases=("unsent", "sent", "journal", "pending"),
    ),
    CommandSpec(
        "outbox show",
        TOOLS,
        "Show one request, and the line that finishes it",
        "gpcli.cli.outbox_commands:show",
    ),
    CommandSpec(
        "outbox settle",
        TOOLS,
        "Find out what became of it",
        "gpcli.cli.outbox_commands:settle",
        about="The portal is asked. What is there is done; what is not there after ten minutes is "
        "not done, and the line that sends it is shown. Nothing is sent by this command.",
        examples=(
            ("All that can be settled", "gpcli outbox settle"),
            ("The surgery says that it has it", "gpcli outbox settle 7d1f --done"),
        ),
    ),
    CommandSpec(
        "api",
        TOOLS,
        "Send one FHIR request, signed in",
        "gpcli.cli.api_command:api",
        writes=True,
        aliases=("fhir", "curl", "raw"),
        refuses=("--plain", "--fields", "--gp", "--accept-fee"),
        about="The answer is the body as the portal sends it, also where it refuses; what that "
        "means is said on stderr, and by the exit code. On a terminal JSON is laid out and control "
        "characters are escaped. PATH is below the portal's FHIR base; your token goes nowhere "
        "else.\n\n"
        "GET, HEAD and POST to …/_search change nothing. All else, an operation as well, shows a "
        "plan and needs your agreement or --yes; it is sent once and never altered. gpcli can't "
        "find it at the portal by itself: where no answer comes, the exit code is 10, and gpcli "
        "outbox settle ID takes --done or --not-done once you have looked.\n\n"
        "-f NAME=VALUE is a parameter with GET, HEAD, DELETE and POST to …/_search, otherwise a "
        "text of a JSON object. --paginate follows the next links of a search, 200 pages at most, "
        "and writes all Bundles as one array; with --ndjson each on a line, as they come. An "
        "identity number goes into a search by POST, from a file or standard input.\n\n"
        "A repeat with the same --request-id sends nothing: it shows the record that was made or "
        "changed, as it is now, where the portal had named one, and says so on stderr. With "
        "If-None-Match an answer 304 is no failure: nothing is on stdout. Worked examples: "
        "https://github.com/gpcli-patient/gpcli/blob/main/docs/api.md",
        examples=(
            ("A record", "gpcli api Patient/ada"),
            ("A search", "gpcli api Appointment -f status=booked -f _count=5"),
            ("All pages of it", "gpcli api Slot --paginate --ndjson | jq -r '.entry[].fullUrl'"),
            ("What the portal can do", "gpcli api metadata | jq .fhirVersion"),
            (
                "By identity number",
                "gpcli api POST Patient/_search --input number.txt",
            ),
            ("A write", "gpcli api POST Communication --input message.json"),
            (
                "A change of a known version",
                "gpcli api PUT Appointment/a-1 -H 'If-Match: W/\"3\"' --input a-1.json",
            ),
        ),
    ),
    CommandSpec(
        "troubleshoot",
        TOOLS,
        "What is wrong, and the cure",
        "gpcli.cli.troubleshoot_command:troubleshoot",
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
    CommandSpec(
        "smoke",
        TOOLS,
        "Check a portal, for CI",
        "gpcli.cli.smoke_command:smoke",
        aliases=("test", "healthcheck", "ci"),
        bare_values=(("--write", "reversible"),),
        about="Each check proves lines of the contract between gpcli and a portal. Without --write "
        "it only reads. The exit code is 0 where none failed, 11 where one did, 4 where nobody is "
        "signed in, and 6 where the portal can't be reached.",
        examples=(
            ("A staging portal, for a CI server", "gpcli smoke --junit smoke.xml"),
            ("A portal that has just been deployed", "gpcli smoke --wait-ready 60s --write"),
            ("Against the portal on this machine", "gpcli sandbox run -- gpcli smoke --write"),
        ),
    ),
    CommandSpec(
        "demo", TOOLS, "A guided run against the portal on this machine", "gpcli.cli.demo:demo"
    ),
    CommandSpec(
        "completion",
        TOOLS,
        "Print the completion script for a shell",
        "gpcli.cli.help_commands:completion",
        examples=(
            ("bash, in ~/.bashrc", 'eval "$(gpcli completion bash)"'),
            ("zsh, in ~/.zshrc after compinit", 'eval "$(gpcli completion zsh)"'),
            ("fish", "gpcli completion fish > ~/.config/fish/completions/gpcli.fish"),
            ("PowerShell, in $PROFILE", "gpcli completion powershell | Out-String | iex"),
        ),
    ),
    CommandSpec(
        "help",
        TOOLS,
        "Help on a command or a topic",
        "gpcli.cli.help_commands:show_help",
        aliases=("man", "docs", "manual", "commands", "topics", "hjelp"),
        examples=(("What exit codes mean", "gpcli help exit-codes"),),
    ),
)
