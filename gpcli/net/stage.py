"""How far a request came before it failed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from enum import StrEnum

from gpcli import errors
from gpcli.net.lean import httpx
from gpcli.net.trouble import BadAnswer


class Stage(StrEnum):
    """The steps of a request in order: the one named is the one that failed."""

    PROXY = "proxy"
    NAME = "name"
    CONNECTION = "connection"
    CERTIFICATE = "certificate"
    ANSWER = "answer"


def stage_of(error: errors.GpcliError) -> Stage:
    """Where a request ended for which the door raised `error`."""
    if isinstance(error, BadAnswer):
        return Stage.ANSWER
    causes = list(_causes(error))
    if any(isinstance(cause, httpx.ProxyError) for cause in causes):
        return Stage.PROXY
    if isinstance(error, errors.TlsTrouble | errors.ConfigTrouble):
        return Stage.CERTIFICATE
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return Stage.NAME
    return Stage.CONNECTION


def _causes(trouble: BaseException) -> Iterator[BaseException]:
    yield trouble
    for cause in (trouble.__cause__, *trouble.args):
        if isinstance(cause, BaseException):
            yield from _causes(cause)
