"""What an error means for the run that it ends: its request, and whether a machine signs in."""

from __future__ import annotations

from gpcli.app_context import AppContext
from gpcli.auth.unattended import word_machine_hint
from gpcli.errors import (
    Conflict,
    Expired,
    Failure,
    GpcliError,
    NotConfirmed,
    NotPermitted,
    OutcomeUnknown,
    Partial,
    SignInError,
    Unavailable,
    UsageError,
    system_error,
)
from gpcli.outbox import may_have_been_sent


def explain_system_error(context: AppContext, error: OSError) -> GpcliError:
    """Return what it means for this run that the system refused something.

    What was or may have been sent before stays so, and can be repeated.
    """
    if request_id := context.sending.sent_request_id:
        return Failure(
            f"It was sent, but the answer can't be written: {error.strerror}.",
            hint="The same command with this --request-id answers again and sends nothing.",
            request_id=request_id,
        )
    if request_id := context.sending.pending_request_id:
        return OutcomeUnknown(
            f"It may have been sent; the system refused to go on: {error.strerror}.",
            hint="The same command with this --request-id goes on with it.",
            request_id=request_id,
        )
    return system_error(error)


def explain_error(context: AppContext, error: GpcliError) -> GpcliError:
    """Return the error as it is for this run.

    Where a machine signs in, its hint is one for machines. Its request id is what repeats this
    run's request. A repeat that can't find out what became of an earlier try leaves that as
    unknown as it was: then it is an OutcomeUnknown, whose cause is `error`.
    """
    if isinstance(error, Expired | NotPermitted) and context.settings.machine:
        error.replace_hint(word_machine_hint(error, context.settings.machine))
    request_id = context.sending.request_id
    if request_id is None:
        return error
    if error.request_id is not None:
        error.rename_request(request_id)
        return error
    is_decided = isinstance(error, UsageError | NotConfirmed | Conflict | Partial | OutcomeUnknown)
    if is_decided or context.options.dry_run:
        return error
    has_not_looked = isinstance(error, Failure | SignInError | Unavailable)
    if not may_have_been_sent(context, asked=not has_not_looked):
        return error
    unknown = OutcomeUnknown(
        f"This request was or may have been sent, and its outcome can't be told. {error.message}",
        hint=f"{error.hint} The same command with this --request-id looks again.".strip(),
        request_id=request_id,
        trace_id=error.trace_id,
        retry_after=error.retry_after,
    )
    unknown.__cause__ = error
    return unknown
