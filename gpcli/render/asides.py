"""What is said beside the answer, on standard error: in words, or as JSON lines."""

from gpcli.errors import GpcliError
from gpcli.render.plan import Plan
from gpcli.render.record import Json, JsonScalar
from gpcli.render.sanitise import safe_line, safe_text
from gpcli.render.stream import Stream

_RED = "31"
_YELLOW = "33"
_BOLD = "1"


class WordAsides:
    """Says things to a person. `paint`: whether standard error gets colour."""

    def __init__(self, stderr: Stream, *, paint: bool) -> None:
        self._stderr = stderr
        self._paint = paint

    def notice(self, text: str, extra: dict[str, JsonScalar]) -> None:
        """Say what is good to know; `extra` is for scripts."""
        self._stderr.write_line(safe_text(text))

    def warning(self, text: str, extra: dict[str, JsonScalar]) -> None:
        """Say what may be wrong."""
        self._stderr.write_line(f"{self._painted('warning:', _YELLOW)} {safe_text(text)}")

    def error(self, error: GpcliError) -> None:
        """Say what failed, then, indented, what to do and what the portal's people may ask for."""
        lines = safe_text(error.hint).splitlines() if error.hint else []
        if error.retry_after is not None:
            lines.append(f"The portal asks to wait {error.retry_after:g} s.")
        if error.request_id:
            lines.append(f"Request id: {safe_line(error.request_id)}")
        first = f"{self._painted('gpcli:', _RED)} {safe_line(error.message)}"
        self._stderr.write("".join(f"{line}\n" for line in [first, *(f"  {x}" for x in lines)]))

    def plan(self, plan: Plan) -> None:
        """Show a plan: its title, labels and values in two columns, then its warnings."""
        width = max((len(safe_line(label)) for label, _ in plan.rows), default=0)
        lines = [self._painted(safe_line(plan.title), _BOLD)]
        for label, value in plan.rows:
            lines.extend(_two_columns(safe_line(label), safe_text(value), width))
        lines.extend(f"{self._painted('!', _YELLOW)} {safe_line(text)}" for text in plan.warnings)
        self._stderr.write("".join(f"{line}\n" for line in lines))

    def _painted(self, words: str, color: str) -> str:
        return f"\x1b[{color}m{words}\x1b[0m" if self._paint else words


def _two_columns(label: str, value: str, width: int) -> list[str]:
    first, *more = value.split("\n")
    return [f"  {label:{width}}  {first}".rstrip(), *(f"{'':{width + 4}}{line}" for line in more)]


class JsonAsides:
    """Says things to a script: one JSON object a line, named by what it is."""

    def __init__(self, stderr: Stream) -> None:
        from gpcli.render.jsontext import JsonText  # noqa: PLC0415  (plain output needs no json)

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
