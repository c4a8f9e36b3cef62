"""Parsing a line without typer, for ready answers and errors, as typer does it."""

from gpcli.cli import answer_table

Entry = tuple[str, tuple[str, ...] | None, str]
"""An option: its flag, the values it takes (`None`: none, empty: any), its help."""

HELP = ("--help", "-h")
VERSION = ("--version", "-V")


class ParsedLine:
    """What stands on the line.

    `path` is that of the group or command; `words` are its arguments; `options` are the global
    options with their values (`""` for flags). `waiting` is the option whose value has not come
    yet. `has_unknown_command` = a word names no command; `has_unknown_option` = the command doesn't
    have an option; `ended` = `--` was seen, after which there are only arguments. `places` tells
    where on the line each of `words` stands, `start` where the first would, behind the command.
    """

    __slots__ = (
        "ended",
        "has_unknown_command",
        "has_unknown_option",
        "help",
        "options",
        "path",
        "places",
        "start",
        "version",
        "waiting",
        "words",
    )

    def __init__(self) -> None:
        self.path = ""
        self.words: list[str] = []
        self.places: list[int] = []
        self.start = 0
        self.options: dict[str, str] = {}
        self.waiting: Entry | None = None
        self.help = self.version = self.ended = False
        self.has_unknown_command = self.has_unknown_option = False


def parse_line(argv: list[str]) -> ParsedLine:
    """Parse `argv` (without the program's name); it never fails."""
    line = ParsedLine()
    for place, word in enumerate(argv):
        if line.ended:
            _add_argument(line, word, place)
        elif line.waiting:
            _add_value(line, word)
        elif word == "--":
            line.ended = True
        elif word.startswith("-") and len(word) > 1:
            _add_option(line, word)
        else:
            _add_word(line, word, place)
    return line


def find_option(path: str, flag: str) -> Entry | None:
    """Return the option called `flag` that may stand at `path`; `None` = there is none."""
    entries = {entry[0]: entry for entry in reversed(list_options(path))}
    return entries.get(flag) or entries.get(answer_table.SHORT.get(flag, ""))


def list_options(path: str) -> tuple[Entry, ...]:
    """Return the options that may stand at `path`; a command's own come first."""
    own: tuple[Entry, ...] = answer_table.OPTIONS.get(path, ())
    if path in answer_table.GROUPS or path in answer_table.WRITES:
        return (*own, *answer_table.GLOBAL, *answer_table.WRITE)
    return (*own, *answer_table.GLOBAL)


def _add_option(line: ParsedLine, word: str) -> None:
    if not word.startswith("--"):
        _add_short_options(line, word)
        return
    flag, equals, value = word.partition("=")
    if _add_ending(line, flag):
        return
    entry = find_option(line.path, flag)
    if entry is None:
        line.has_unknown_option = True
        return
    line.waiting = entry
    if equals or entry[1] is None:
        _add_value(line, value)


def _add_short_options(line: ParsedLine, word: str) -> None:
    """Add what letters behind one dash mean; a value may follow its letter at once."""
    flags, entry, value = split_short_options(line.path, word)
    for flag in flags:
        if not _add_ending(line, flag):
            line.waiting = find_option(line.path, flag)
            _add_value(line, "")
    if entry is not None:
        line.waiting = entry
        if value:
            _add_value(line, value)
    elif value:
        line.has_unknown_option = True


def split_short_options(path: str, word: str) -> tuple[list[str], Entry | None, str]:
    """Split `-qn3` into flags (`-q`), the option that takes a value (that of `-n`), and the value.

    Without such an option, the text is what follows the flags and is no option: `x` of `-qx`.
    """
    flags: list[str] = []
    for at, letter in enumerate(word[1:], start=1):
        flag = f"-{letter}"
        entry = None if flag in _find_endings(path) else find_option(path, flag)
        if entry is None and flag not in _find_endings(path):
            return flags, None, word[at:]
        if entry and entry[1] is not None:
            return flags, entry, word[at + 1 :]
        flags.append(flag)
    return flags, None, ""


def _find_endings(path: str) -> tuple[str, ...]:
    """Return the options at `path` that end the line."""
    return HELP if path else (*HELP, *VERSION)


def _add_ending(line: ParsedLine, flag: str) -> bool:
    """Add an option that ends the line; return whether `flag` is one."""
    if flag not in _find_endings(line.path):
        return False
    line.help |= flag in HELP
    line.version |= flag in VERSION
    return True


def _add_value(line: ParsedLine, value: str) -> None:
    """Give the waiting option its value, which is kept only for global options.

    `--output json` counts as `--json` besides; of several the last one counts.
    """
    if line.waiting in answer_table.GLOBAL:
        flag = line.waiting[0]
        if flag == "--output":
            line.options.pop(f"--{line.options.get(flag)}", None)
        line.options[flag] = value
        if flag == "--output" and find_option("", f"--{value}"):
            line.options[f"--{value}"] = ""
    line.waiting = None


def _add_word(line: ParsedLine, word: str, place: int) -> None:
    if line.path not in answer_table.GROUPS:
        _add_argument(line, word, place)
        return
    path = f"{line.path} {word}".lstrip()
    if path in answer_table.GROUPS or path in answer_table.PAGES:
        line.path, line.start = path, place + 1
        return
    line.has_unknown_command = True


def _add_argument(line: ParsedLine, word: str, place: int) -> None:
    line.words.append(word)
    line.places.append(place)
