"""The columns that tell how a sending went: the last ones of every receipt."""

from __future__ import annotations

from typing import TypeVar

from gpcli.model.receipt import Sending
from gpcli.render.view import Column
from gpcli.render.views.wording import acting_name, acting_words

Kind = TypeVar("Kind", bound=Sending)


def sending_columns(kind: type[Kind]) -> tuple[Column[Kind], ...]:
    """The columns for a receipt of `kind`."""
    return (
        Column("changed", "Changed", lambda one: one.changed, for_people=False),
        Column("dry_run", "Dry run", lambda one: one.dry_run, for_people=False),
        Column("request_id", "Request", lambda one: one.request_id, for_people=False),
        Column("patient", "For", lambda one: one.patient.name),
        Column("acting_user", "By", acting_name, acting_words),
    )
