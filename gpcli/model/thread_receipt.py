"""What writing to the surgery answers with: the thread or the message, and how sending it went."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from gpcli.model.receipt import Sending
from gpcli.model.thread import Message, Thread

SENT = "completed"
"""The status (R4 EventStatus) of a message that the portal has."""


@dataclass(frozen=True, kw_only=True)
class ThreadReceipt(Sending, Thread):
    """A thread after (or, in a dry run, before) it was started.

    `changed` is false when it was so already, and in a dry run. `request_id` is what
    `--request-id` gave, else the identifier that the portal knows this request by.
    """

    @classmethod
    def of(cls, thread: Thread, sending: Sending) -> ThreadReceipt:
        """The receipt for `thread`."""
        return cls(**_values(thread), **_values(sending))


@dataclass(frozen=True, kw_only=True)
class MessageReceipt(Sending, Message):
    """A reply, or a message that was marked as read; the rest as in a ThreadReceipt.

    `status` is R4's EventStatus: `completed` once the portal has it, `preparation` in a dry run.
    """

    status: str

    @classmethod
    def of(cls, message: Message, sending: Sending) -> MessageReceipt:
        """The receipt for `message`."""
        status = SENT if message.id else "preparation"
        return cls(**_values(message), **_values(sending), status=status)


def _values(record: Thread | Message | Sending) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}
