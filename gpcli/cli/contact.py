"""`contact`: writing to the surgery's reception."""

from __future__ import annotations

import typer

from gpcli.care import contacting
from gpcli.care.safety import RECEPTION
from gpcli.cli.composing import correspondent, kept_unless_sent, letter, source_of
from gpcli.cli.options import session_of
from gpcli.cli.written import (
    Attach,
    CanWait,
    Subject,
    Words,
    WordsFile,
    request_for,
    say_safety,
    start_thread,
)
from gpcli.model.service import ServiceName
from gpcli.render.views.threads import THREAD_RECEIPT


def contact(
    ctx: typer.Context,
    subject: Subject = None,
    message_file: WordsFile = None,
    message: Words = None,
    attach: Attach = None,
    can_wait: CanWait = False,
) -> None:
    """Write to the surgery's reception about administrative matters."""
    session = session_of(ctx)
    if session.output.names_only(THREAD_RECEIPT):
        return
    source = source_of(session, message, message_file, attach)
    say_safety(session, RECEPTION, can_wait=can_wait)
    with kept_unless_sent(session, source):
        writer, gp = correspondent(session), session.options.gp
        written = letter(session, subject, source, lambda: contacting.gate(writer, gp))
        request = request_for(session, ServiceName.CONTACT, "contact")
        step = contacting.propose(writer, written, request)
        start_thread(session, step, request.intent)
