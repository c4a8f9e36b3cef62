"""What a person wrote and nobody got yet is kept in a file, whatever comes in between."""

from __future__ import annotations

import secrets
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gpcli.cli.saving import save
from gpcli.errors import GpcliError
from gpcli.session import Session


@dataclass
class Page:
    """What a person has written here and has not sent yet, in UTF-8 unless their editor differs."""

    content: bytes = b""


@contextmanager
def keeping(session: Session, page: Page, file: str | None) -> Iterator[None]:
    """Keep what is on `page` unless the body sends it, and say where.

    A draft that was kept before, and that is the `file` of the message now, is deleted once it is
    sent. That the terminal is closed ends the body as SIGTERM does, so that this works then too.
    """
    with _hanging_up_ends_in_order():
        try:
            yield
        except BaseException:
            if session.sent_under is None:
                _keep(session, page)
            raise
    if session.options.dry_run:
        _keep(session, page)
    elif file is not None:
        _forget(session, Path(file))


def drafts_dir(session: Session) -> Path:
    """Where drafts are kept."""
    return session.state_dir / "drafts"


def _keep(session: Session, page: Page) -> None:
    content, page.content = page.content.strip(), b""
    if not content:
        return
    path = drafts_dir(session) / f"{session.clock():%Y-%m-%d}-{secrets.token_hex(4)}.txt"
    with suppress(OSError):  # nobody may be left to listen
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            save(path, content + b"\n", replace=False)
        except (OSError, GpcliError) as trouble:
            session.output.warning(f"Your text can't be kept: {trouble}")
        else:
            session.output.notice(_kept_words(path, session.sending_under))


def _kept_words(path: Path, request_id: str | None) -> str:
    """Where the text is, and how to go on; `request_id` is of what may have been sent."""
    file = f"--message-file {shlex.quote(str(path))}"
    if request_id is None:
        return f"Your text is kept: {file} sends it."
    return (
        "Your text is kept. It may have been sent: gpcli messages list shows it. "
        f"To go on with it: {file} --request-id {shlex.quote(request_id)}"
    )


def _forget(session: Session, file: Path) -> None:
    with suppress(OSError):
        if file.resolve().parent == drafts_dir(session).resolve():
            file.unlink()


@contextmanager
def _hanging_up_ends_in_order() -> Iterator[None]:
    """SIGHUP does what SIGTERM does, unless somebody has seen to it, such as nohup."""
    number = getattr(signal, "SIGHUP", None)
    ending = signal.getsignal(signal.SIGTERM)
    if number is None or signal.getsignal(number) is not signal.SIG_DFL or not callable(ending):
        yield
        return
    try:
        signal.signal(number, ending)
    except ValueError:  # only the main thread may
        yield
        return
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL)
