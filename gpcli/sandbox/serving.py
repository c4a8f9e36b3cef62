"""Serving in the background: begins and ends with a `with` block."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from waitress import wasyncore


@contextmanager
def serving(server: Any) -> Iterator[None]:
    """Serve in a thread; at the end, let the answers under way finish before the sockets close.

    waitress's own `run` can't be ended from outside: a thunk handed to its trigger may close the
    trigger while the caller is still pulling it.
    """
    ending = threading.Event()

    def serve() -> None:
        while not ending.is_set():
            wasyncore.loop(timeout=1, use_poll=True, map=server._map, count=1)

    thread = threading.Thread(target=serve, name="gpcli-sandbox", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.task_dispatcher.shutdown()
        ending.set()
        server.pull_trigger()
        thread.join()
        wasyncore.close_all(server._map, ignore_all=True)
