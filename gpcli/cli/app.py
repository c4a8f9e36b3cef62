"""Running one command line: parse it, find the command, call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO

import typer

from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.commands.specs import Registry
from gpcli.cli.global_options import CommandRun, ContextFactory
from gpcli.cli.lazy_group import PROGRAM, LazyGroup
from gpcli.config.options import Options
from gpcli.errors import Expired, Failure, GpcliError, NotPermitted, OutcomeUnknown


def run(
    argv: Sequence[str],
    env: Mapping[str, str],
    stdin: TextIO,
    stdout: TextIO,
    stderr: TextIO,
    context_factory: ContextFactory,
    *,
    registry: Registry | None = None,
) -> int:
    """Run `argv` (without the program's name) and return the exit status.

    `context_factory` builds the context when the command first asks for it, after the whole line
    is parsed; it is closed at the end. Raises GpcliError for everything that ends badly:
    InvalidUsage and InputNeeded for the line itself; Failure, with the request id, where something
    was sent and the answer can't be written, OutcomeUnknown where it may have been sent.
    """
    command_run = CommandRun(
        Options(), lambda options: context_factory(options, env, stdin, stdout, stderr)
    )
    tree: Any = LazyGroup(registry or REGISTRY)
    try:
        with tree.make_context(PROGRAM, list(argv), obj=command_run) as ctx:
            ctx.call_on_close(command_run.close)
            tree.invoke(ctx)
    except typer.Exit as ending:
        return ending.exit_code
    except GpcliError as error:
        _add_machine_hint(command_run, error)
        raise
    except BaseException as error:
        _report_sent_request(command_run, error)
        raise
    return 0


def _add_machine_hint(command_run: CommandRun, error: GpcliError) -> None:
    """Where a machine signs in, say what helps there."""
    context = command_run.context_if_built
    if context is None or not isinstance(error, Expired | NotPermitted):
        return
    if not context.settings.machine:
        return
    from gpcli.auth.unattended import (  # noqa: PLC0415  (start-up: only failures of machines)
        word_machine_hint,
    )

    error.replace_hint(word_machine_hint(error, context.settings.machine))


def _report_sent_request(command_run: CommandRun, error: BaseException) -> None:
    """Make sure that nobody takes what was sent for undone because its answer is lost."""
    context = command_run.context_if_built
    if context is None:
        return
    is_sent = context.sent_request_id is not None
    request_id = context.sent_request_id or context.pending_request_id
    if request_id is None:
        return
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        raise _build_system_refusal(error, request_id, is_sent=is_sent) from error
    was = "was" if is_sent else "may have been"
    with suppress(OSError):
        context.output.notice(f"It {was} sent, under the request id {request_id}.")


def _build_system_refusal(error: OSError, request_id: str, *, is_sent: bool) -> GpcliError:
    """Return the error that names the request, where the system put an end to its command."""
    if is_sent:
        return Failure(
            f"It was sent, but the answer can't be written: {error.strerror}.",
            hint="The same command with this --request-id answers again and sends nothing.",
            request_id=request_id,
        )
    return OutcomeUnknown(
        f"It may have been sent; the system refused to go on: {error.strerror}.",
        hint="The same command with this --request-id goes on with it.",
        request_id=request_id,
    )
