"""gpcli: a patient's command line to their GP's online services.

From Python, `with gpcli.connect() as portal` gives the same portal that the commands use; what
can be decided with it is in `gpcli.care`, its records are in `gpcli.model`.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from gpcli.care.portal_protocol import Portal


def connect(
    profile: str | None = None, *, as_: str | None = None
) -> "AbstractContextManager[Portal]":
    """Return a context manager that gives the portal of the person who is signed in.

    Profile and person are chosen as the command line chooses them: `profile` and `as_` are what
    `--profile` and `--as` take, and the same environment variables count. Nobody is ever asked.
    Leaving it closes the connections.

    Raises: GpcliError on entering, where nobody is signed in, there is no keyring, or the
    configuration is wrong.
    """
    import os  # noqa: PLC0415  (start-up: reading the version must cost nothing)
    import sys  # noqa: PLC0415  (start-up: as above)
    from contextlib import closing, contextmanager  # noqa: PLC0415  (start-up: as above)

    from gpcli.app_context import AppContext  # noqa: PLC0415  (start-up: as above)
    from gpcli.config.settings import Options  # noqa: PLC0415  (start-up: as above)

    options = Options(profile=profile, as_=as_, no_input=True)

    @contextmanager
    def open_portal() -> "Iterator[Portal]":
        streams = sys.stdin, sys.stdout, sys.stderr
        with closing(AppContext(options, os.environ, *streams)) as context:
            yield context.portal

    return open_portal()
