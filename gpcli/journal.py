"""The write-ahead journal: each write is on disk before it is sent, and how it ended, after.

Each line of the file is a JSON object, one event of one write; it is appended and fsynced. A line
that a crash cut off is skipped. The file holds no health data: of the account there is a hash, and
of what was sent nothing but ids, kinds and codes of a status.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from uuid import UUID, uuid5

from gpcli.config.private_files import (
    build_cure,
    hold_lock,
    make_private_directory,
    open_private_file,
)
from gpcli.errors import ConfigError, Conflict

if TYPE_CHECKING:
    from gpcli.config.profiles import Profile

State = Literal["sending", "done", "refused", "not_sent", "unknown", "not_done"]

LATE = timedelta(minutes=10)
"""For how long a portal may still carry out a write whose response was lost."""

Effect = Mapping[str, Sequence[str]]
"""What shows that a record was changed: an element and the codes it may have then, none = any."""

_NOTHING_SENT = "Nothing was sent: gpcli sends nothing that it could lose track of."

_RECENT_BYTES = 256 * 1024
"""How much of the file's end `read_entries` reads where only what is recent counts."""


class CommandRequest(NamedTuple):
    """What a person can repeat: `id` is for `--request-id`, `command` such as `rx renew`."""

    id: UUID
    command: str


_INTENT_NAMESPACE = UUID("8d0c3e5a-6f6e-5d0b-9b5c-2f0a4b6f1e77")
"""The namespace of the intents that are derived from `--request-id`."""


def derive_intent(
    request_id: str, profile: Profile, read_patient: Callable[[], str], command: str
) -> UUID:
    """Return the intent that `--request-id` stands for, at a portal, of one patient and command.

    One that is a UUID, as receipts and errors show it, is itself the intent.
    """
    with suppress(ValueError):
        if str(UUID(request_id)) == request_id:
            return UUID(request_id)
    place = uuid5(_INTENT_NAMESPACE, f"{profile.name} {profile.portal}")
    return uuid5(place, "\0".join((read_patient(), command, request_id)))


@dataclass(frozen=True)
class JournalEntry:
    """One write, with its last recorded state.

    `request` is the id that repeats the command, which is `command`, empty where it is not known.
    `resource_type` is empty for a request that a person wrote, by which no record can be found.
    `target` is what an update changes (`Type/id`), `None` for a create; of a request that a person
    wrote, what the portal's answer names. `effect` tells whether the
    target is changed, `None` where that is not known, and is empty where nothing lasts. `whole` has
    the intents that count only together. `account` is a hash. `at` is the RFC 3339 time of the last
    event, `began` that of the first; `time_limit` is for how many seconds it may have been sent
    since `at`, and `process` the id of the process that did.

    The state `sending` means that no end was recorded; `unknown`, that no response told what was
    done; `not_done`, that it was looked for and is not there.
    """

    intent: UUID
    request: UUID
    command: str
    profile: str
    account: str
    resource_type: str
    target: str | None
    effect: Effect | None
    whole: tuple[UUID, ...]
    state: State
    at: str
    began: str
    time_limit: float = 0.0
    process: int | None = None

    @property
    def kind(self) -> Literal["create", "update"]:
        """Whether a record was to be created or changed."""
        return "update" if self.target else "create"

    @property
    def can_be_found(self) -> bool:
        """Whether the portal can be asked for it: gpcli knows what kind of record it makes."""
        return bool(self.resource_type)

    @property
    def is_open(self) -> bool:
        """Whether it is not known what became of it, and it lasts if it was done."""
        return self.state in {"sending", "unknown"} and self.effect != {}

    @property
    def is_left(self) -> bool:
        """Whether it is a change that is not made, and another write counts only together with it.

        It may be made by another request.
        """
        return bool(self.target and self.whole) and self.state in {"not_sent", "not_done"}

    def is_under_way(self, now: datetime) -> bool:
        """Return whether another process is sending it at this moment."""
        time_left = self.time_left(now)
        return self.state == "sending" and time_left is not None and _is_alive(self.process)

    def time_left(self, now: datetime) -> timedelta | None:
        """Return for how long the portal may still carry it out; `None` if it can't any more."""
        if self.state not in {"sending", "unknown"}:
            return None
        limit = timedelta(seconds=self.time_limit) if self.state == "sending" else timedelta()
        try:
            since = now - datetime.fromisoformat(self.at)
        except (TypeError, ValueError):  # no time that gpcli wrote
            return None
        return LATE + limit - since if abs(since) < LATE + limit else None


