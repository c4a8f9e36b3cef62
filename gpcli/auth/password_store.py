"""`pass`, the standard Unix password manager, with the backend of the package keyring-pass."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from subprocess import CalledProcessError

from gpcli.auth.keyring_vault import KeyringBackend, keyring_error

_GPG_OPTIONS_VARIABLE = "PASSWORD_STORE_GPG_OPTS"
_NO_PROMPT_OPTION = "--pinentry-mode=error"
_NO_STORE_STATUS = 1


class PasswordStore:
    """The `backend` for `pass`, without what `pass` and GnuPG write to standard error.

    Unless `may_ask`, GnuPG fails where it would ask for a passphrase. Every method raises
    errors.NoKeyring where `pass` is absent, has no store, or can't use its key.
    """

    def __init__(self, backend: KeyringBackend, *, may_ask: bool) -> None:
        self._backend = backend
        options = os.environ.get(_GPG_OPTIONS_VARIABLE, "")
        if not may_ask and _NO_PROMPT_OPTION not in options.split():
            # `pass` has no other way to pass options to GnuPG.
            os.environ[_GPG_OPTIONS_VARIABLE] = f"{options} {_NO_PROMPT_OPTION}".strip()

    def get_password(self, service: str, username: str) -> str | None:
        """Return the item, None if there is none."""
        with _run_quietly():
            return self._backend.get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Write the item."""
        with _run_quietly():
            self._backend.set_password(service, username, password)

    def delete_password(self, service: str, username: str) -> None:
        """Delete the item."""
        with _run_quietly():
            self._backend.delete_password(service, username)


@contextmanager
def _run_quietly() -> Iterator[None]:
    try:
        with Path(os.devnull).open("w") as null, redirect_stderr(null):
            yield
    except FileNotFoundError:
        raise keyring_error("The program pass is not installed here.") from None
    except CalledProcessError as error:
        raise _pass_error(error.returncode) from None


def _pass_error(status: int) -> Exception:
    if status == _NO_STORE_STATUS:
        return keyring_error(
            "pass does not take the sign-in; perhaps it has no store yet.",
            "pass init KEY-ID makes one; gpcli help keyring says more.",
        )
    return keyring_error(
        "pass can't use its key: it is locked, or not on this computer.",
        "Unlock it with gpg, which remembers it for a while; gpcli help keyring says more.",
    )
