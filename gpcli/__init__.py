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
    """The portal on behalf of who is signed in, as the command line would choose them.

    `profile` and `as_` are what `--profile` and `--as` take; the environment counts as it does
    for commands. Nobody is ever asked; connections are closed at the end. Entering raises
    GpcliError: not signed in, no keyring, wrong configuration.
    """
    import os  # noqa: PLC0415  (the version must stay free of cost)
    import sys  # noqa: PLC0415
    from contextlib import closing, contextmanager  # noqa: PLC0415

    from gpcli.app_context import AppContext  # noqa: PLC0415
    from gpcli.config.options import Options  # noqa: PLC0415

    options = Options(profile=profile, as_=as_, no_input=True)

    @contextmanager
    def connected() -> "Iterator[Portal]":
        with closing(AppContext(options, os.environ, sys.stdin, sys.stdout, sys.stderr)) as session:
            yield session.portal

    return connected()
