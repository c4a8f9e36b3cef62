"""Notifications on a session bus of our own, shown by a service of ours that notes them."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jeepney import HeaderFields, MessageType, new_error, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import Proxy, open_dbus_connection

from gpcli.app_context import AppContext
from gpcli.changes.desktop import choose_notify
from gpcli.changes.telling import TellingFailed
from gpcli.cli.watch_sinks import build_sinks
from gpcli.config.settings import Options
from tests.changes.events import CHANGE, WHOLE, an_event, find_leaks, reveal
from tests.real.conftest import Desktop

NAME = "org.freedesktop.Notifications"


class Notifier:
    """Shows notifications: notes the arguments of each in `shown`.

    It says that it can do what `capabilities` name. `answers` is whether it replies to what it is
    to show; with `refusal` it does so with that error.
    """

    def __init__(
        self,
        address: str,
        capabilities: tuple[str, ...] = ("body", "body-markup"),
        *,
        answers: bool = True,
        refusal: str = "",
    ) -> None:
        self.shown: list[tuple[Any, ...]] = []
        self._capabilities = [*capabilities]
        self._answers = answers
        self._refusal = refusal
        self._over = threading.Event()
        self._connection = open_dbus_connection(address)
        assert Proxy(message_bus, self._connection).RequestName(NAME) == (1,)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                self._answer(self._connection.receive(timeout=0.05))

    def _answer(self, message: Any) -> None:
        if message.header.message_type is not MessageType.method_call:
            return
        if message.header.fields[HeaderFields.member] == "GetCapabilities":
            self._connection.send(new_method_return(message, "as", (self._capabilities,)))
            return
        assert message.header.fields[HeaderFields.signature] == "susssasa{sv}i"
        self.shown.append(message.body)
        if self._refusal:
            self._connection.send(new_error(message, self._refusal))
        elif self._answers:
            self._connection.send(new_method_return(message, "u", (7,)))

    def close(self) -> None:
        self._over.set()
        self._thread.join(10)
        self._connection.close()


@pytest.fixture
def start(desktop: Desktop) -> Iterator[Callable[..., Notifier]]:
    """Start the service on the desktop's bus; it ends with the test."""
    with contextlib.ExitStack() as ending:

        def build(*given: Any, **options: Any) -> Notifier:
            notifier = Notifier(desktop.env["DBUS_SESSION_BUS_ADDRESS"], *given, **options)
            ending.callback(notifier.close)
            return notifier

        yield build


def tell(desktop: Desktop, event: Any, **options: Any) -> None:
    """Tell as a watch does."""
    portal = {"GPCLI_PORTAL": "https://portal.example/fhir", "GPCLI_CONFIG_DIR": str(desktop.home)}
    streams = [io.StringIO() for _ in range(3)]
    context = AppContext(Options(), {**desktop.env, **portal}, *streams)
    [sink] = build_sinks(context, desktop=True, **options)
    sink.tell(reveal(sink, event))


def notify(desktop: Desktop, **options: Any) -> None:
    bus = desktop.env["DBUS_SESSION_BUS_ADDRESS"]
    choose_notify("linux", bus, {}, **options)("gpcli", "Something new")


def test_it_is_shown_without_anything_of_the_record(desktop, start):
    notifier = start()
    tell(desktop, WHOLE)
    assert notifier.shown == [("gpcli", 0, "", "gpcli", "Something new at your GP's.", [], {}, -1)]


def test_with_details_there_is_a_line_for_each_change(desktop, start):
    notifier = start()
    tell(desktop, an_event(CHANGE, CHANGE), details=True)
    [(_, _, _, title, text, *_)] = notifier.shown
    assert title == "gpcli"
    assert [line.partition(" ")[0] for line in text.split("\n")] == ["Visit", "Visit"]
    assert find_leaks(text) >= {"Røde øyne", "Kari Berg"}


def test_it_is_found_without_the_variable_as_in_cron(desktop, start):
    notifier = start()
    del desktop.env["DBUS_SESSION_BUS_ADDRESS"]
    tell(desktop, WHOLE)
    assert len(notifier.shown) == 1


@pytest.mark.parametrize(
    ("capabilities", "shown"),
    [
        (("body", "body-markup"), "&lt;b&gt;5 &amp; 6&lt;/b&gt; &lt;"),
        (("body",), "<b>5 & 6</b> <"),
    ],
)
def test_a_text_is_never_markup(desktop, start, capabilities, shown):
    notifier = start(capabilities)
    bus = desktop.env["DBUS_SESSION_BUS_ADDRESS"]
    choose_notify("linux", bus, {})("gpcli", "<b>5 & 6</b> <")
    assert notifier.shown[0][4] == shown


def test_where_nothing_shows_notifications_that_is_said(desktop):
    with pytest.raises(TellingFailed, match=r"^Nothing on this desktop shows notifications: "):
        notify(desktop)


def test_one_that_never_answers_is_left(desktop, start):
    start(answers=False)
    with pytest.raises(TellingFailed, match=r"^The desktop did not answer within 0\.3 s\.$"):
        notify(desktop, patience=0.3)


def test_one_that_refuses_is_named(desktop, start):
    start(refusal="org.example.Full")
    with pytest.raises(TellingFailed, match=r"^The desktop refused the notification \(org\.ex"):
        notify(desktop)


def test_a_bus_that_has_ended_is_said(desktop):
    desktop._bus.terminate()
    desktop._bus.wait(10)
    with pytest.raises(TellingFailed, match=r"^The session bus can't be reached"):
        notify(desktop)
