"""What `gpcli troubleshoot` says, and portals that are not what they should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.journeys.shell import CommandResult, Shell, at_once
from tests.loopback import PlainTransport

METADATA = "/metadata"
SIGN_IN = "/.well-known/smart-configuration"

Change = Callable[[httpx.Response], httpx.Response]


@dataclass(frozen=True)
class Diagnosis:
    """The findings of one run, by the name of their check."""

    ending: CommandResult
    found: Mapping[str, dict[str, Any]]

    @property
    def failed(self) -> dict[str, str]:
        """Failed check -> its cause."""
        return self._causes("failed")

    @property
    def doubtful(self) -> dict[str, str]:
        """Check that warns -> its cause."""
        return self._causes("warning")

    def __getitem__(self, check: str) -> dict[str, Any]:
        return self.found[check]

    def _causes(self, status: str) -> dict[str, str]:
        return {name: one["cause"] for name, one in self.found.items() if one["status"] == status}


def diagnosis(shell: Shell, options: str = "") -> Diagnosis:
    """Run `gpcli troubleshoot` and read its answer, which is there however it ends."""
    ending = shell(f"gpcli troubleshoot --json {options}".rstrip())
    return Diagnosis(ending, {one["name"]: one for one in ending.json})


def person(env: Mapping[str, str], **more: Any) -> Shell:
    """Somebody's shell by the real clock, with a desktop but no bus unless `env` has one."""
    desktop = {"DISPLAY": ":0", "BROWSER": "true", "PATH": "/usr/bin:/bin"}
    return Shell({**desktop, **env}, lambda: datetime.now(UTC), sleep=at_once, **more)


@dataclass
class Bent(httpx.BaseTransport):
    """The way to a real portal on which some answers are changed, by the end of their path."""

    changes: Mapping[str, Change]
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._straight = PlainTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask the portal, and change what it says."""
        self.asked.append(request.url.path)
        answer = self._straight.handle_request(request)
        for end, change in self.changes.items():
            if request.url.path.endswith(end):
                answer.read()
                answer.close()
                answer.request = request
                return change(answer)
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._straight.close()


def with_status(status: int, **headers: str) -> Change:
    """Another status, with nothing of the answer."""
    return lambda _: httpx.Response(status, headers=headers, text="<h1>no</h1>")


def with_edit(edit: Callable[[dict[str, Any]], object]) -> Change:
    """The same JSON after `edit` has changed it in place."""

    def change(answer: httpx.Response) -> httpx.Response:
        document = answer.json()
        edit(document)
        return httpx.Response(200, headers={"Date": answer.headers["Date"]}, json=document)

    return change
