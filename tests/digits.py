"""Write numbers in ways that Python reads and nobody else does."""

from collections.abc import Callable


def _in_script(zero: str) -> Callable[[str], str]:
    digits = {ord("0") + number: chr(ord(zero) + number) for number in range(10)}
    return lambda text: text.translate(digits)


ODD_WAYS: dict[str, Callable[[str], str]] = {
    "arabic": _in_script("\N{ARABIC-INDIC DIGIT ZERO}"),
    "fullwidth": _in_script("\N{FULLWIDTH DIGIT ZERO}"),
    "mathematical": _in_script("\N{MATHEMATICAL DOUBLE-STRUCK DIGIT ZERO}"),
    "superscript": lambda text: text.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")),
    "underscore": lambda text: f"{text[0]}_{text[1:] or text}",
    "plus": lambda text: f"+{text}",
    "space before": lambda text: f" {text}",
    "space behind": lambda text: f"{text}\u00a0",
    "endless": lambda text: text + "9" * 5_000,
}
"""Name of a way -> what writes a text of ASCII digits in it."""
