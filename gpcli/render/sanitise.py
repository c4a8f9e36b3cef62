"""Sanitising of other people's text, so that it is harmless on a terminal and nothing is lost.

What could move the cursor, change colours, reverse the reading direction or hide is written as a
visible escape (`\\x1b`, `\\u202e`, `\\U000e0041`): C0 and C1 controls, DEL, bidirectional
controls, zero-width and other invisible characters, line and paragraph separators, lone
surrogates, tag characters. Letters of all scripts, combining accents and emoji stay as they are;
a zero-width joiner stays only between two emoji, where it makes one of them.
"""

import re

_HIDDEN = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff"
    "\U0001f000-\U0001faff"
)
_JOINER = f"(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"
"""A zero-width joiner between two emoji."""

_SUSPECT = re.compile(f"[{_HIDDEN}]")
"""What may need an escape: also every joiner."""

_IN_TEXT = re.compile(f"{_JOINER}|(?P<hidden>[{_HIDDEN}])")
"""A joiner that stays, or else a character (group `hidden`) that needs an escape."""

_LINE_BREAK = re.compile("\r\n|\n")


def safe_line(text: str) -> str:
    """Return `text` as one line: line breaks and tabs as a space, other controls as escapes."""
    if is_harmless(text):
        return text
    return escape_hidden(_LINE_BREAK.sub(" ", text).replace("\t", " "))


def safe_text(text: str) -> str:
    """Return `text` with its line breaks; tabs are expanded to 8, other controls are escapes."""
    if is_harmless(text):
        return text
    return "\n".join(escape_hidden(line) for line in _LINE_BREAK.split(text.expandtabs(8)))


def escape_hidden(text: str) -> str:
    """Return `text` with every harmful or invisible character as an escape, line breaks too."""
    if is_harmless(text):
        return text
    return _IN_TEXT.sub(_escape, text)


def escape_character(character: str) -> str:
    r"""Return `\x1b`, `\u202e` or `\U000e0041`, as Python, bash and zsh write characters.

    `\x` stands only for ASCII: in a shell it is a byte, not a character.
    """
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def json_escape_hidden(document: str) -> str:
    r"""Return JSON text with its harmful characters as `\uXXXX`: the same value, safe to display.

    `document` is one line of what `json` writes.
    """
    if is_harmless(document):
        return document
    return _IN_TEXT.sub(_json_escape, document)


def is_harmless(text: str) -> bool:
    """Return whether nothing in `text` needs an escape."""
    if text.isprintable() and (text.isascii() or _is_latin(text)):
        return True
    return _SUSPECT.search(text) is None


def _is_latin(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def _escape(match: re.Match[str]) -> str:
    character = match["hidden"]
    return escape_character(character) if character else match[0]


def _json_escape(match: re.Match[str]) -> str:
    character = match["hidden"]
    if not character:
        return match[0]
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
