"""A portal that takes its time, and kills the client of a request at an exact moment of it."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from threading import Condition, Timer
from typing import Any, Literal

from flask import Blueprint, Response

from gpcli.sandbox.server import Sandbox

Moment = Literal["arrives", "done", "answered"]
MOMENTS: tuple[Moment, ...] = ("arrives", "done", "answered")

PAUSE = 0.03
"""Seconds that each request takes before and after it is done, so that the moments spread."""


@dataclass(frozen=True)
class Stage:
    """So many seconds (`lag`) after a moment of the request `number`, from 1 on."""

    number: int
    moment: Moment
    lag: float


@dataclass
class Stages:
    """Counts the requests of one process, which is killed at a `stage`, where there is one."""

    victim: subprocess.Popen[bytes] | None = None
    stage: Stage | None = None
    requests: int = 0
    _running: int = 0
    _change: Condition = field(default_factory=Condition)

    def watch(self, victim: subprocess.Popen[bytes], stage: Stage | None = None) -> None:
        """Count the requests of `victim`, which has just started, and kill it at `stage`."""
        self.victim, self.stage, self.requests = victim, stage, 0

    def end(self) -> int:
        """Wait until nothing is being done any more; return how many requests there were."""
        with self._change:
            self._change.wait_for(lambda: not self._running, 30)
        self.victim = self.stage = None
        return self.requests

    def note_arrival(self) -> None:
        """Note that a request arrives."""
        with self._change:
            self._running += 1
            self.requests += 1
        self._kill_at("arrives")
        self._pause()

    def note_done(self, response: Response) -> Response:
        """Note that a request is done, and return its response."""
        self._kill_at("done")
        self._pause()
        self._kill_at("answered")
        with self._change:
            self._running -= 1
            self._change.notify_all()
        return response

    def _pause(self) -> None:
        if self.victim:
            time.sleep(PAUSE)

    def _kill_at(self, moment: Moment) -> None:
        stage, victim = self.stage, self.victim
        if stage and victim and (stage.number, stage.moment) == (self.requests, moment):
            Timer(stage.lag, victim.kill).start()


class StagedSandbox(Sandbox):
    """A portal whose requests tell `stages` where they are."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.stages = Stages()

    def _blueprints(self) -> dict[str, Blueprint]:
        blueprints = super()._blueprints()
        blueprints["/"].before_app_request(self.stages.note_arrival)
        blueprints["/"].after_app_request(self.stages.note_done)
        return blueprints
