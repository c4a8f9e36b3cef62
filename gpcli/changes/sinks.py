"""Ways of telling what a watch has found: a program of the person's, the desktop, and over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from gpcli.changes.telling import TellingFailed
from gpcli.errors import GpcliError
from gpcli.model.change import WatchEvent
from gpcli.user_command import NotRun, run_command

TITLE = "gpcli"
"""The title of a notification."""

HOOK_TIMEOUT = 60.0
"""Seconds that a program may take."""

MAX_SAID = 200
"""The most characters that are told of what a failing program said: the last ones."""

_SIGN_IN_STATUSES = (401, 403)

Encode = Callable[[WatchEvent], bytes]
"""Returns an event as one JSON object in UTF-8, with a line end."""

Word = Callable[[WatchEvent], str]
"""Returns an event as text for a person, of one line or more, that can do no harm when shown."""

Send = Callable[[str, bytes, Mapping[str, str]], int]
"""Sends a POST with a body and headers to a URL, and returns the status of the response.

Raises: GpcliError, whose message does not have the URL.
"""


class ExecSink:
    """Runs a program, with the event as JSON on its standard input.

    With details it runs for each change alone. `words` are its command line; nothing of the event
    is added to them, or to its variables `env`. `umask` is as `run_command`, `timeout` in seconds.
    """

    name = "exec"

    def __init__(
        self,
        words: Sequence[str],
        env: Mapping[str, str],
        encode: Encode,
        *,
        has_details: bool,
        umask: int = -1,
        timeout: float = HOOK_TIMEOUT,
    ) -> None:
        self._words = words
        self._env = env
        self._encode = encode
        self.takes_one = self.has_details = has_details
        self._umask = umask
        self._timeout = timeout

    def tell(self, event: WatchEvent) -> None:
        """Run the program; raise TellingFailed unless it ends well."""
        try:
            result = run_command(
                self._words,
                self._env,
                timeout=self._timeout,
                umask=self._umask,
                stdin=self._encode(event),
                keeps_last=True,
            )
        except NotRun as why:
            raise TellingFailed(f"The program of --exec {why}.") from why
        if result.failure is None:
            return
        said = result.said[-MAX_SAID:].strip()
        sentence = f"The program of --exec {result.failure}."
        raise TellingFailed(
            f"{sentence} It said: {said}" if said else sentence,
            may_have_arrived=result.status is None or result.status < 0,
        )


class DesktopSink:
    """Shows a notification on the desktop: `notify` shows a title and a text."""

    name = "desktop"
    takes_one = False

    def __init__(
        self, notify: Callable[[str, str], None], word: Word, *, has_details: bool
    ) -> None:
        self._notify = notify
        self._word = word
        self.has_details = has_details

    def tell(self, event: WatchEvent) -> None:
        """Show it; raise TellingFailed."""
        self._notify(TITLE, self._word(event))


class NtfySink:
    """Publishes a message to a topic of ntfy: `url` is the topic's, `token` may publish there.

    Source: docs.ntfy.sh/publish.
    """

    name = "ntfy"
    takes_one = False

    def __init__(
        self, url: str, send: Send, word: Word, *, has_details: bool, token: str = ""
    ) -> None:
        self._url = url
        self._send = send
        self._word = word
        self._headers = {"Content-Type": "text/plain; charset=utf-8", "Title": TITLE}
        self._headers |= _authorize(token)
        self.has_details = has_details

    def tell(self, event: WatchEvent) -> None:
        """Publish it; raise TellingFailed."""
        text = self._word(event)
        _post(self._send, self._url, text.encode(errors="replace"), self._headers)


class WebhookSink:
    """Sends the event as JSON to `url`, with `token` where it wants one."""

    name = "webhook"
    takes_one = False

    def __init__(
        self, url: str, send: Send, encode: Encode, *, has_details: bool, token: str = ""
    ) -> None:
        self._url = url
        self._send = send
        self._encode = encode
        self._headers = {"Content-Type": "application/json", **_authorize(token)}
        self.has_details = has_details

    def tell(self, event: WatchEvent) -> None:
        """Send it; raise TellingFailed."""
        content = self._encode(event)
        _post(self._send, self._url, content, self._headers)


def _authorize(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _post(send: Send, url: str, content: bytes, headers: Mapping[str, str]) -> None:
    """Send; raise TellingFailed where it does not arrive or is not taken."""
    try:
        status = send(url, content, headers)
    except GpcliError as error:
        is_lost = getattr(error, "sent", True)
        raise TellingFailed(error.message, may_have_arrived=is_lost) from error
    host = urlsplit(url).hostname
    if 300 <= status < 400:
        raise TellingFailed(
            f"{host} wants it at another address ({status}), and gpcli follows no redirect: "
            "give the address that it leads to."
        )
    if status in _SIGN_IN_STATUSES:
        raise TellingFailed(f"{host} refused it ({status}): GPCLI_NOTIFY_TOKEN names its token.")
    if not 200 <= status < 300:
        raise TellingFailed(f"{host} did not take it ({status}).", may_have_arrived=status >= 500)
