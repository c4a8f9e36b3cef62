"""`pass`, the standard Unix password manager, by the backend of the package keyring-pass."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from subprocess import CalledProcessError

from gpcli.auth.keyring_vault import KeyringBackend, keyring_error

_OPTIONS = "PASSWORD_STORE_GPG_OPTS"
_NEVER_ASK = "--pinentry-mode=error"
_NO_STORE = 1


class PasswordStore:
    """The `backend`, which must not write to our standard error as `pass` and GnuPG would.

    Unless `may_ask`, GnuPG fails where it would ask for a passphrase. Every method raises
    errors.NoKeyring where `pass` is absent, has no store, or can't use its key.
    """

    def __init__(self, backend: KeyringBackend, *, may_ask: bool) -> None:
        self._backend = backend
        options = os.environ.get(_OPTIONS, "")
        if not may_ask and _NEVER_ASK not in options.split():
            os.environ[_OPTIONS] = f"{options} {_NEVER_ASK}".strip()  # all that `pass` heeds

    def get_password(self, service: str, username: str) -> str | None:
        """The item, None if there is none."""
        with _quietly():
            return self._backend.get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Write the item."""
        with _quietly():
            self._backend.set_password(service, username, password)

    def delete_password(self, service: str, username: str) -> None:
        """Delete the item."""
        with _quietly():
            self._backend.delete_password(service, username)


@contextmanager
def _quietly() -> Iterator[None]:
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
            yield
    except FileNotFoundError:
        raise keyring_error("The program pass is not installed here.") from None
    except CalledProcessError as failed:
        raise _refused(failed.returncode) from None


def _refused(status: int) -> Exception:
    if status == _NO_STORE:
        return keyring_error(
            "pass does not take the sign-in; perhaps it has no store yet.",
            "pass init KEY-ID makes one; gpcli help keyring says more.",
        )
    return keyring_error(
        "pass can't use its key: it is locked, or not on this computer.",
        "Unlock it with gpg, which remembers it for a while; gpcli help keyring says more.",
    )
