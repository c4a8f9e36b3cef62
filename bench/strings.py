"""Hostile texts through every output for people: none gets a control character through.

A batch again: `python -m bench.strings NUMBER`.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain, islice, takewhile
from pathlib import Path
from typing import Any, cast, get_type_hints

from bench.findings import Findings
from bench.hostile_answers import play_lines
from bench.row import Report, Row, Scale
from gpcli.care.inbox import build_file_names
from gpcli.cli.ready_answers import answer, complete
from gpcli.config.index_format import FROM_ENVIRONMENT
from gpcli.config.offer_index import IndexedPerson, OfferIndex, profile_key
from gpcli.config.paths import index_path
from gpcli.errors import GpcliError, list_coded_errors, shorten
from gpcli.model.appointment import Appointment
from gpcli.model.receipt import PlanValue
from gpcli.model.thread import Attachment
from gpcli.render.ics import build_calendar
from gpcli.render.output import Format, Output
from gpcli.render.picker import ScreenSize
from gpcli.render.prompt import Prompt
from gpcli.render.stderr import Spinner
from gpcli.render.table import MAX_TABLE_ROWS, format_cell
from gpcli.render.terminal import LineWriter, Terminal
from gpcli.render.times import TimeFormat
from gpcli.render.views.wording import build_plan
from tests.hostile_records import NOW, KnownLabel, KnownView, RecordMaker, find_labels, find_views
from tests.hostile_text import PAINT, HostileTexts, find_raw_controls, squash, strings_in

_WIDTHS = (20, 40, 80, 200)
_ENCODINGS = ("utf-8", "ascii", "latin-1", "cp1252")
_LONG_LIST_EVERY = 40
"""How many batches there are for one with a list that is too long for a table."""


def measure_strings(scale: Scale, report: Report) -> Row:
    """Count control characters, crashes and lost text in everything that people are shown."""
    texts = scale.pick(1_000_000, 15_000)
    found = Findings()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        batches = iter(range(10**9))
        played = [
            pool.submit(play_lines, number, every=not scale.quick)
            for number in range(scale.pick(10, 1))
        ]
        while found.texts < texts:
            for each in pool.map(play_batch, islice(batches, scale.pick(500, 20)), chunksize=5):
                found.add(each)
            report(f"{found.texts:,} texts, {found}")
        for answers in played:
            found.add(answers.result())
    return Row(
        figure="Hostile texts through every output for people",
        to_reach="0 raw control characters, 0 crashes, nothing lost",
        measured=str(found),
        holds=not found.violations,
        rounds=f"{found.texts:,} texts in {found.outputs:,} outputs",
        details={"violations": found.violations},
    )


def play_batch(number: int) -> Findings:
    """Show a batch of texts in every way, and return what was found; the same for a number."""
    batch = _Batch(number)
    for name, show in _list_outputs(number):
        batch.play(name, show)
    return batch.count_texts()


class _Batch:
    """Shows texts on screens of several kinds, and looks at what came out."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.findings = Findings()
        self.maker = RecordMaker(HostileTexts(number))
        self._typed = HostileTexts(number, surrogates=True)
        self.name = ""

    def play(self, name: str, show: Callable[[_Batch], None]) -> None:
        """Show something; a crash is a finding."""
        self.name = name
        try:
            show(self)
        except Exception as error:
            self.findings.note("crashes", **self._place(), error=repr(error)[:300])

    def text(self) -> str:
        """Return a text as a portal can send it."""
        return self.maker.texts.make()

    def typed(self) -> str:
        """Return a text as a command line can hold it: perhaps with half a character."""
        return self._typed.make()

    def count_texts(self) -> Findings:
        """Return the findings, with the number of texts."""
        self.findings.texts = self.maker.texts.count + self._typed.count
        return self.findings

    def open_screen(self, format: Format = Format.TABLE, *, piped: bool = False) -> _Screen:
        """Return a screen of any width and encoding, with colour or not."""
        draw = self.maker.texts.choose
        width, encoding = draw(list(_WIDTHS)), draw(list(_ENCODINGS))
        return _Screen(self, format, piped, width, encoding, bool(draw([True, False])))

    def check(self, shown: str, allowed: str = "\n", whole: Iterable[str] = ()) -> None:
        """Look for control characters in an output, and for texts that should be in it whole."""
        self.findings.outputs += 1
        if raw := find_raw_controls(shown, allowed):
            self.findings.note("raw", **self._place(), raw=ascii(raw), shown=ascii(shown[:500]))
        squashed = squash(shown)
        for text in whole:
            if squash(text) not in squashed:
                self.lose(f"{text[:300]!a} is not in {shown[:1500]!a}")

    def lose(self, why: str) -> None:
        """Count an output in which a text was lost, or broke what is around it."""
        self.findings.note("lost", **self._place(), why=why)

    def _place(self) -> dict[str, Any]:
        return {"batch": self.number, "output": self.name}


