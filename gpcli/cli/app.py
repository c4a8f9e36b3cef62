"""Running one command line: parse, find the command, call it; typer's errors become ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO

import typer
from typer._click import exceptions as trouble

from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.commands.specs import Registry
from gpcli.cli.global_options import CommandRun, ContextFactory
from gpcli.cli.lazy_group import PROGRAM, LazyGroup, argument_name
from gpcli.config.options import Options
from gpcli.errors import (
    Expired,
    Failure,
    GpcliError,
    InputNeeded,
    InvalidUsage,
    NotPermitted,
    OutcomeUnknown,
)

WORDING = (
    ("is not a valid int.", "is not a whole number."),
    ("is not a valid int range.", "is not a whole number."),
    ("is not a valid float.", "is not a number."),
    ("is not a valid float range.", "is not a number."),
    ("is not in the range x>=", "is too little: at least "),
    ("<=x<=", " to "),
    ("Got unexpected extra argument(s)", "There is more on the line than the command takes:"),
)
"""What typer says, and what we say instead."""


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

    `context_factory` makes the session when the command first asks for it, after the whole line
    is parsed; if it has a `close`, that is called at the end. Raises GpcliError for everything
    that ends badly; Usage and InputNeeded for the line itself; Failure, with the request id, where
    something was sent and the answer can't be written, OutcomeUnknown where it may have been sent.
    """
    this = CommandRun(
        Options(), lambda options: context_factory(options, env, stdin, stdout, stderr)
    )
    tree: Any = LazyGroup(registry or REGISTRY)
    try:
        with tree.make_context(PROGRAM, list(argv), obj=this) as ctx:
            ctx.call_on_close(this.close)
            tree.invoke(ctx)
    except typer.Exit as ending:
        return ending.exit_code
    except trouble.UsageError as wrong:
        raise usage_error(wrong) from None
    except GpcliError as refused:
        _advise(this, refused)
        raise
    except BaseException as ending:
        _say_what_was_sent(this, ending)
        raise
    return 0


def _advise(this: CommandRun, error: GpcliError) -> None:
    """Where a machine signs in, say what helps there."""
    settings = getattr(this.built, "settings", None) if isinstance(error, _OF_RIGHTS) else None
    if settings is None or not settings.machine:
        return
    from gpcli.auth.unattended import word_machine_hint  # noqa: PLC0415  (only failures of machines)

    error.replace_hint(word_machine_hint(error, settings.machine))


def _say_what_was_sent(this: CommandRun, ending: BaseException) -> None:
    """Make sure that nobody takes what was sent for undone because its answer is lost."""
    done = getattr(this.built, "sent_request_id", None)
    request_id = done or getattr(this.built, "pending_request_id", None)
    if request_id is None:
        return
    if isinstance(ending, OSError) and not isinstance(ending, BrokenPipeError):
        raise _refused_by_the_system(ending, request_id, done=bool(done)) from ending
    was = "was" if done else "may have been"
    with suppress(OSError):
        this.context.output.notice(f"It {was} sent, under the request id {request_id}.")


def _refused_by_the_system(ending: OSError, request_id: str, *, done: bool) -> GpcliError:
    """The error that names the request, where the system put an end to its command."""
    if done:
        return Failure(
            f"It was sent, but the answer can't be written: {ending.strerror}.",
            hint="The same command with this --request-id answers again and sends nothing.",
            request_id=request_id,
        )
    return OutcomeUnknown(
        f"It may have been sent; the system refused to go on: {ending.strerror}.",
        hint="The same command with this --request-id goes on with it.",
        request_id=request_id,
    )


_OF_RIGHTS = (Expired, NotPermitted)


def usage_error(wrong: trouble.UsageError) -> GpcliError:
    """What typer says of the line, in our words and with the way to the command's help."""
    where = wrong.ctx.command_path if wrong.ctx else PROGRAM
    hint = f"{where} --help shows how it is used."
    if isinstance(wrong, trouble.NoSuchOption):
        return InvalidUsage(_no_such_option(wrong, where), hint=hint)
    if isinstance(wrong, trouble.MissingParameter):
        return InputNeeded(f"{where} needs {_named(wrong)}.", hint=hint)
    if isinstance(wrong, trouble.BadOptionUsage):
        return _bad_option(wrong, hint)
    if isinstance(wrong, trouble.BadParameter):
        return InvalidUsage(f"{_named(wrong)}: {_worded(wrong.message)}", hint=hint)
    return InvalidUsage(_worded(wrong.format_message()), hint=hint)


def _worded(message: str) -> str:
    for theirs, ours in WORDING:
        message = message.replace(theirs, ours)
    return message


def _no_such_option(wrong: trouble.NoSuchOption, where: str) -> str:
    guess = f"; did you mean '{wrong.possibilities[0]}'?" if wrong.possibilities else "."
    return f"{where} has no option '{wrong.option_name}'{guess}"


def _bad_option(wrong: trouble.BadOptionUsage, hint: str) -> GpcliError:
    if "requires" in wrong.message:
        return InputNeeded(f"{wrong.option_name} needs a value.", hint=hint)
    return InvalidUsage(f"{wrong.option_name} takes no value.", hint=hint)


def _named(wrong: trouble.BadParameter) -> str:
    param: Any = wrong.param
    if param is None:
        return "The line"
    if param.param_type_name == "option":
        return str(param.opts[-1])
    return argument_name(param)
