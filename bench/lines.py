"""A line for every command of gpcli, for people of the sandbox; a new command has one by itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.commands.specs import CommandSpec
from gpcli.sandbox.server import Sandbox

RASH, MOLE, CLOSED = "t-9rcz8zjj", "t-6385kbx9", "t-qtv33nwr"
"""Ada's threads: one with an answer, one with files, one that the surgery has closed."""

AMLODIPINE, ZOPICLONE, ASKED = "rx-zt4s55k9", "rx-c28xcqvq", "r-rxzthjcg"
"""Two of Ada's prescriptions, and a request to renew that the surgery has not handled."""


@dataclass(frozen=True)
class Line:
    """A command line without the program's name, and the person of the sandbox who types it.

    `path` is the command's. In `words`, `{file}` is a picture to attach, `{place}` a directory to
    save to, `{portal}` the portal's FHIR base, `{booked}` an appointment of the person's.
    `acting_for` is the child that the person acts for.
    """

    path: str
    person: str
    words: str
    acting_for: str | None = None

    def fill(self, sandbox: Sandbox, home: Path) -> str:
        """Return the words with a file and a directory in `home`, and what `sandbox` has."""
        file = home / "note.gif"
        file.write_bytes(b"GIF89a")
        coming = sandbox.store.find("Appointment", patient=f"Patient/{self.person}")
        booked = [each["id"] for each in coming if each["status"] == "booked"]
        return self.words.format(
            file=file,
            place=tempfile.mkdtemp(dir=home),
            portal=sandbox.fhir_base,
            booked=next(iter(booked), "a-none"),
        )

    @property
    def is_about_accounts(self) -> bool:
        """Whether it is about profiles and sign-ins, and so can't be given a token."""
        return self.path in {"login", "logout"} or self.path.startswith("profile ")

    @property
    def asks_the_portal(self) -> bool:
        """Whether it asks a portal on behalf of a patient."""
        return self.path.split()[0] not in {"sandbox", "profile", "completion", "help"}


_ADA = {
    "login": ("login {portal} --profile home --environment sandbox --hint ada",),
    "profile show": ("profile show home",),
    "profile add": ("profile add other https://portal.example/fhir/R4 --environment staging",),
    "profile use": ("profile use home",),
    "profile remove": ("profile remove other",),
    "services": ("services", "services e-consultation"),
    "econsult start": (
        "econsult start --via text --subject A --message B --yes --accept-fee any",
        "econsult start --via video --subject A --to +7d --yes --accept-fee any",
    ),
    "contact": ("contact --subject A --message B --attach {file} --yes",),
    "messages show": tuple(f"messages show {thread}" for thread in (RASH, MOLE, CLOSED)),
    "messages reply": (
        f"messages reply {RASH} --message A --yes",
        f"messages reply {CLOSED} --message A --yes",
    ),
    "messages save": (f"messages save {MOLE} --to {{place}}",),
    "messages mark-read": (f"messages mark-read {RASH} {MOLE} --yes",),
    "rx list": ("rx list --all", "rx list --low"),
    "rx show": (f"rx show {AMLODIPINE}",),
    "rx renew": (
        f"rx renew {AMLODIPINE} {ZOPICLONE} rx-none --yes --accept-fee any",
        "rx renew --low --dry-run",
    ),
    "rx withdraw": (f"rx withdraw {ASKED} --yes",),
    "slots": ("slots --limit 3",),
    "book": ("book --first --another --yes", "book --enquiry --another --yes"),
    "appointments list": ("appointments list --all",),
    "appointments show": ("appointments show {booked}",),
    "appointments export": ("appointments export --all --details",),
    "cancel": ("cancel {booked} --yes --accept-fee any",),
    "flu": ("flu --limit 3",),
    "outbox show": ("outbox show 7c3f0f6e-0000-4000-8000-000000000000",),
    "completion": ("completion bash",),
    "watch": ("watch --once --details",),
    "help": ("help exit-codes",),
    "sandbox env": ("sandbox env ada",),
    "sandbox advance": ("sandbox advance 1s",),
}

_OTHERS = (
    Line("consent withdraw", "hans", "consent withdraw --confirm withdraw"),
    Line("appointments list", "finn", "appointments list"),
    Line("appointments show", "finn", "appointments show {booked}"),
    Line("econsult join", "finn", "econsult join {booked} --no-browser"),
    Line("econsult withdraw", "finn", "econsult withdraw {booked} --yes"),
    Line("services", "finn", "services"),
    Line("messages list", "finn", "messages list"),
    Line("flu", "guro", "flu --first --yes"),
    Line("whoami", "guro", "whoami", "emil"),
    Line("messages show", "guro", "messages show t-r8rsqz9k", "emil"),
    Line("rx list", "guro", "rx list", "emil"),
    Line("contact", "cecilie", "contact --subject A --message B --yes"),
)

_AT_THEIR_OWN_PORTAL = frozenset({"sandbox run", "sandbox serve", "demo"})
"""Commands that start a portal of their own, and so meet no other."""


def list_lines() -> Iterator[Line]:
    """Yield the lines of each command in the registry, but for those at a portal of their own."""
    for command in REGISTRY.commands:
        if command.path not in _AT_THEIR_OWN_PORTAL:
            yield from _list_lines_of(command)


def _list_lines_of(command: CommandSpec) -> Iterator[Line]:
    others = [line for line in _OTHERS if line.path == command.path]
    bare = f"{command.path} --yes" if command.writes else command.path
    if command.path in _ADA or not others:
        yield from (Line(command.path, "ada", words) for words in _ADA.get(command.path, (bare,)))
    yield from others
