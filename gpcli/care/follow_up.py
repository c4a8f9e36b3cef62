"""What one may want to do with a thread that one has just read."""

from __future__ import annotations

from gpcli.care.inbox import select_attachments
from gpcli.model.thread import Conversation

REPLY, MARK_READ, SAVE, QUIT = "r", "m", "s", "q"
"""The letters of what can be done next."""


def list_follow_ups(conversation: Conversation) -> dict[str, str]:
    """Return what can be done with a thread: letters, and their words; none but to quit is none.

    A reply is left out of a closed thread, marking where all is known to be read, and saving where
    nothing is attached.
    """
    is_open = not conversation.thread.is_closed
    has_unread = any(message.unread is not False for message in conversation.messages)
    has_files = bool(select_attachments(conversation, ()))
    offered = ((REPLY, "reply", is_open), (MARK_READ, "mark read", has_unread))
    possible = {key: word for key, word, fits in (*offered, (SAVE, "save", has_files)) if fits}
    return possible | {QUIT: "quit"} if possible else {}
