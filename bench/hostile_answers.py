"""Whole commands against a portal whose every word is hostile."""

from __future__ import annotations

import io
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.findings import Findings
from bench.lines import Line, list_lines
from gpcli.auth.vault import MemoryVault
from gpcli.cli.demo import open_sign_in_page
from gpcli.errors import Exit
from gpcli.render.terminal import Terminal
from gpcli.sandbox.server import Sandbox
from tests.hostile_text import PAINT, HostileTexts, find_raw_controls
from tests.journeys.shell import CommandResult, Shell, shell_for
from tests.journeys.test_hostile_portal import ALONE, WORDS
from tests.journeys.world import MONDAY

_MESSAGE = re.compile(r"--message \w+")
_FORMATS = ("", "--plain", "--json", "--ndjson", "screen", "narrow screen", "ascii screen")
_PAINTED = Terminal(True, True, True, width=100, color=True)
_NARROW = Terminal(True, True, True, width=24)


class HostilePortal:
    """A portal of made-up people whose words are replaced by hostile `texts`."""

    def __init__(self, sandbox: Sandbox, home: Path, texts: HostileTexts) -> None:
        self._sandbox = sandbox
        self._home = home
        self._texts = texts
        self._newcomer = Shell(
            {"GPCLI_CONFIG_DIR": str(home / "newcomer")},
            sandbox.now,
            vault=MemoryVault(),
            browse=open_sign_in_page,
        )
        sandbox.store.put_all(list(self._spoil_resources()))

    def play(self, line: Line, form: str) -> CommandResult:
        """Play a line in one of `_FORMATS`."""
        shell = self._newcomer
        if not line.is_about_accounts:
            shell = shell_for(
                self._sandbox, self._home, line.person, self._sandbox.now, line.acting_for
            )
        if form.endswith("screen"):
            terminal = _NARROW if form.startswith("narrow") else _PAINTED
            stdout, stderr = (_AsciiText() if "ascii" in form else io.StringIO() for _ in range(2))
            shell = replace(shell, terminal=terminal, typing="1\n", stdout=stdout, stderr=stderr)
        words = line.fill(self._sandbox, self._home)
        if not form.endswith("screen"):
            return shell(f"gpcli {words} {form}")
        return self._write_in_editor(shell, words)

    def _write_in_editor(self, shell: Shell, words: str) -> CommandResult:
        """Play a line without its message; what the editor was given counts as shown."""
        place = Path(tempfile.mkdtemp(dir=self._home))
        ending = shell.with_env(EDITOR=f"{shutil.which('cp')} -t {place}")(
            f"gpcli {_MESSAGE.sub('', words)}"
        )
        given = "".join(file.read_text(encoding="utf-8") for file in place.iterdir())
        return replace(ending, err=ending.err + given)

    def _spoil_resources(self) -> Iterator[dict[str, Any]]:
        """Yield all records that have words; Hans has too much of it."""
        sql = "SELECT body FROM resource WHERE type NOT IN (?, ?, ?) AND body NOT LIKE '%hans%'"
        for (body,) in self._sandbox.store.execute(sql, ALONE):
            yield self._spoil(json.loads(body))

    def _spoil(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            spoiled = {name: self._spoil(each, name) for name, each in value.items()}
            is_contact = value.get("system") in {"phone", "email", "url"}
            return spoiled | ({"value": self._make()} if is_contact else {})
        if isinstance(value, list):
            return [self._spoil(each, key) for each in value]
        return self._make() if isinstance(value, str) and key in WORDS else value

    def _make(self) -> str:
        """Return a text that FHIR allows: not empty."""
        return self._texts.make() or "x"


class _AsciiText(io.StringIO):
    encoding = "ascii"


def play_lines(number: int, *, every: bool) -> Findings:
    """Play all lines at a portal with hostile words of its own, and return what was found.

    Each is played in every format, or in one that depends on `number`.
    """
    findings = Findings()
    for clock in (MONDAY, None):  # an ID token is of the present
        texts = HostileTexts(number)
        with (
            Sandbox(clock=clock, seed=1, auto_sign_in=True) as sandbox,
            tempfile.TemporaryDirectory() as home,
        ):
            portal = HostilePortal(sandbox, Path(home), texts)
            lines = [line for line in list_lines() if line.is_about_accounts == (clock is None)]
            for place, line in enumerate(lines):
                forms = _FORMATS if every else (_FORMATS[(number + place) % len(_FORMATS)],)
                for form in forms:
                    _check(
                        findings, portal.play(line, form), form, f"{line.words} {form} ({number})"
                    )
        findings.texts += texts.count
    return findings


def _check(findings: Findings, ending: CommandResult, form: str, played: str) -> None:
    findings.outputs += 1
    if ending.code == Exit.BUG:
        findings.note("crashes", output=played, error=ending.err[-300:])
    shown = (ending.out + ending.err).replace("\r\n", "\n")  # as calendars have it
    bare = PAINT.sub("", shown) if form in {"screen", "ascii screen"} else shown
    allowed = "\n" if "json" in form or form.endswith("screen") else "\n\t"
    if raw := find_raw_controls(bare, allowed):
        findings.note("raw", output=played, raw=ascii(raw), shown=ascii(shown[:800]))
