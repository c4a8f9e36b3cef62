"""Characters that a person can't see, of which Unicode calls some printable.

Nothing is imported: help and completion, which have to be fast, use it.
"""

_BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
"""Joiners, fillers and variation selectors without a glyph (Unicode, Default_Ignorable)."""


def is_hidden(character: str) -> bool:
    """Return whether a character shows nothing, or controls how others are shown."""
    is_variation = "\U000e0100" <= character <= "\U000e01ef"
    return not character.isprintable() or character in _BLANKS or is_variation
