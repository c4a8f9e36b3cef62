"""What `python -m gpcli.cli.build_answers` writes to `answer_table.py`, which is not checked in."""

_Option = tuple[str, tuple[str, ...] | None, str]
_GroupPage = tuple[str, tuple[tuple[str, tuple[tuple[str, str], ...]], ...], str]
_FirstScreen = tuple[
    str,
    tuple[str, tuple[tuple[str, str], ...]],
    tuple[tuple[str, tuple[str, ...]], ...],
    tuple[str, ...],
]

ABOUT: str
GROUPS: dict[str, _GroupPage]
FIRST_SCREEN: _FirstScreen
PAGES: dict[str, str]
TOPICS: dict[str, str]
SCRIPTS: dict[str, str]
SUMMARIES: tuple[tuple[str, str], ...]
STARTS: tuple[str, ...]
FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
SCHEMAS: tuple[str, ...]
WRITES: tuple[str, ...]
REFUSED: dict[str, tuple[str, ...]]
OPTIONS: dict[str, tuple[_Option, ...]]
ARGUMENTS: dict[str, tuple[tuple[str, ...], ...]]
REPEATED: tuple[str, ...]
GLOBAL: tuple[_Option, ...]
WRITE: tuple[_Option, ...]
SHORT: dict[str, str]
