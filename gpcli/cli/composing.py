"""Where the words come from: the line, a file, standard input, or an editor at a terminal."""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gpcli.care.writing import Correspondent, Letter
from gpcli.cli.enclosing import read_enclosures
from gpcli.errors import Declined, InputNeeded, NotFound, Usage
from gpcli.model.thread import Draft
from gpcli.render.sanitise import safe_line
from gpcli.session import Session

MOST = 512 * 1024
"""Bytes of a message beyond which it is refused unread, whatever a surgery takes."""

LONGEST_SUBJECT = 200
"""Characters of a subject."""

STDIN = "-"

_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""What no FHIR string may hold (R4, datatypes: string)."""


@dataclass(frozen=True)
class Source:
    """What the line says of a message: its words, the file that has them, what goes along.

    Raises Usage when it gives words twice.
    """

    words: str | None
    file: str | None
    attach: Sequence[str]

    def __post_init__(self) -> None:
        if self.words is not None and self.file is not None:
            raise Usage("--message and --message-file can't be used together.")

    @property
    def given(self) -> bool:
        """Whether the line says where the words are."""
        return self.words is not None or self.file is not None


def source_of(
    session: Session, words: str | None, file: str | None, attach: Sequence[str] | None
) -> Source:
    """The source that the flags name; where it is standard input, nobody else may read that."""
    source = Source(words, file, attach or ())
    if source.file == STDIN:
        session.take_stdin()
    return source


def correspondent(session: Session) -> Correspondent:
    """Who writes, in this session."""
    return Correspondent(session.portal, session.ask, session.now, session.zone)


def letter(
    session: Session,
    subject: str | None,
    source: Source,
    gate: Callable[[], object],
    *,
    words_needed: bool = True,
) -> Letter:
    """The subject and the message, as given or as the person at the terminal writes them.

    `gate` raises what stands in the way; it is called before anybody is made to write. Raises
    Usage for what no message can hold, InputNeeded where nobody can write, Declined for an
    editor left empty-handed.
    """
    about = None if subject is None else checked_subject(subject)
    text = _given_text(session, source)
    enclosures = read_enclosures(source.attach)
    wanted = text is None and words_needed
    if wanted and not session.ask.allowed:
        raise _no_words()
    if (about is None or wanted) and session.ask.allowed:
        gate()
    if about is None:
        about = checked_subject(session.ask.text("Subject", flag="--subject"))
    if wanted:
        text = written(session, (f"Subject: {about}",))
    return Letter(about, Draft(text or "", enclosures))


def draft(session: Session, source: Source, about: Callable[[], Sequence[str]]) -> Draft:
    """A message without a subject; `about` gives what the editor says of it, or raises what
    stands in the way. Raises as `letter`.
    """
    text = _given_text(session, source)
    enclosures = read_enclosures(source.attach)
    if text is None and not session.ask.allowed:
        raise _no_words()
    return Draft(written(session, about()) if text is None else text, enclosures)


def checked_subject(subject: str) -> str:
    """A subject of one line; raises Usage."""
    line = subject.strip()
    if not line:
        raise Usage("--subject needs a value that is not empty.")
    if not line.isprintable():
        raise Usage("--subject must be one line of text.")
    if len(line) > LONGEST_SUBJECT:
        raise Usage(f"--subject is too long: {LONGEST_SUBJECT} characters at most.")
    return line


def checked_text(text: str, origin: str) -> str:
    """The words of a message without the space around them; `origin` is named in Usage."""
    words = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not words:
        raise Usage(f"{origin} is empty.", hint="Write what it is about.")
    if len(words.encode(errors="replace")) > MOST:
        raise _too_long(origin)
    unfit = _UNFIT.search(words)
    if unfit or not _is_unicode(words):
        where = words[: unfit.start()].count("\n") + 1 if unfit else 1
        raise Usage(f"{origin} has a character that no message can hold, in line {where}.")
    return words


def written(session: Session, about: Sequence[str]) -> str:
    """What the person at the terminal writes; raises Declined when that is nothing."""
    command = session.env.get("VISUAL") or session.env.get("EDITOR")
    if not command:
        session.output.notice("Neither VISUAL nor EDITOR names an editor: write here.")
        text = _from_stdin(session)
        return checked_text(text, "The message")
    text = _edited(session, command, about)
    session.person_answered()
    if not text.strip():
        raise Declined("The message is empty. Nothing was sent.")
    return checked_text(text, "The message")


def _no_words() -> InputNeeded:
    return InputNeeded(
        "A message is needed, and there is nobody to write it.",
        hint="Give --message-file FILE (- is standard input), or --message TEXT.",
    )


def _given_text(session: Session, source: Source) -> str | None:
    if source.words is not None:
        return checked_text(source.words, "--message")
    if source.file is None:
        return None
    if source.file == STDIN:
        return checked_text(_from_stdin(session), "The message on standard input")
    return checked_text(_from_file(source.file), source.file)


def _from_stdin(session: Session) -> str:
    if session.output.terminal.stdin_tty:
        session.output.notice("Write your message, and end with Ctrl-D on a line of its own.")
    stream = session.take_stdin()
    raw = getattr(stream, "buffer", None)
    content = raw.read(MOST + 1) if raw else stream.read(MOST + 1).encode(errors="surrogatepass")
    session.person_answered()
    return _decoded(content, "The message on standard input")


def _from_file(name: str) -> str:
    if not name.strip():
        raise Usage("--message-file needs a value that is not empty.")
    try:
        with Path(name).open("rb") as file:
            content = file.read(MOST + 1)
    except FileNotFoundError:
        raise NotFound(f"There is no file '{name}'.") from None
    except (OSError, ValueError) as trouble:
        why = getattr(trouble, "strerror", None) or trouble
        raise Usage(f"'{name}' can't be read: {why}.") from trouble
    return _decoded(content, name)


def _decoded(content: bytes, origin: str) -> str:
    if len(content) > MOST:
        raise _too_long(origin)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Usage(f"{origin} is not text in UTF-8.") from None


def _too_long(origin: str) -> Usage:
    return Usage(f"{origin} is too long: {MOST} bytes at most.")


def _is_unicode(words: str) -> bool:
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True


def _edited(session: Session, command: str, about: Sequence[str]) -> str:
    """What the editor left, without the remarks that it began with."""
    remarks = [f"# {safe_line(line)}".rstrip() for line in (*about, *_REMARKS)]
    with tempfile.TemporaryDirectory(prefix="gpcli-", dir=_private_place(session)) as place:
        page = Path(place) / "message.txt"
        page.touch(0o600)
        page.write_text("\n".join(["", *remarks, ""]), encoding="utf-8")
        _run_editor(session, command, page)
        with page.open("rb") as file:
            text = _decoded(file.read(MOST + 1), "The message")
    return "\n".join(line for line in text.splitlines() if line.rstrip() not in remarks)


_REMARKS = (
    "Write your message above, then save and leave the editor.",
    "These lines are left out. An empty message is not sent.",
)


def _private_place(session: Session) -> str | None:
    """Memory rather than a disk, where the system has such a place for this user."""
    place = session.env.get("XDG_RUNTIME_DIR", "")
    return place if Path(place).is_absolute() and os.access(place, os.W_OK) else None


def _run_editor(session: Session, command: str, page: Path) -> None:
    try:
        words = shlex.split(command)
        stdout = None if session.output.terminal.stdout_tty else _fileno(session.stderr)
        with _ctrl_c_for_the_editor():
            status = subprocess.run([*words, str(page)], stdout=stdout, check=False).returncode  # noqa: S603  (the person's own editor)
    except (OSError, ValueError) as trouble:
        why = getattr(trouble, "strerror", None) or trouble
        raise Usage(
            f"The editor '{command}' can't be run: {why}.", hint="Set EDITOR, or --message-file."
        ) from trouble
    if status != 0:
        raise Declined(f"The editor ended with status {status}. Nothing was sent.")


@contextmanager
def _ctrl_c_for_the_editor() -> Iterator[None]:
    """Ctrl-C reaches both programs: while the editor runs it means something to that one."""
    try:
        former = signal.signal(signal.SIGINT, lambda number, frame: None)
    except ValueError:  # only the main thread may
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _fileno(stream: object) -> int | None:
    try:
        return stream.fileno()  # type: ignore[attr-defined, no-any-return]  # a stream
    except (AttributeError, io.UnsupportedOperation):
        return None