class _Screen:
    """An Output on two streams, as on a terminal or piped; every check empties the streams."""

    def __init__(
        self, batch: _Batch, format: Format, piped: bool, width: Any, encoding: Any, color: bool
    ) -> None:
        self._batch = batch
        self._has_color = color and not piped
        self.terminal = Terminal(True, not piped, not piped, width, self._has_color)
        self.stdout, self.stderr = (_open_stream(encoding) for _ in range(2))
        self.output = Output(
            self.stdout, self.stderr, self.terminal, format=format, now=lambda: NOW
        )
        self.writer = LineWriter(self.stdout)

    def check(self, *whole: str, allowed: str = "\n") -> str:
        """Check what both streams have, and return it."""
        shown = _take(self.stdout) + _take(self.stderr)
        bare = PAINT.sub("", shown) if self._has_color else shown
        due = chain.from_iterable(self.writer.make_encodable(text).split("\n") for text in whole)
        self._batch.check(bare, allowed, due)
        return bare


def _open_stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")


def _take(stream: io.TextIOWrapper) -> str:
    raw = cast("io.BytesIO", stream.buffer)
    text = raw.getvalue().decode(stream.encoding)
    raw.seek(0)
    raw.truncate()
    return text


_MARKUP = re.compile(r"\[[!-+./-Z^-~-]+\]")
"""Brackets around visible ASCII, without what an output may escape or take as a separator."""


def _markup_in(*texts: str) -> Iterator[str]:
    return chain.from_iterable(map(_MARKUP.findall, texts))


def _list_outputs(number: int) -> Iterator[tuple[str, Callable[[_Batch], None]]]:
    known = find_views()
    for view in (known[number % len(known)], known[(number * 7 + 3) % len(known)]):
        yield f"view {view.view.name}", partial(_show_view, known=view)
    for label in find_labels():
        yield label.function.__name__, partial(_show_label, label=label)
    for show in (_say, _fail, _plan, _spin, _ask, _choose, _export, _name_files, _complete):
        yield show.__name__.strip("_"), show


def _show_view(batch: _Batch, known: KnownView) -> None:
    """Show records as table, blocks, plain lines, JSON and NDJSON."""
    is_long = batch.number % _LONG_LIST_EVERY == 0
    count = MAX_TABLE_ROWS + 1 if is_long else batch.number % 5 + 1
    rows = [batch.maker.make(known.kind) for _ in range(count)]
    _show_tables(batch, known, rows)
    _show_plain(batch, known, rows)
    _show_json(batch, known, rows)


def _show_tables(batch: _Batch, known: KnownView, rows: Sequence[Any]) -> None:
    screen = batch.open_screen()
    screen.output.show_list(known.view, rows)
    screen.check()
    screen, text = batch.open_screen(), batch.text()
    screen.output.show_item(known.view, rows[0], text=text)
    time_format = TimeFormat(NOW)
    columns = [column for column in known.view.columns if column.for_people]
    cells = [format_cell(column, rows[0], time_format) for column in columns]
    screen.check(*cells, *_markup_in(text))


def _show_plain(batch: _Batch, known: KnownView, rows: Sequence[Any]) -> None:
    screen = batch.open_screen(Format.PLAIN, piped=True)
    screen.output.show_list(known.view, rows)
    lines = screen.check(allowed="\n\t").split("\n")[:-1]
    if [line.count("\t") for line in lines] != [len(known.view.columns) - 1] * len(rows):
        batch.lose(f"{len(rows)} rows are these lines: {lines[:5]!a}")
    text = batch.text()
    screen.output.show_item(known.view, rows[0], text=text)
    screen.check(*_markup_in(text), allowed="\n\t")


