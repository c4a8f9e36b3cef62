"""JSON and NDJSON on a stream: UTF-8 or escaped, never a raw control character."""

from collections.abc import Iterable
from json import JSONEncoder

from gpcli.render.sanitise import json_escape_hidden
from gpcli.render.terminal import LineWriter
from gpcli.render.view import Json, T, View, require_known_fields


class JsonTextEncoder:
    """Encodes JSON values as text that the encoding of `stream` has."""

    def __init__(self, stream: LineWriter, *, indent: int | None = None) -> None:
        self._encode = JSONEncoder(
            ensure_ascii=not stream.utf8,
            allow_nan=False,
            indent=indent,
            separators=(",", ": ") if indent else None,
        ).encode
        self._indented = indent is not None

    def encode(self, value: Json) -> str:
        """Return `value` as JSON text."""
        document = self._encode(value)
        if not self._indented:
            return json_escape_hidden(document)
        return "\n".join(json_escape_hidden(line) for line in document.split("\n"))


class NdjsonFormat:
    """Writes one object a line, each as it comes.

    `fields` are the keys to write, in their order; `None` = all.
    """

    def __init__(self, stdout: LineWriter, fields: tuple[str, ...] | None) -> None:
        self._stdout = stdout
        self._fields = fields
        self._json = JsonTextEncoder(stdout)

    def write_rows(self, view: View[T], rows: Iterable[T]) -> int:
        """Write each row as it comes, and return how many there were."""
        check_fields(view, self._fields)
        return self._stdout.write_lines(self._encode_item(view, row) for row in rows)

    def write_item(self, view: View[T], item: T, text: str | None) -> None:
        """Write the item's object, which has the `text` already."""
        self._stdout.write_line(self._encode_item(view, item))

    def _encode_item(self, view: View[T], item: T) -> str:
        check_fields(view, self._fields)
        return self._json.encode(select_keys(view.record(item), self._fields))


class JsonFormat(NdjsonFormat):
    """Writes one JSON value: an array or an object.

    An array is written when its last row has come, so that it is complete or absent.
    """

    def __init__(
        self, stdout: LineWriter, fields: tuple[str, ...] | None, *, indent: int | None = None
    ) -> None:
        super().__init__(stdout, fields)
        self._json = JsonTextEncoder(stdout, indent=indent)
        self._margin = " " * (indent or 0)

    def write_rows(self, view: View[T], rows: Iterable[T]) -> int:
        """Write all rows as one array, each on a line of its own, and return how many."""
        check_fields(view, self._fields)
        elements = [self._margin + self._encode_element(view, row) for row in rows]
        self._stdout.write_line("[\n" + ",\n".join(elements) + "\n]" if elements else "[]")
        return len(elements)

    def _encode_element(self, view: View[T], row: T) -> str:
        return self._encode_item(view, row).replace("\n", f"\n{self._margin}")


def check_fields(view: View[T], fields: tuple[str, ...] | None) -> None:
    """Raise InvalidUsage if `fields` has a key that is not in the view's list of keys, if any."""
    if fields is not None and view.keys:
        view.require_fields(fields, json=True)


def select_keys(record: dict[str, Json], fields: tuple[str, ...] | None) -> dict[str, Json]:
    """Return `record` with only the keys in `fields`, in their order; `None` = all.

    Raises: InvalidUsage for an unknown key.
    """
    if fields is None:
        return record
    require_known_fields(fields, tuple(record))
    return {name: record[name] for name in fields}
