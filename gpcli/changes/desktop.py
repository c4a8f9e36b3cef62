"""Notifications of the desktop: over D-Bus on Linux, by osascript on macOS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from gpcli.changes.telling import TellingFailed
from gpcli.user_command import NotRun, run_command

Notify = Callable[[str, str], None]
"""Shows a title and a text; raises TellingFailed."""

PATIENCE = 5.0
"""Seconds that showing a notification may take."""

_SCRIPT = """
ObjC.import("Foundation")
const input = $.NSFileHandle.fileHandleWithStandardInput.readDataToEndOfFile
const text = $.NSString.alloc.initWithDataEncoding(input, $.NSUTF8StringEncoding)
const [title, ...lines] = ObjC.unwrap(text).split("\\n")
const app = Application.currentApplication()
app.includeStandardAdditions = true
app.displayNotification(lines.join("\\n"), { withTitle: title })
"""
"""Shows what stands on its standard input: a line for the title, and the text.

Other users of the computer see a program's arguments.
"""


def choose_notify(
    platform: str, bus: str | None, env: Mapping[str, str], *, patience: float = PATIENCE
) -> Notify:
    """Return what shows notifications on a `platform` (`sys.platform`).

    `bus` is the address of the session bus, `None` = there is none; `env` has the variables for
    what shows them; `patience` is in seconds.

    Raises: TellingFailed where they can't be shown at all.
    """
    if platform == "linux":
        if bus is None:
            raise TellingFailed(
                "There is no session bus here, and so no desktop to show notifications: log in at "
                "the desktop, or let DBUS_SESSION_BUS_ADDRESS name its bus."
            )
        return partial(_notify_over_bus, bus, patience)
    if platform == "darwin":
        return partial(_notify_by_script, env, patience)
    raise TellingFailed("gpcli can show notifications on the desktops of Linux and macOS alone.")


def _notify_over_bus(address: str, patience: float, title: str, text: str) -> None:
    from gpcli.changes.desktop_bus import notify_over_bus  # noqa: PLC0415  (platform: Linux)

    notify_over_bus(address, title, text, patience)


def _notify_by_script(env: Mapping[str, str], patience: float, title: str, text: str) -> None:
    words = ("osascript", "-l", "JavaScript", "-e", _SCRIPT)
    content = f"{title}\n{text}".encode(errors="replace")
    try:
        result = run_command(words, env, timeout=patience, stdin=content, keeps_last=True)
    except NotRun as why:
        raise TellingFailed(f"osascript, which shows notifications, {why}.") from why
    if result.failure:
        raise TellingFailed(f"osascript, which shows notifications, {result.failure}.")
