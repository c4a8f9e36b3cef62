"""What a person writes: which subjects and texts a message can have."""

from __future__ import annotations

import re

from gpcli.errors import InvalidUsage

MAX_SUBJECT = 200
"""The most characters of a subject."""

MAX_BYTES = 512 * 1024
"""The most bytes of a message, whatever a surgery accepts."""

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Characters that no FHIR string may have. Source: R4, Data Types, string."""


def parse_subject(subject: str) -> str:
    """Return `subject` without the space around it; raise InvalidUsage if it is not one line."""
    line = subject.strip()
    if not line:
        raise InvalidUsage("--subject needs a value that is not empty.")
    if not line.isprintable():
        raise InvalidUsage("--subject must be one line of text.")
    if len(line) > MAX_SUBJECT:
        raise InvalidUsage(f"--subject is too long: {MAX_SUBJECT} characters at most.")
    return line


def parse_message_text(text: str, origin: str) -> str:
    """Return the text of a message, with `\\n` as line ends and no space around it.

    Raises: InvalidUsage, naming `origin`, if it is empty or too long, or has a forbidden character.
    """
    message = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not message:
        raise InvalidUsage(f"{origin} is empty.", hint="Write what it is about.")
    if len(message.encode(errors="replace")) > MAX_BYTES:
        raise too_long_error(origin)
    forbidden = _FORBIDDEN.search(message)
    if forbidden or not is_unicode(message):
        line = message[: forbidden.start()].count("\n") + 1 if forbidden else 1
        raise InvalidUsage(f"{origin} has a character that no message can hold, in line {line}.")
    return message


def too_long_error(origin: str) -> InvalidUsage:
    """Return the error for a message that is too long."""
    return InvalidUsage(f"{origin} is too long: {MAX_BYTES} bytes at most.")


def is_unicode(text: str) -> bool:
    """Return whether `text` can be encoded, as text with half of a surrogate pair can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
