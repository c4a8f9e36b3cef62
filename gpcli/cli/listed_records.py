"""What lists leave for completion: the ids that they showed to somebody who has signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from gpcli.app_context import AppContext
from gpcli.care.selection import Identified
from gpcli.config.paths import listed_path
from gpcli.errors import ConfigError, TimedOut

Record = TypeVar("Record", bound=Identified)


def keep_listed(
    context: AppContext,
    kind: str,
    records: Iterable[Record],
    word: Callable[[Record], str] = lambda record: "",
) -> None:
    """Keep the ids of `records` for completion, of one of `index_format.LISTED_KINDS`.

    `word` returns what is said of one, as for `ListedIds`. A machine's are not kept. Where they
    can't be, the list is as good without.
    """
    if context.settings.machine:
        return
    from gpcli.config.listed_ids import ListedIds  # noqa: PLC0415  (start-up: lists alone keep)

    listed = [(str(record.id), word(record)) for record in records]
    with suppress(OSError, ConfigError, TimedOut):
        ids = ListedIds(Path(listed_path(context.env)))
        ids.replace(context.index_key, context.identity.patient, kind, listed)


def collect_first(records: Iterable[Record], seen: list[Record]) -> Iterator[Record]:
    """Yield `records` as they come, and put into `seen` as many as are kept of a kind."""
    from gpcli.config.listed_ids import MAX_LISTED  # noqa: PLC0415  (start-up: as above)

    for record in records:
        if len(seen) < MAX_LISTED:
            seen.append(record)
        yield record


def forget_listed(context: AppContext) -> None:
    """Forget what this patient was shown here, if there is anything and it can be changed."""
    from gpcli.config.listed_ids import ListedIds  # noqa: PLC0415  (start-up: as above)

    with suppress(OSError, ConfigError, TimedOut):
        ids = ListedIds(Path(listed_path(context.env)))
        ids.forget(context.index_key, context.identity.patient)
