"""What is said beside the answer, on standard error: in words, or as JSON lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from gpcli.errors import GpcliError
from gpcli.render.columns import columns_of, folded, padded
from gpcli.render.sanitise import safe_line, safe_text
from gpcli.render.terminal import LineWriter
from gpcli.render.view import Json, JsonScalar


@dataclass(frozen=True)
class Plan:
    """One errand before it is sent.

    `action` is what will happen ("Book a time"); `rows` are label and value, in reading order;
    `environment` is the profile's (`production`, `staging`, `sandbox`), said unless production;
    `warnings` are what the person should weigh.
    """

    action: str
    rows: tuple[tuple[str, str], ...]
    environment: str
    warnings: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The action, marked with the environment unless it is the real one."""
        if self.environment == "production":
            return self.action
        return f"{self.action} [{self.environment}]"


_RED = "31"
_YELLOW = "33"
_BOLD = "1"
_INDENT = "  "


class StderrText:
    """Says things to a person.

    `paint`: whether standard error gets colour. `width`: the columns to wrap lines at, between
    words; `None` = lines stay whole.
    """

    def __init__(self, stderr: LineWriter, *, paint: bool, width: int | None = None) -> None:
        self._stderr = stderr
        self._paint = paint
        self._width = width

    def notice(self, text: str, extra: dict[str, JsonScalar]) -> None:
        """Say what is good to know; `extra` is for scripts."""
        self._write(self._folded(safe_text(text), len(_INDENT)))

    def warning(self, text: str, extra: dict[str, JsonScalar]) -> None:
        """Say what may be wrong."""
        self._write(self._marked("warning:", _YELLOW, safe_text(text)))

    def error(self, error: GpcliError) -> None:
        """Say what failed, then, indented, what to do and what the portal's people may ask for."""
        lines = safe_text(error.hint).splitlines() if error.hint else []
        if error.retry_after is not None:
            lines.append(f"The portal asks to wait {error.retry_after:g} s.")
        if error.request_id:
            lines.append(f"Request id: {safe_line(error.request_id)}")
        below = "\n".join(f"{_INDENT}{line}" for line in lines)
        hints = self._folded(below, 2 * len(_INDENT)) if below else []
        self._write([*self._marked("gpcli:", _RED, safe_line(error.message)), *hints])

    def plan(self, plan: Plan) -> None:
        """Show a plan: its title, labels and values in two columns, then its warnings."""
        width = max((columns_of(safe_line(label)) for label, _ in plan.rows), default=0)
        title = self._folded(safe_line(plan.title), len(_INDENT))
        rows = (self._row(safe_line(label), safe_text(value), width) for label, value in plan.rows)
        warnings = (self._marked("!", _YELLOW, safe_line(text)) for text in plan.warnings)
        painted = [self._painted(line, _BOLD) for line in title]
        self._write([*painted, *chain.from_iterable((*rows, *warnings))])

    def _row(self, label: str, value: str, width: int) -> list[str]:
        beside = 2 * len(_INDENT) + width
        first, *more = value.split("\n")
        head = f"{_INDENT}{padded(label, width)}{_INDENT}{first}".rstrip()
        lines = [head, *(f"{'':{beside}}{line}" for line in more)]
        return self._folded("\n".join(lines), beside)

    def _marked(self, mark: str, color: str, text: str) -> list[str]:
        first, *more = self._folded(f"{mark} {text}", len(mark) + 1)
        return [f"{self._painted(mark, color)}{first.removeprefix(mark)}", *more]

    def _folded(self, text: str, hanging: int) -> list[str]:
        """The lines of `text`; what goes on below its own beginning stands in by `hanging`."""
        lines = text.split("\n")
        if self._width is None:
            return lines
        return [part for line in lines for part in folded(line, self._width, hanging)]

    def _write(self, lines: Iterable[str]) -> None:
        self._stderr.write("".join(f"{line}\n" for line in lines))

    def _painted(self, words: str, color: str) -> str:
        return f"\x1b[{color}m{words}\x1b[0m" if self._paint else words


class StderrJson:
    """Says things to a script: one JSON object a line, named by what it is."""

    def __init__(self, stderr: LineWriter) -> None:
        from gpcli.render.json_output import JsonText  # noqa: PLC0415  (plain output needs no json)

        self._stderr = stderr
        self._json = JsonText(stderr)

    def notice(self, text: str, extra: dict[str, JsonScalar]) -> None:
        """Write `{"notice": {"message": …}}` with the `extra` members."""
        self._write({"notice": {"message": text, **extra}})

    def warning(self, text: str, extra: dict[str, JsonScalar]) -> None:
        """Write `{"warning": {"message": …}}` with the `extra` members."""
        self._write({"warning": {"message": text, **extra}})

    def progress(self, text: str) -> None:
        """Write `{"progress": {"message": …}}`."""
        self._write({"progress": {"message": text}})

    def error(self, error: GpcliError) -> None:
        """Write `{"error": {…}}`: the code and exit number, the words, what the portal added."""
        self._write(
            {
                "error": {
                    "code": error.code,
                    "exit": int(error.exit),
                    "message": error.message,
                    "hint": error.hint or None,
                    "request_id": error.request_id,
                    "retry_after": error.retry_after,
                }
            }
        )

    def plan(self, plan: Plan) -> None:
        """Write `{"plan": {…}}` with the rows as objects of label and value."""
        self._write(
            {
                "plan": {
                    "action": plan.action,
                    "environment": plan.environment,
                    "rows": [{"label": label, "value": value} for label, value in plan.rows],
                    "warnings": list(plan.warnings),
                }
            }
        )

    def _write(self, value: dict[str, Json]) -> None:
        self._stderr.write_line(self._json.of(value))
