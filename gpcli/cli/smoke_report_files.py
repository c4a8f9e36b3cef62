"""The files in which `gpcli smoke` leaves its report, beside its answer."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import ExitStack
from io import FileIO
from pathlib import Path
from types import TracebackType

from gpcli.app_context import AppContext
from gpcli.cli.run import as_gpcli_error
from gpcli.errors import Failure, InvalidUsage
from gpcli.model.smoke import SmokeReport
from gpcli.render.junit import format_junit, format_junit_error
from gpcli.render.views.smoke_views import (
    format_markdown,
    format_markdown_error,
    format_report_json,
)

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable that names the file of a GitHub job's summary, in Markdown."""

JUNIT, MARKDOWN, REPORT = "--junit", "--markdown", "--report"
"""The options that name a file."""


class ReportFiles:
    """The files of a run's report, opened before it begins: then it is known that they can be.

    `paths` are by their option, `None` = not given. What the body leaves with an error has no
    report: then the files tell the error instead of what they had, and JSON is empty. Nothing is
    kept from whom the umask lets read: a report names nobody.
    """

    failure: Failure | None = None
    """What hindered a report that was made from being written; `None` = nothing."""

    def __init__(self, context: AppContext, paths: Mapping[str, Path | None]) -> None:
        self._output, self._umask = context.output, context.former_umask
        self._paths = {option: path for option, path in paths.items() if path is not None}
        summary = context.env.get(STEP_SUMMARY)
        if summary and os.path.realpath(summary) not in map(os.path.realpath, self._paths.values()):
            self._paths[STEP_SUMMARY] = Path(summary)
        self._streams: dict[str, FileIO] = {}
        self._stack = ExitStack()
        self._is_written = False

    def __enter__(self) -> ReportFiles:
        """Open the files; raise InvalidUsage for one that can't be, or is two reports'."""
        self._require_files_of_their_own()
        with self._stack as opened:
            for option, path in self._paths.items():
                self._open(option, path)
            self._stack = opened.pop_all()
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        with self._stack:
            if error is not None and not self._is_written:
                is_known = isinstance(error, Exception)
                known = as_gpcli_error(error) if is_known else Failure("The run was interrupted.")
                markdown = format_markdown_error(known).encode()
                self._write_all(
                    {JUNIT: format_junit_error(known), MARKDOWN: markdown, STEP_SUMMARY: markdown}
                )

    def empty(self) -> None:
        """Take away what the files had: a run that is killed leaves no older one's report."""
        for option in self._streams:
            self._empty(option)

    def write(self, report: SmokeReport) -> None:
        """Write the report; the job's summary is added to. What can't be is the `failure`."""
        self._is_written = True
        markdown = format_markdown(report).encode()
        documents = {JUNIT: format_junit(report), MARKDOWN: markdown, STEP_SUMMARY: markdown}
        self._write_all({**documents, REPORT: format_report_json(report)})

    def _require_files_of_their_own(self) -> None:
        seen: dict[str, str] = {}
        for option, path in self._paths.items():
            if str(path) == "-":
                raise InvalidUsage(
                    f"{option} needs the name of a file, and '-' is none.",
                    hint="Nothing was checked. /dev/stdout is standard output.",
                )
            place = os.path.realpath(path)
            if place in seen and (path.is_file() or not path.exists()):
                raise InvalidUsage(
                    f"{seen[place]} and {option} name the same file, '{path}'.",
                    hint="Nothing was checked. Each report needs a file of its own.",
                )
            seen[place] = option

    def _open(self, option: str, path: Path) -> None:
        own = os.umask(self._umask) if self._umask >= 0 else None
        try:
            stream = path.open("ab", buffering=0)
        except OSError as error:
            if option == STEP_SUMMARY:
                self._warn_of_summary(error)
                return
            raise InvalidUsage(
                f"{option}: The report can't be written to '{path}': {error.strerror}.",
                hint="Nothing was checked. Name another file.",
            ) from error
        finally:
            if own is not None:
                os.umask(own)
        self._streams[option] = self._stack.enter_context(stream)

    def _warn_of_summary(self, error: OSError) -> None:
        self._output.warning(
            f"The job's summary can't be written to '{self._paths[STEP_SUMMARY]}', which "
            f"{STEP_SUMMARY} names: {error.strerror}."
        )

    def _write_all(self, documents: Mapping[str, bytes]) -> None:
        for option in self._streams:
            try:
                self._empty(option)
                self._write(option, documents.get(option, b""))
            except OSError as error:
                self._note_failure(option, error)

    def _note_failure(self, option: str, error: OSError) -> None:
        if option == STEP_SUMMARY:
            self._warn_of_summary(error)
            return
        self.failure = self.failure or Failure(
            f"{option}: The report can't be written to '{self._paths[option]}': {error.strerror}."
        )

    def _empty(self, option: str) -> None:
        stream = self._streams[option]
        if option != STEP_SUMMARY and stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            stream.truncate(0)

    def _write(self, option: str, document: bytes) -> None:
        rest = memoryview(document)
        while rest:
            rest = rest[self._streams[option].write(rest) :]