def _show_json(batch: _Batch, known: KnownView, rows: Sequence[Any]) -> None:
    due = [known.view.record(row) for row in rows]
    for format in (Format.JSON, Format.NDJSON):
        screen = batch.open_screen(format, piped=bool(batch.number % 2))
        screen.output.show_list(known.view, rows)
        shown = screen.check()
        read = (
            [json.loads(line) for line in shown.split("\n")[:-1]]
            if format is Format.NDJSON
            else json.loads(shown)
        )
        if read != json.loads(json.dumps(due)):
            batch.lose(f"JSON is another value: {shown[:500]!a}")


def _show_label(batch: _Batch, label: KnownLabel) -> None:
    """Show what a function words, as a notice, a sentence and a choice."""
    words = label.function(*map(batch.maker.make, label.arguments))
    texts = [words] if isinstance(words, str) else list(words or ())
    screen = batch.open_screen()
    for text in texts:
        screen.output.notice(text)
        screen.check(*_markup_in(_keep(text)))
        screen.output.show_text(text)
        screen.check(*_markup_in(text))
    if texts:
        _choose_among(batch, texts)


def _keep(text: str) -> str:
    """Return the beginning of a notice or an error, which a longer one keeps."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(text, shorten(text), strict=False))
    return "".join(character for character, _ in same)[:_KEPT]


_KEPT = 300
"""Characters of it that are kept whatever stands before it."""


def _say(batch: _Batch) -> None:
    """Show notices, warnings, sentences and bare values."""
    for format in (Format.TABLE, Format.PLAIN, Format.JSON):
        screen = batch.open_screen(format, piped=format is not Format.TABLE)
        output = screen.output
        for say in (output.notice, output.warning, output.show_text, output.show_value):
            text = batch.typed()
            say(text)
            if format is Format.JSON and say in (output.notice, output.warning):
                _check_told(batch, screen.check(), text)
            else:
                screen.check(*_markup_in(_keep(text)))


def _fail(batch: _Batch) -> None:
    """Show every error with hostile words wherever an error has words."""
    types = get_type_hints(GpcliError.__init__)
    names = [name for name, kind in types.items() if kind in {str, str | None}]
    for kind in list_coded_errors():
        texts = {name: batch.typed() for name in names}
        error: GpcliError = kind(**texts, retry_after=3.0)  # type: ignore[arg-type]  # texts
        for format in (Format.TABLE, Format.JSON):
            screen = batch.open_screen(format, piped=format is Format.JSON)
            screen.output.error(error)
            if format is Format.JSON:
                _check_told(batch, screen.check(), *texts.values())
            else:
                screen.check(*_markup_in(*map(_keep, texts.values())))


def _check_told(batch: _Batch, shown: str, *texts: str) -> None:
    """Look for texts in JSON, of which long ones may be shortened."""
    told = [*strings_in(json.loads(shown))]
    for text in texts:
        if not any(each.startswith(_keep(text).strip()) for each in map(str.strip, told)):
            batch.lose(f"{text!a} is not in {shown!a}")


def _plan(batch: _Batch) -> None:
    """Show a plan in hostile words."""
    texts = [batch.text() for _ in range(8)]
    action, *more = texts
    rows: list[tuple[str, PlanValue]] = [(more[0], more[1]), ("To", more[2]), (more[3], NOW)]
    warnings = (more[4], more[5])
    times = TimeFormat(NOW)
    plan = build_plan(
        action, rows, warnings, None, environment="staging", zone=more[6], time_format=times
    )
    for format in (Format.TABLE, Format.JSON):
        screen = batch.open_screen(format, piped=format is Format.JSON)
        screen.output.plan(plan)
        whole = [] if format is Format.JSON else _markup_in(action, more[1], more[2], *warnings)
        screen.check(*whole)


def _spin(batch: _Batch) -> None:
    """Turn the mark of progress, which returns to the line's start by itself."""
    screen = batch.open_screen()
    spinner = Spinner(LineWriter(screen.stderr), screen.terminal.width)
    for _ in range(3):
        spinner.draw(batch.text())
        spinner.erase()
    screen.check(allowed="\r")


def _ask(batch: _Batch) -> None:
    """Ask hostile questions."""
    for name in ("confirm", "ask_text", "ask_secret"):
        screen, question = batch.open_screen(), batch.typed()
        prompt = Prompt(io.StringIO("x\n"), screen.stderr, allowed=True)
        getattr(prompt, name)(question, flag="--flag")
        screen.check(*_markup_in(question))


