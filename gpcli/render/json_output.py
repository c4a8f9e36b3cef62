"""JSON onto a stream: UTF-8 or escaped, never a raw control character."""

from collections.abc import Iterable
from json import JSONEncoder

from gpcli.render.sanitise import json_escape_hidden
from gpcli.render.terminal import LineWriter
from gpcli.render.view import Json, T, View, require_known


class JsonText:
    """Turns JSON values into text that the stream can take. Values are kept as they are."""

    def __init__(self, stream: LineWriter, *, indent: int | None = None) -> None:
        self._encode = JSONEncoder(
            ensure_ascii=not stream.utf8,
            allow_nan=False,
            indent=indent,
            separators=(",", ": ") if indent else None,
        ).encode
        self._indented = indent is not None

    def of(self, value: Json) -> str:
        """Give `value` as JSON text."""
        document = self._encode(value)
        if not self._indented:
            return json_escape_hidden(document)
        return "\n".join(json_escape_hidden(line) for line in document.split("\n"))


class NdjsonFormat:
    """Writes one object a line, each as it comes; `fields` chooses and orders the keys."""

    def __init__(self, stdout: LineWriter, fields: tuple[str, ...] | None) -> None:
        self._stdout = stdout
        self._fields = fields
        self._json = JsonText(stdout)

    def rows(self, view: View[T], rows: Iterable[T]) -> int:
        """Write each row as it comes. Returns how many."""
        require_chosen(view, self._fields)
        return self._stdout.write_lines(self._written(view, row) for row in rows)

    def item(self, view: View[T], item: T, text: str | None) -> None:
        """Write the item's object; its record holds the text."""
        self._stdout.write_line(self._written(view, item))

    def _written(self, view: View[T], item: T) -> str:
        require_chosen(view, self._fields)
        return self._json.of(chosen_keys(view.record(item), self._fields))


class JsonFormat(NdjsonFormat):
    """Writes one JSON value: an array, complete or absent, or an object."""

    def __init__(
        self, stdout: LineWriter, fields: tuple[str, ...] | None, *, indent: int | None = None
    ) -> None:
        super().__init__(stdout, fields)
        self._json = JsonText(stdout, indent=indent)
        self._margin = " " * (indent or 0)

    def rows(self, view: View[T], rows: Iterable[T]) -> int:
        """Write all rows as one array when the last has come, each starting a line."""
        require_chosen(view, self._fields)
        written = [self._margin + self._element(view, row) for row in rows]
        self._stdout.write_line("[\n" + ",\n".join(written) + "\n]" if written else "[]")
        return len(written)

    def _element(self, view: View[T], row: T) -> str:
        return self._written(view, row).replace("\n", f"\n{self._margin}")


def require_chosen(view: View[T], fields: tuple[str, ...] | None) -> None:
    """Raise Usage before anything is read if the view says its keys and `fields` has others."""
    if fields is not None and view.keys:
        view.require(fields, json=True)


def chosen_keys(record: dict[str, Json], fields: tuple[str, ...] | None) -> dict[str, Json]:
    """Keep only the keys in `fields`, in its order. Raises Usage for one that is unknown."""
    if fields is None:
        return record
    require_known(fields, tuple(record))
    return {name: record[name] for name in fields}
