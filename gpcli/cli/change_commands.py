"""`changes`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Annotated

import typer

from gpcli.app_context import AppContext
from gpcli.care.absences import Absences
from gpcli.care.portal_protocol import Portal
from gpcli.changes.own_writes import find_own
from gpcli.changes.reading import ChangeReader, Reading
from gpcli.changes.snapshot import read_snapshot
from gpcli.changes.store import BY_HAND, ChangeStore
from gpcli.cli.global_options import get_context
from gpcli.cli.result_output import require_complete
from gpcli.cli.waiting import Every, Wait, Waiting, parse_waiting, wait_for
from gpcli.errors import ConfigError, Exit, GpcliError, Partial, SignInError
from gpcli.journal import Journal
from gpcli.model.appointment import Appointment
from gpcli.model.change import RecordChange
from gpcli.model.thread import Conversation
from gpcli.render.views.change_views import CHANGES


def changes(
    ctx: typer.Context,
    peek: Annotated[
        bool, typer.Option("--peek", help="Show it, and show it again the next time")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 3 where nothing is new")
    ] = False,
    wait: Wait = None,
    every: Every = None,
) -> None:
    """Show what is new at the surgery since you asked last."""
    context = get_context(ctx)
    waiting = parse_waiting(context, wait, every)
    if context.output.answer_field_query(CHANGES):
        return
    with closing(open_change_store(context)) as store:
        reader = build_reader(context, store, BY_HAND)
        reading, portal = _read(context, reader, waiting)
        context.output.show_list(CHANGES, reading.changes)
        context.stdout.flush()
        if not peek:
            reader.note(reading)
    _tell_about(context, reading, portal)
    if exit_code and not reading.news:
        raise typer.Exit(int(Exit.NOT_FOUND))


def _read(
    context: AppContext, reader: ChangeReader, waiting: Waiting | None
) -> tuple[Reading, Portal]:
    """Return what is new, and the portal that was asked; wait for something."""
    reading, portal = reader.read(context.portal), context.portal
    if reading.news or waiting is None:
        return reading, portal
    reader.note(reading)

    def ask(portal: Portal) -> tuple[Reading, Portal] | None:
        reading = reader.read(portal)
        return (reading, portal) if reading.news else None

    return wait_for(context, waiting, ask) or (reading, portal)


def _tell_about(context: AppContext, reading: Reading, portal: Portal) -> None:
    """Say what an empty list means, and what is missing from any."""
    if reading.is_first:
        context.output.notice("From now on gpcli changes shows what is new.", needed=True)
    elif not reading.news:
        context.output.notice("Nothing is new.")
    for sentence in reading.snapshot.not_shown:
        context.output.notice(f"Not shown: {sentence}", needed=True)
    require_complete(context, portal)
    if not reading.snapshot.is_whole:
        raise Partial("This is not all: the portal failed to send some of it.", hint="Try again.")


def peek_at_changes(
    context: AppContext,
    portal: Portal,
    coming: Sequence[Appointment] | None,
    conversations: Sequence[Conversation] | None,
) -> tuple[RecordChange, ...] | None:
    """Return what is new and leave it unread; arguments and result are as in ReadChanges."""
    try:
        snapshot = read_snapshot(portal, coming, conversations, Absences())
        with closing(open_change_store(context)) as store:
            return build_reader(context, store, BY_HAND).read_from(snapshot, None).changes
    except SignInError:
        raise
    except GpcliError as error:
        if isinstance(error, ConfigError):
            context.output.warning(f"What is new is not known: {error.message}")
        return None


def open_change_store(context: AppContext) -> ChangeStore:
    """Open what was told of this person's records; say so where it was broken.

    Raises: ConfigError.
    """
    store = ChangeStore(context.state_dir, context.account)
    if store.was_broken:
        context.output.warning(
            f"{store.path} could not be read and was set aside: what is new since it was written "
            "is not known."
        )
    return store


def build_reader(
    context: AppContext, store: ChangeStore, cursor: str, *, offers: bool = False
) -> ChangeReader:
    """Return the reader of changes for a cursor of this person; `offers` as in ChangeReader."""
    journal = Journal(context.state_dir, context.profile.name, context.account)

    def find_fresh() -> frozenset[str]:
        return find_own(journal, context.clock)

    return ChangeReader(store, cursor, context.now, find_fresh, offers=offers)