def _choose(batch: _Batch) -> None:
    """Have hostile labels chosen from, after a hostile answer."""
    _choose_among(batch, [batch.text() for _ in range(12)])


def _choose_among(batch: _Batch, labels: Sequence[str]) -> None:
    labels = [*labels, "The only one is taken unseen"]
    screen, question = batch.open_screen(), f"Which? {batch.typed()}"
    choices = [(f"id-{number}", label) for number, label in enumerate(labels)]
    typed = io.StringIO(f"{squash(batch.typed())}\n1\n")
    prompt = Prompt(typed, screen.stderr, allowed=True, size=ScreenSize(screen.terminal.width))
    prompt.choose_several(question, choices, flag="--flag")
    shown = screen.check(*_markup_in(question, *labels))
    page = shown.partition("Numbers (1-")[0]  # the answer may filter, which shows some again
    numbers = [int(found) for found in re.findall(r"^ {2} ?(\d+)(?:  |$)", page, re.MULTILINE)]
    if numbers != list(range(1, len(labels) + 1)):
        batch.lose(f"{len(labels)} choices have the numbers {numbers}: {shown[:1000]!a}")


_PROPERTY = re.compile(r"([A-Z-]+)(?:;[^:]*)?:")


def _export(batch: _Batch) -> None:
    """Write a calendar of hostile appointments: it has the properties of a harmless one."""
    made = [batch.maker.make(Appointment) for _ in range(3)]
    addresses = {str(each.surgery_id): batch.text() for each in made}
    document = build_calendar(
        made, portal=batch.text(), zone="Europe/Oslo", now=NOW, details=True, addresses=addresses
    )
    text = document.decode().replace("\r\n ", "").replace("\r\n", "\n")
    batch.check(text)
    names = [_PROPERTY.match(line) for line in text.split("\n")[:-1]]
    known = {found[1] for found in names if found}
    if None in names or not known <= _CALENDAR_PROPERTIES:
        batch.lose(f"properties: {sorted(known)} in {text[:1000]!a}")


_CALENDAR_PROPERTIES = frozenset(
    (
        *("BEGIN", "END", "PRODID", "VERSION", "METHOD", "TZID", "TZOFFSETFROM", "TZOFFSETTO"),
        *("TZNAME", "UID", "DTSTAMP", "DTSTART", "DTEND", "DURATION", "SEQUENCE", "STATUS"),
        *("CLASS", "SUMMARY", "LOCATION", "DESCRIPTION", "URL"),
    )
)


def _name_files(batch: _Batch) -> None:
    """Name files as hostile titles and types would have it."""
    made = [batch.maker.make(Attachment) for _ in range(12)]
    names = list(build_file_names(made).values())
    for name in names:
        batch.check(name, allowed="")
        hidden = [each for each in name if unicodedata.category(each)[0] == "C"]
        if hidden or Path(name).name != name or set(name) & set("/\\:") or name[0] in ".-":
            batch.lose(f"a file would be called {name!a}")
        if len(name.encode()) > 255 or len({each.casefold() for each in names}) != len(names):
            batch.lose(f"files would be called {names!a}")


def _complete(batch: _Batch) -> None:
    """Complete the names of hostile people, and show help that quotes the portal."""
    names, reason = [batch.text() for _ in range(4)], batch.text()
    portal = "https://portal.example/fhir/R4"
    with tempfile.TemporaryDirectory() as directory:
        env = {"GPCLI_CONFIG_DIR": directory, "GPCLI_PORTAL": portal, "GPCLI_PATIENT": "p0"}
        index, key = OfferIndex(Path(index_path(env))), profile_key(FROM_ENVIRONMENT, portal)
        for number, name in enumerate(names):
            index.add_person(key, IndexedPerson(f"account-{number}", f"p{number}", name, 0.0))
        index.write_hidden(key, "p0", {"flu": reason}, time.time() + 3600)
        completed = complete(["whoami", "--as", ""], env)
        batch.check(completed)
        if completed.count("\n") != len(names):
            batch.lose(f"{len(names)} names are completed to {completed!a}")
        batch.check(answer(["flu", "--help"], env) or "", whole=_markup_in(reason))


if __name__ == "__main__":
    print(json.dumps(play_batch(int(sys.argv[1])).violations, indent=2))
