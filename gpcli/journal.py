"""The write-ahead record of every write: what was about to leave is on disk before it leaves.

One JSON line per event, appended and fsynced; a line that a crash tore is passed over. It holds no
health data: what was sent stands in it only as a keyed hash, and the account as a hash.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from gpcli.errors import ConfigError

State = Literal["sending", "done", "refused", "not_sent", "unknown"]


@dataclass(frozen=True)
class JournalEntry:
    """One write. `kind` is `create` or `update`; `target` what an update changes (`Type/id`).

    `account` and `digest` are hashes of the account and of what was sent; `at` is the RFC 3339 time
    of the last event. `sending` is the state of what has not ended, as far as anybody noted.
    """

    intent: UUID
    kind: str
    profile: str
    account: str
    resource_type: str
    target: str | None
    digest: str
    state: State
    at: str


class Journal:
    """The journal in one state directory, shared by all processes of this user."""

    def __init__(self, directory: Path, profile: str, account: str) -> None:
        self._path = directory / "journal.jsonl"
        self._key_path = directory / "journal.key"
        self._profile = profile
        self._account = account

    def record_sending(
        self, intent: UUID, resource: Mapping[str, Any], target: str | None, at: str
    ) -> None:
        """Note a write before it leaves; raises ConfigError when that is impossible."""
        try:
            self._append(
                {
                    "intent": str(intent),
                    "kind": "update" if target else "create",
                    "profile": self._profile,
                    "account": self._account,
                    "resource_type": resource["resourceType"],
                    "target": target,
                    "digest": self._digest(resource),
                    "state": "sending",
                    "at": at,
                }
            )
        except OSError as trouble:
            raise ConfigError(
                f"The journal {self._path} can't be written: {trouble.strerror}. "
                "Nothing was sent: gpcli sends nothing that it could lose track of.",
                hint="Make the directory writable, or set GPCLI_CONFIG_DIR.",
            ) from trouble

    def record_state(self, intent: UUID, state: State, at: str) -> None:
        """Note how a write ended; where that is impossible, it stays `sending`.

        What the portal has done is done: it must not be reported as a failure because of this.
        """
        with suppress(OSError):
            self._append({"intent": str(intent), "state": state, "at": at})

    def record_not_sent(self, intent: UUID, at: str) -> None:
        """Note that a write that was begun did not leave: what was before stands again.

        An earlier try with the same intent may still be unknown; else it is `not_sent`.
        """
        with suppress(OSError, ConfigError):
            events = [each for each in self._events() if each["intent"] == str(intent)]
            earlier = events[-2] if len(events) > 1 else {"state": "not_sent", "at": at}
            self._append(
                {key: earlier.get(key) for key in ("state", "at")} | {"intent": str(intent)}
            )

    def find_entry(self, intent: UUID) -> JournalEntry | None:
        """The write with this intent, if it was ever begun; raises ConfigError."""
        return next((each for each in self.read_entries() if each.intent == intent), None)

    def find_target(self, intent: UUID) -> str | None:
        """What an earlier update with this intent was about (`Type/id`), if there was one."""
        found = [each.get("target") for each in self._events() if each["intent"] == str(intent)]
        return next(filter(None, found), None)

    def read_entries(self) -> list[JournalEntry]:
        """All writes with their last known state, oldest first."""
        written: dict[str, dict[str, Any]] = {}
        for event in self._events():
            written.setdefault(event["intent"], {}).update(event)
        names = [field.name for field in fields(JournalEntry)]
        whole = [each for each in written.values() if set(names) <= each.keys()]
        return [
            JournalEntry(**{name: each[name] for name in names} | {"intent": UUID(each["intent"])})
            for each in whole
        ]

    def _events(self) -> Iterator[dict[str, Any]]:
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as trouble:
            raise ConfigError(
                f"The journal {self._path} can't be read: {trouble.strerror}.",
                hint="Make it readable, or set GPCLI_CONFIG_DIR.",
            ) from trouble
        yield from filter(None, map(_event, text.split("\n")))

    def _append(self, event: Mapping[str, Any]) -> None:
        line = json.dumps(event, separators=(",", ":")).encode() + b"\n"
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            line = b"\n" + line if _torn(handle) else line
            if os.write(handle, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle)
        finally:
            os.close(handle)

    def _digest(self, resource: Mapping[str, Any]) -> str:
        content = json.dumps(resource, sort_keys=True, default=str).encode()
        return hmac.new(self._key(), content, hashlib.sha256).hexdigest()

    def _key(self) -> bytes:
        if not self._key_path.exists():
            self._make_key()
        return self._key_path.read_bytes()

    def _make_key(self) -> None:
        """Whole or not at all, and only once: other processes may be at it too."""
        self._key_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._key_path.with_name(f".journal.key.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(secrets.token_bytes(32))
        try:
            os.link(draft, self._key_path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()


def _torn(handle: int) -> bool:
    """Whether the last line of an open file has no end.

    It may also be one that another process is writing just now: then an empty line too many comes
    of it, which readers pass over.
    """
    if os.lseek(handle, 0, os.SEEK_END) == 0:
        return False
    os.lseek(handle, -1, os.SEEK_END)
    return os.read(handle, 1) != b"\n"


def _event(line: str) -> dict[str, Any] | None:
    """The event that a line holds, or `None` for what a crash has left of one."""
    try:
        event: dict[str, Any] = json.loads(line)
        UUID(event["intent"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return event
