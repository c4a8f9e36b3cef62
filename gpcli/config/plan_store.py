"""The plans that dry runs have shown, for somebody to agree to: what each binds, as hashes."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from gpcli.config.kept_requests import KEPT_SECONDS
from gpcli.config.private_files import build_cure, edit_private_file, read_private_file
from gpcli.config.settings import PLAN_CHARACTERS, PLAN_LENGTH, PLAN_PREFIX
from gpcli.errors import ConfigError, NotFound

MAX_PLANS = 1000
"""How many plans are kept at most; the oldest make room."""

_AFTER_EXPIRY = 24 * 3600.0
"""Seconds for which it is known that a plan has expired; for one that was sent, as for its line."""

_KEY_BYTES = 32
_DIGEST_LENGTH = 32

Parts = Sequence[tuple[str, str]]
"""What a plan binds: labels and values."""


class KeptPlan(NamedTuple):
    """A plan: until when it can be agreed to (Unix seconds), and the intent of its request.

    `begun` tells that it was agreed to, and is or may be sent. `parts` have hashes for values.
    `key` is that of the hashes.
    """

    id: str
    until: float
    intent: UUID
    begun: bool
    parts: tuple[tuple[str, str], ...]
    key: bytes

    def hash(self, value: str) -> str:
        """Return what is kept of a part's value."""
        return _hash(self.key, value)


@dataclass
class _Content:
    """The file's content: a key that only this computer has, and plans by the hashes of their ids.

    Each plan is a JSON object. The ids themselves are not there, and the hashes of parts are made
    with them: who has the file alone can't find out what a plan was about.
    """

    key: bytes
    plans: dict[str, dict[str, Any]]

    def name(self, plan_id: str) -> str:
        return _hash(self.key, f"id {plan_id}")

    def derive_key(self, plan_id: str) -> bytes:
        return hmac.digest(self.key, f"parts {plan_id}".encode(), "sha256")


class PlanStore:
    """The plans that were shown on this computer; `now` is the present in Unix seconds.

    A broken file counts as empty.
    """

    def __init__(self, directory: Path, now: float) -> None:
        self._path = directory / "plans.json"
        self._now = now

    def add(self, parts: Parts, intent: UUID, until: float) -> str:
        """Keep a plan, and return its id.

        Raises: ConfigError if it can't be stored, TimedOut if another process has the file.
        """
        try:
            with edit_private_file(self._path) as file:
                content = _parse(file.content)
                plan_id = _build_id(content.key, [*parts, ("", f"{intent} {until}")])
                key = content.derive_key(plan_id)
                content.plans[content.name(plan_id)] = {
                    "until": until,
                    "intent": str(intent),
                    "begun": False,
                    "parts": [(label, _hash(key, value)) for label, value in parts],
                }
                file.content = self._format(content)
                return plan_id
        except OSError as error:
            raise ConfigError(
                f"{self._path} can't be written: {error.strerror}.", hint=build_cure(error)
            ) from error

    def find(self, plan_id: str) -> KeptPlan:
        """Return the plan with this id; raise NotFound, ConfigError."""
        try:
            content = _parse(read_private_file(self._path))
        except FileNotFoundError:
            content = _parse(None)
        except OSError as error:
            raise ConfigError(f"{self._path} can't be read: {error.strerror}.") from error
        plan = content.plans.get(content.name(plan_id))
        if plan is None or not self._is_kept(plan):
            raise NotFound(
                f"There is no plan '{plan_id}' on this computer. Nothing was sent.",
                hint="--dry-run shows one, and gives it an id.",
            )
        parts = tuple((label, kept) for label, kept in plan["parts"])
        key = content.derive_key(plan_id)
        return KeptPlan(plan_id, plan["until"], UUID(plan["intent"]), plan["begun"], parts, key)

    def note_begun(self, plan_id: str, *, begun: bool) -> None:
        """Note whether a plan is or may be sent; raise ConfigError, OSError, TimedOut."""
        with edit_private_file(self._path) as file:
            content = _parse(file.content)
            if plan := content.plans.get(content.name(plan_id)):
                plan["begun"] = begun
                file.content = self._format(content)

    def _format(self, content: _Content) -> bytes:
        kept = [(name, plan) for name, plan in content.plans.items() if self._is_kept(plan)]
        plans = dict(kept[-MAX_PLANS:])
        return json.dumps({"key": content.key.hex(), "plans": plans}).encode()

    def _is_kept(self, plan: Mapping[str, Any]) -> bool:
        after = KEPT_SECONDS if plan["begun"] else _AFTER_EXPIRY
        return self._now < float(plan["until"]) + after


def _parse(text: bytes | None) -> _Content:
    try:
        content = json.loads(text or b"")
        key = bytes.fromhex(content["key"])
        if len(key) == _KEY_BYTES:
            return _Content(key, dict(filter(_is_plan, content["plans"].items())))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        pass
    return _Content(secrets.token_bytes(_KEY_BYTES), {})


def _is_plan(item: tuple[str, Any]) -> bool:
    """Return whether what the file has under a name is a whole plan."""
    try:
        plan = item[1]
        UUID(plan["intent"])
        is_whole = isinstance(plan["until"], int | float) and isinstance(plan["begun"], bool)
        return is_whole and all(isinstance(text, str) for _, text in plan["parts"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return False


def _build_id(key: bytes, parts: Parts) -> str:
    number = int.from_bytes(hmac.digest(key, json.dumps([*parts]).encode(), "sha256"))
    letters = []
    for _ in range(PLAN_LENGTH):
        number, index = divmod(number, len(PLAN_CHARACTERS))
        letters.append(PLAN_CHARACTERS[index])
    return PLAN_PREFIX + "".join(letters)


def _hash(key: bytes, value: str) -> str:
    content = value.encode(errors="surrogatepass")
    return hmac.new(key, content, hashlib.sha256).hexdigest()[:_DIGEST_LENGTH]