class Journal:
    """The journal in the state directory `directory`, shared by all processes of this user.

    `profile` and `account` (a hash) go into each entry; `read_request` returns the request that the
    command makes, `None` where it makes none that could be repeated as a whole.
    """

    def __init__(
        self,
        directory: Path,
        profile: str = "",
        account: str = "",
        read_request: Callable[[], CommandRequest | None] = lambda: None,
    ) -> None:
        self.account = account
        self._path = directory / "journal.jsonl"
        self._profile = profile
        self._read_request = read_request

    def record_sending(
        self,
        intent: UUID,
        resource_type: str,
        at: str,
        *,
        target: str | None = None,
        effect: Effect | None = None,
        whole: Sequence[UUID] = (),
        time_limit: float = 0.0,
    ) -> None:
        """Record a write before it is sent; raise ConfigError when that is impossible.

        The parameters are as in JournalEntry.
        """
        request = self._read_request() or CommandRequest(intent, "")
        event = {
            "intent": str(intent),
            "request": str(request.id),
            "command": request.command,
            "profile": self._profile,
            "account": self.account,
            "resource_type": resource_type,
            "target": target,
            "effect": effect if effect is None else {key: [*effect[key]] for key in effect},
            "whole": list(map(str, whole)),
            "time_limit": time_limit,
            "process": os.getpid(),
            "state": "sending",
            "at": at,
        }
        try:
            self._append(event)
        except ConfigError as error:
            raise ConfigError(f"{error.message} {_NOTHING_SENT}", hint=error.hint) from error
        except OSError as error:
            raise ConfigError(
                f"The journal {self._path} can't be written: {error.strerror}. {_NOTHING_SENT}",
                hint=build_cure(error),
            ) from error

    def record_state(
        self, intent: UUID, state: State, at: str, *, target: str | None = None
    ) -> None:
        """Record how a write ended; where that is impossible, it stays `sending`.

        `target` is the record (`Type/id`) that it made, where only the answer has told; `None` =
        what was said at first.
        What the portal has done must not be reported as failed because the file can't be written.
        """
        with suppress(OSError, ConfigError):
            told = {"target": target} if target else {}
            self._append({"intent": str(intent), "state": state, "at": at, **told})

    def record_not_sent(self, intent: UUID, at: str, *, alone: bool = False) -> None:
        """Record that a write was not sent after `record_sending`: the state before it holds again.

        That is the state of an earlier try with the same intent, which may be `unknown`; without
        one it is `not_sent`. `alone`: no other write counts only together with it any more.
        """
        with suppress(OSError, ConfigError):
            events = [event for event in self._read_events() if event["intent"] == str(intent)]
            earlier = events[-2] if len(events) > 1 else {"state": "not_sent", "at": at}
            event: dict[str, Any] = {key: earlier.get(key) for key in ("state", "at")}
            self._append({**event, **({"whole": []} if alone else {}), "intent": str(intent)})

    def record_alone(self, intent: UUID) -> None:
        """Record of a write that was not sent that no other counts only together with it."""
        with suppress(OSError, ConfigError):
            entry = self.find_entry(intent)
            if entry and entry.is_left:
                self._append({"intent": str(intent), "state": entry.state, "whole": []})

    def hold(self, timeout: float) -> AbstractContextManager[None]:
        """Keep other processes from holding it; what they only append is not kept out.

        Raises: TimedOut after `timeout` seconds, ConfigError, OSError.
        """
        make_private_directory(self._path.parent)
        lock = self._path.with_name(f"{self._path.name}.lock")
        return hold_lock(lock, "is about to send", timeout)

    def find_entry(self, intent: UUID) -> JournalEntry | None:
        """Return the write with this intent, None if there is none; raise as `read_entries`."""
        return next((entry for entry in self.read_entries() if entry.intent == intent), None)

    def find_target(self, intent: UUID) -> str | None:
        """Return what an update with this intent changed (`Type/id`), None if there was none.

        Raises: ConfigError where the journal can't be read.
        """
        events = [event for event in self._read_events() if event["intent"] == str(intent)]
        return next((event["target"] for event in events if event.get("target")), None)

    def check_is_own(self, request: UUID, read_account: Callable[[], str]) -> None:
        """Raise Conflict where another account has made this request; raise as `read_entries`."""
        for entry in self.read_entries():
            if entry.request == request and entry.account != read_account():
                raise Conflict(
                    "This --request-id is of a request for another person or portal, or by another "
                    "sign-in. Nothing was sent.",
                    hint="Repeat it as whoever sent it: --as, --profile, or the variables of then.",
                )

    def read_entries(self, *, recent: bool = False) -> list[JournalEntry]:
        """Return all writes with their last recorded state, oldest first.

        With `recent` only the end of a long file is read.
        Raises: ConfigError where the journal can't be read.
        """
        writes: dict[str, dict[str, Any]] = {}
        for event in self._read_events(recent=recent):
            first = writes.setdefault(event["intent"], {"began": event.get("at")})
            first.update(event)
        return list(filter(None, map(_build_entry, writes.values())))

    def _read_events(self, *, recent: bool = False) -> Iterator[dict[str, Any]]:
        try:
            descriptor = open_private_file(self._path, os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            with os.fdopen(descriptor, "rb") as stream:
                size = os.fstat(descriptor).st_size
                stream.seek(max(0, size - _RECENT_BYTES) if recent else 0)
                text = stream.read().decode("utf-8", errors="replace")
        except OSError as error:
            raise self._unreadable(error) from error
        yield from filter(None, map(_parse_event, text.split("\n")))

    def _unreadable(self, error: OSError) -> ConfigError:
        return ConfigError(
            f"The journal {self._path} can't be read: {error.strerror}.",
            hint="Make it readable, or set GPCLI_CONFIG_DIR.",
        )

    def _append(self, event: Mapping[str, Any]) -> None:
        line = json.dumps(event, separators=(",", ":")).encode() + b"\n"
        make_private_directory(self._path.parent)
        descriptor = open_private_file(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        try:
            line = b"\n" + line if _has_torn_line(descriptor) else line
            if os.write(descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _has_torn_line(descriptor: int) -> bool:
    """Return whether the last line of an open file has no line end.

    Another process may be writing that line at this moment; then the result is an empty line,
    which readers skip.
    """
    if os.lseek(descriptor, 0, os.SEEK_END) == 0:
        return False
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1) != b"\n"


def _parse_event(line: str) -> dict[str, Any] | None:
    """Return the event that a line holds, None for a line that a crash cut off."""
    try:
        event: dict[str, Any] = json.loads(line)
        UUID(event["intent"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return event


def _build_entry(write: Mapping[str, Any]) -> JournalEntry | None:
    """Return the entry of a write's merged events; `None` where its first is not there whole."""
    try:
        intent, effect = UUID(write["intent"]), write.get("effect")
        return JournalEntry(
            intent,
            UUID(write.get("request") or write["intent"]),
            str(write.get("command") or ""),
            str(write["profile"]),
            str(write["account"]),
            str(write["resource_type"]),
            write["target"],
            None if effect is None else {key: [*effect[key]] for key in effect},
            tuple(map(UUID, write.get("whole") or ())),
            write["state"],
            str(write["at"]),
            str(write["began"]),
            float(write.get("time_limit") or 0),
            write.get("process"),
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _is_alive(process: int | None) -> bool:
    """Return whether another process with this id runs; False where that can't be told."""
    if os.name != "posix" or not isinstance(process, int) or process in {0, os.getpid()}:
        return False
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
