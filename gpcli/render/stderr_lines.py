"""The JSON objects that a command writes on standard error, one a line."""

from __future__ import annotations

from typing import TypedDict

from gpcli.model.account import Environment


class NoticeDetails(TypedDict, total=False):
    """The members of a notice besides its message, for scripts."""

    url: str
    verification_uri: str
    user_code: str
    verification_uri_complete: str | None
    unsettled: int
    request_id: str
    plan_id: str | None


class Notice(NoticeDetails):
    """What a person should know."""

    message: str


class Warned(TypedDict):
    """What may have to be put right."""

    message: str


class InProgress(TypedDict):
    """What takes long."""

    message: str


class PlanRow(TypedDict):
    """A line of a plan."""

    label: str
    value: str


class Planned(TypedDict):
    """What is about to be sent."""

    action: str
    environment: Environment
    rows: list[PlanRow]
    warnings: list[str]


class Failed(TypedDict):
    """Why a command failed."""

    code: str
    exit: int
    message: str
    hint: str | None
    request_id: str | None
    trace_id: str | None
    retry_after: float | None
    http_status: int | None


class NoticeLine(TypedDict):
    """The line of a notice."""

    notice: Notice


class WarningLine(TypedDict):
    """The line of a warning."""

    warning: Warned


class ProgressLine(TypedDict):
    """The line that tells what takes long."""

    progress: InProgress


class PlanLine(TypedDict):
    """The line of a plan."""

    plan: Planned


class ErrorLine(TypedDict):
    """The last line of a command that failed."""

    error: Failed


StderrLine = NoticeLine | WarningLine | ProgressLine | PlanLine | ErrorLine
"""One line on standard error."""
