"""The write-ahead journal: each write is on disk before it is sent, and how it ended, after.

Each line of the file is a JSON object, one event of one write; it is appended and fsynced. A line
that a crash cut off is skipped. The file holds no health data: of what was sent there is only a
keyed hash, of the account a hash.
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
    """One write, with its last recorded state.

    `kind` is `create` or `update`; `target` is what an update changes (`Type/id`). `account` and
    `digest` are hashes of the account and of what was sent, in hex; `at` is the RFC 3339 time of
    the last event. The state `sending` means that no end was recorded; `unknown`, that no response
    told what was done.
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
    """The journal in the state directory `directory`, shared by all processes of this user.

    `profile` and `account` (a hash) go into each entry.
    """

    def __init__(self, directory: Path, profile: str, account: str) -> None:
        self._path = directory / "journal.jsonl"
        self._key_path = directory / "journal.key"
        self._profile = profile
        self._account = account

    def record_sending(
        self, intent: UUID, resource: Mapping[str, Any], target: str | None, at: str
    ) -> None:
        """Record a write before it is sent; raise ConfigError when that is impossible.

        `resource` is the FHIR resource to send, of which only the type and a keyed hash are kept.
        `target` is what an update changes (`Type/id`), None for a create; `at` is an RFC 3339 time.
        """
        try:
            self._append(
                {
                    "intent": str(intent),
                    "kind": "update" if target else "create",
                    "profile": self._profile,
                    "account": self._account,
                    "resource_type": resource["resourceType"],
                    "target": target,
                    "digest": self._compute_digest(resource),
                    "state": "sending",
                    "at": at,
                }
            )
        except OSError as error:
            raise ConfigError(
                f"The journal {self._path} can't be written: {error.strerror}. "
                "Nothing was sent: gpcli sends nothing that it could lose track of.",
                hint="Make the directory writable, or set GPCLI_CONFIG_DIR.",
            ) from error

    def record_state(self, intent: UUID, state: State, at: str) -> None:
        """Record how a write ended; where that is impossible, it stays `sending`.

        What the portal has done must not be reported as failed because the file can't be written.
        """
        with suppress(OSError):
            self._append({"intent": str(intent), "state": state, "at": at})

    def record_not_sent(self, intent: UUID, at: str) -> None:
        """Record that a write was not sent after `record_sending`: the state before it holds again.

        That is the state of an earlier try with the same intent, which may be `unknown`; without
        one it is `not_sent`.
        """
        with suppress(OSError, ConfigError):
            events = [event for event in self._read_events() if event["intent"] == str(intent)]
            earlier = events[-2] if len(events) > 1 else {"state": "not_sent", "at": at}
            self._append(
                {key: earlier.get(key) for key in ("state", "at")} | {"intent": str(intent)}
            )

    def find_entry(self, intent: UUID) -> JournalEntry | None:
        """Return the write with this intent, None if there is none; raise as `read_entries`."""
        return next((entry for entry in self.read_entries() if entry.intent == intent), None)

    def find_target(self, intent: UUID) -> str | None:
        """Return what an update with this intent changed (`Type/id`), None if there was none.

        Raises: ConfigError where the journal can't be read.
        """
        events = [event for event in self._read_events() if event["intent"] == str(intent)]
        return next((event["target"] for event in events if event.get("target")), None)

    def read_entries(self) -> list[JournalEntry]:
        """Return all writes with their last recorded state, oldest first.

        Raises: ConfigError where the journal can't be read.
        """
        writes: dict[str, dict[str, Any]] = {}
        for event in self._read_events():
            writes.setdefault(event["intent"], {}).update(event)
        names = [field.name for field in fields(JournalEntry)]
        complete = [write for write in writes.values() if set(names) <= write.keys()]
        return [
            JournalEntry(
                **{name: write[name] for name in names} | {"intent": UUID(write["intent"])}
            )
            for write in complete
        ]

    def _read_events(self) -> Iterator[dict[str, Any]]:
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise ConfigError(
                f"The journal {self._path} can't be read: {error.strerror}.",
                hint="Make it readable, or set GPCLI_CONFIG_DIR.",
            ) from error
        yield from filter(None, map(_parse_event, text.split("\n")))

    def _append(self, event: Mapping[str, Any]) -> None:
        line = json.dumps(event, separators=(",", ":")).encode() + b"\n"
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            line = b"\n" + line if _has_torn_line(descriptor) else line
            if os.write(descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _compute_digest(self, resource: Mapping[str, Any]) -> str:
        content = json.dumps(resource, sort_keys=True, default=str).encode()
        return hmac.new(self._read_key(), content, hashlib.sha256).hexdigest()

    def _read_key(self) -> bytes:
        if not self._key_path.exists():
            self._create_key()
        return self._key_path.read_bytes()

    def _create_key(self) -> None:
        """Create the key file atomically; the key of a process that was faster is kept."""
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
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return event
