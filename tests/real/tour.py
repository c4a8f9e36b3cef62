"""A grand tour: every command that asks the portal something, by people who have it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from gpcli.auth.vault import MemoryVault
from gpcli.cli.demo import open_sign_in_page
from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import CommandResult, Shell, shell_for

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)


class Stop(NamedTuple):
    """One line of the tour: `traveller` types `line`, which ends with `code`.

    The traveller is a person, or `guro/emil` who acts for her child. ID in the line stands for
    the first cell that `chosen` prints, HOME for a directory of the tour's, with `rash.png` in it.
    """

    traveller: str
    line: str
    code: int = 0
    chosen: str = ""


PEOPLE = ("ada", "bo", "cecilie", "david", "eva", "finn", "guro", "guro/emil", "hans")
LOOKING = (
    *("whoami", "services", "gp", "consent show", "flu", "messages list"),
    "today",
    "changes",
    *("appointments list --all", "appointments export --all", "rx list --all", "rx requests"),
)
REFUSED = {
    *((person, "flu") for person in ("bo", "cecilie", "eva", "guro/emil")),
    *(("david", line) for line in LOOKING[4:] if line != "today"),
}
"""Who is refused what, with exit 5: for want of a GP, of a service or of consent."""

EVERYBODY = tuple(
    Stop(person, line, code=5 if (person, line) in REFUSED else 0)
    for person in PEOPLE
    for line in LOOKING
)
BOOKING = (
    Stop("hans", "slots --limit 600"),
    Stop("ada", "book ID --yes --reason 'Sore knee'", chosen="slots --limit 1"),
    Stop("ada", "book --first --another --yes --request-id r1"),
    Stop("ada", "book --first --another --yes --request-id r1"),
    Stop("ada", "book --first --another --dry-run"),
    Stop("finn", "book --first --yes --gp 'Lars Myrvold'"),
    Stop("guro/emil", "book --first --yes"),
    Stop("bo", "book --enquiry --yes --reason 'A check-up'"),
    Stop("bo", "book --enquiry --another --yes --reason 'please decline'"),
    Stop("guro", "flu --first --yes"),
    Stop("ada", "appointments show ID", chosen="appointments list"),
    Stop("ada", "next"),
    Stop("ada", "open --no-browser"),
    Stop("ada", "watch --once --from +1d --details"),
    Stop("guro", "move ID --first --yes", chosen="appointments list"),
    Stop("ada", "cancel ID --yes --accept-fee any", chosen="appointments list"),
)
CONSULTING = (
    Stop("ada", "econsult start --via text --subject Rash --message 'It itches' --yes", code=9),
    *(
        Stop("ada", f"econsult start {words} --another --yes --accept-fee any")
        for words in (
            "--via text --subject Rash --message 'It itches' --attach HOME/rash.png",
            "--via text --subject Rash --message 'please close'",
            "--via text --subject Rash --message 'please decline'",
            "--via video --subject Rash --message 'It itches'",
            "--via phone --subject Rash --message 'please decline'",
        )
    ),
    Stop("finn", "econsult join a-ft4m6n2w --no-browser"),
    Stop("finn", "econsult withdraw a-ft4m6n2w --yes"),
)
WRITING = (
    Stop("ada", "contact --subject Ramp --message 'Is there one?' --yes"),
    Stop("guro/emil", "contact --subject Ramp --message 'please close' --yes"),
    Stop("ada", "messages show t-6385kbx9"),
    Stop("ada", "messages save t-6385kbx9 --to HOME"),
    Stop("ada", "messages reply t-6385kbx9 --message Thanks --attach HOME/rash.png --yes"),
    Stop("ada", "messages reply t-s3qsvw33 --message Thanks --yes", code=7),
    Stop("ada", "messages mark-read --all --yes"),
    Stop("guro/emil", "messages mark-read --all --yes"),
)
RENEWING = (
    Stop("ada", "rx show ID", chosen="rx list"),
    Stop("ada", "rx renew --low --yes"),
    Stop("ada", "rx renew rx-c28xcqvq --yes"),
    Stop("ada", "rx renew rx-w2w9djg4 --yes", code=7),
    Stop("ada", "rx renew rx-wsbv57vs --note 'please decline' --yes"),
    Stop("ada", "rx withdraw r-rxzthjcg --yes"),
    Stop("ada", "rx withdraw r-h5vdkrmv --yes", code=7),
)
CONSENT = (
    Stop("david", "contact --subject Ramp --message 'Is there one?' --yes", code=5),
    Stop("david", "consent grant --yes"),
    Stop("ada", "consent withdraw --confirm withdraw"),
)
TOUR = (
    *BOOKING,
    *CONSULTING,
    *WRITING,
    *RENEWING,
    *EVERYBODY,
    *CONSENT,
)


def travel(sandbox: Sandbox, home: Path, stops: tuple[Stop, ...] = TOUR) -> list[str]:
    """Play the tour; returns what ended otherwise than it should."""
    (home / "rash.png").write_bytes(PICTURE)
    shells = {each.traveller: _shell_of(sandbox, home, each.traveller) for each in stops}
    return [
        f"{stop.traveller}: {stop.line}: exit {ending.code}: {ending.err}"
        for stop in stops
        if (ending := _played(shells[stop.traveller], stop, home)).code != stop.code
    ]


def sign_in(sandbox: Sandbox, home: Path) -> tuple[Shell, CommandResult]:
    """Ada signs in, as people do, by a browser that obeys; `sandbox` signs in by itself."""
    shell = Shell(
        {"GPCLI_CONFIG_DIR": str(home)},
        _present(sandbox),
        vault=MemoryVault(),
        browse=open_sign_in_page,
    )
    return shell, shell(f"gpcli login {sandbox.fhir_base} --hint ada")


def book_by(way: str, sandbox: Sandbox, home: Path) -> list[int]:
    """Ada signs in with a profile that books in this way; how her bookings and a late one end."""
    profile = {"portal": sandbox.fhir_base, "environment": "sandbox", "booking": way}
    lines = [f'{key} = "{value}"' for key, value in profile.items()]
    (home / "config.toml").write_text("\n".join(["[profiles.ours]", *lines, ""]))
    shell, ending = sign_in(sandbox, home)
    [[slot, *_], *_] = shell("gpcli slots --limit 1 --plain").rows
    booked = shell(f"gpcli book {slot} --another --yes --json")
    again = shell(f"gpcli book {slot} --another --yes")
    cancelled = shell(f"gpcli cancel {booked.json['id']} --yes")
    first = shell("gpcli book --first --another --yes")
    return [each.code for each in (ending, booked, again, cancelled, first)]


def _played(shell: Shell, stop: Stop, home: Path) -> CommandResult:
    line = stop.line.replace("HOME", str(home))
    if stop.chosen:
        [[name, *_], *_] = shell(f"gpcli {stop.chosen} --plain").rows
        line = line.replace("ID", name)
    return shell(f"gpcli {line}")


def _shell_of(sandbox: Sandbox, home: Path, traveller: str) -> Shell:
    person, _, child = traveller.partition("/")
    return shell_for(sandbox, home, person, _present(sandbox), child or None)


def _present(sandbox: Sandbox) -> Callable[[], datetime]:
    return lambda: sandbox.advance(timedelta())
