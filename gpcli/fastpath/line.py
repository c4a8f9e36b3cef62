"""Reading a command line without typer: which command, which of everybody's options."""

from gpcli.fastpath import table

Entry = tuple[str, tuple[str, ...] | None, str]
"""An option: its flag, the values it takes (`None`: none, empty: any), its help."""

HELP = ("--help", "-h")
VERSION = "--version"


class Line:
    """What stands on the line.

    `path` is the group or command reached, `words` what follows it, `options` the options of
    every command with their values (`""` for flags). `waiting` is the entry of an option whose
    value has not come yet. `lost`: a word that is no command. `strange`: an option that the
    command doesn't have. `ended`: `--` was seen, what follows is not ours to read.
    """

    __slots__ = (
        "ended",
        "help",
        "lost",
        "options",
        "path",
        "strange",
        "version",
        "waiting",
        "words",
    )

    def __init__(self) -> None:
        self.path = ""
        self.words: list[str] = []
        self.options: dict[str, str] = {}
        self.waiting: Entry | None = None
        self.help = self.version = self.lost = self.strange = self.ended = False


def read_line(argv: list[str]) -> Line:
    """Read `argv` (without the program's name); never fails."""
    line = Line()
    for word in argv:
        if line.ended:
            line.words.append(word)
        elif line.waiting:
            _value(line, word)
        elif word == "--":
            line.ended = True
        elif word.startswith("-") and len(word) > 1:
            _option(line, word)
        else:
            _word(line, word)
    return line


def option(path: str, flag: str) -> Entry | None:
    """The option called `flag` that may stand at `path`, if there is one."""
    return next((entry for entry in options_of(path) if entry[0] == flag), None)


def options_of(path: str) -> tuple[Entry, ...]:
    """All options that may stand at `path`; a command's own come first."""
    own: tuple[Entry, ...] = table.OPTIONS.get(path, ())
    if path in table.GROUPS or path in table.WRITES:
        return (*own, *table.GLOBAL, *table.WRITE)
    return (*own, *table.GLOBAL)


def _option(line: Line, word: str) -> None:
    flag, equals, value = word.partition("=")
    if flag in HELP:
        line.help = True
        return
    if flag == VERSION and not line.path:
        line.version = True
        return
    entry = option(line.path, flag)
    if entry is None:
        line.strange = True
        return
    line.waiting = entry
    if equals or entry[1] is None:
        _value(line, value)


def _value(line: Line, value: str) -> None:
    if line.waiting in table.GLOBAL:
        line.options[line.waiting[0]] = value
    line.waiting = None


def _word(line: Line, word: str) -> None:
    if line.path not in table.GROUPS:
        line.words.append(word)
        return
    path = f"{line.path} {word}".lstrip()
    if path in table.GROUPS or path in table.PAGES:
        line.path = path
        return
    line.lost = True
