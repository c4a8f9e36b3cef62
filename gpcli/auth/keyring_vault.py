"""Sessions and secrets in the operating system's keyring, and the errors of one that can't be used.

A keyring may be locked or absent, lose what it is given, or wait for a prompt.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path
from subprocess import CalledProcessError
from typing import Protocol, TypeVar

from gpcli.auth.client_secret import ClientSecret, parse_secret_item
from gpcli.auth.session import StoredSession, parse_item
from gpcli.errors import NoKeyring

SERVICE = "gpcli"
"""The service name of every item in the keyring."""

HELP_HINT = "gpcli help keyring says more; on machines without people set GPCLI_TOKEN."
"""The end of hints about keyrings."""

KEYRING_HINT = (
    "Unlock your keyring, or install one (on Linux GNOME Keyring, KWallet or pass), and try "
    f"again. {HELP_HINT}"
)

MAX_PIECE_LENGTH = 1280
"""The most characters in one item: Windows allows 2560 bytes, in UTF-16."""

_GPG_OPTIONS_VARIABLE = "PASSWORD_STORE_GPG_OPTS"
_NO_PROMPT_OPTION = "--pinentry-mode=error"
_NO_STORE_STATUS = 1

_UNLOCK = f"Unlock it, at the desktop or over SSH, and try again. {HELP_HINT}"
_REASONS = {
    "KeyringLocked": ("The keyring is locked.", _UNLOCK),
    "LockedException": ("The keyring is locked.", _UNLOCK),
    "PromptDismissedException": ("The keyring is locked, and was not unlocked.", _UNLOCK),
    "SecretServiceNotAvailableException": (
        "There is no keyring service on this computer.",
        f"Install GNOME Keyring, KWallet or pass. {HELP_HINT}",
    ),
    "ItemNotFoundException": (
        "There is no keyring on this computer yet.",
        f"Log in at the desktop once, which makes one; or make one over SSH. {HELP_HINT}",
    ),
}
"""Message and hint by the class name of a backend's exception, whose library may be absent."""

_PROBE_PREFIX = "gpcli-probe-"

Result = TypeVar("Result")


class KeyringBackend(Protocol):
    """The part of `keyring.backend.KeyringBackend` that is used here."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return the item, None if there is none."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Write the item."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Delete the item."""
        ...


class KeyringVault:
    """Sessions and secrets in the keyring `backend`; a call of it ends within `timeout` seconds.

    Every method raises NoKeyring.
    """

    def __init__(self, backend: KeyringBackend, timeout: float = 5.0) -> None:
        self._backend = backend
        self._timeout = timeout

    def load(self, account: str) -> StoredSession | None:
        """Return the session of `account`, None if there is none that this version can read."""
        item = self._read_item(account)
        return None if item is None else parse_item(item)

    def save(self, account: str, session: StoredSession) -> None:
        """Write the session, and compare what is then there."""
        self._save_item(account, session.format_item())

    def delete(self, account: str) -> None:
        """Delete the item of `account`, if there is one."""
        if self._read_item(account) is not None:
            self._delete_item(account)

    def load_secret(self, account: str) -> ClientSecret | None:
        """Return the client's secret under `account`, None if there is none that can be read."""
        item = self._read_item(account)
        return None if item is None else parse_secret_item(item)

    def save_secret(self, account: str, secret: ClientSecret) -> None:
        """Write the secret, and compare what is then there."""
        self._save_item(account, secret.format_item())

    def _save_item(self, account: str, item: str) -> None:
        self._write_item(account, item)
        self._check_stored(account, item)

    def probe(self) -> None:
        """Write, read and delete a random item, under a name that no other process uses."""
        name, item = _PROBE_PREFIX + secrets.token_hex(8), secrets.token_hex(8)
        self._write_item(name, item)
        try:
            self._check_stored(name, item)
        except NoKeyring:
            with suppress(NoKeyring):  # perhaps it can't be read; it must be deleted all the same
                self._delete_item(name)
            raise
        self._delete_item(name)

    def _read_item(self, account: str) -> str | None:
        return self._call(lambda: self._backend.get_password(SERVICE, account))

    def _write_item(self, account: str, item: str) -> None:
        self._call(lambda: self._backend.set_password(SERVICE, account, item))

    def _delete_item(self, account: str) -> None:
        self._call(lambda: self._backend.delete_password(SERVICE, account))

    def _check_stored(self, account: str, item: str) -> None:
        if self._read_item(account) != item:
            raise keyring_error("The keyring did not keep what it was given.")

    def _call(self, function: Callable[[], Result]) -> Result:
        # A keyring may wait for a prompt that nobody sees; its thread is left behind then.
        result: Future[Result] = Future()

        def run() -> None:
            try:
                result.set_result(function())
            except Exception as error:
                result.set_exception(error)

        threading.Thread(target=run, name="gpcli-keyring", daemon=True).start()
        try:
            return result.result(self._timeout)
        except TimeoutError:
            raise keyring_error(
                f"The keyring did not answer within {self._timeout:g} s; "
                "perhaps it waits for somebody to unlock it.",
                f"Answer its window, or unlock it and try again. {HELP_HINT}",
            ) from None
        except Exception as error:
            raise _to_keyring_error(error) from error


def keyring_error(message: str, hint: str = KEYRING_HINT) -> NoKeyring:
    """Return the error for a keyring that can't be used."""
    return NoKeyring(message, hint=hint)


def _to_keyring_error(error: Exception) -> NoKeyring:
    if isinstance(error, NoKeyring):
        return error
    kind = type(error).__name__
    return keyring_error(*_REASONS.get(kind, (f"The keyring does not work here ({kind}).",)))


class ChunkedKeyring:
    """A keyring backend that splits each item into pieces, which fit the `backend` behind it.

    The item under the name that was asked for says which pieces belong to it. `new_generation`
    returns a new suffix for the pieces' names, so that a new version never overwrites an old one.
    """

    def __init__(
        self,
        backend: KeyringBackend,
        new_generation: Callable[[], str] = lambda: secrets.token_hex(4),
    ) -> None:
        self._backend = backend
        self._new_generation = new_generation

    def get_password(self, service: str, username: str) -> str | None:
        """Return the complete item, None if there is none or a piece is missing."""
        pieces = [
            self._backend.get_password(service, name)
            for name in self._read_piece_names(service, username)
        ]
        if not pieces or None in pieces:
            return None
        return "".join(piece for piece in pieces if piece is not None)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Write the new pieces, then the pointer, then delete the old pieces."""
        old = self._read_piece_names(service, username)
        generation = self._new_generation()
        count = -(-len(password) // MAX_PIECE_LENGTH) or 1
        for number, name in enumerate(_format_piece_names(username, generation, count)):
            piece = password[number * MAX_PIECE_LENGTH : (number + 1) * MAX_PIECE_LENGTH]
            self._backend.set_password(service, name, piece)
        pointer = json.dumps({"generation": generation, "pieces": count})
        self._backend.set_password(service, username, pointer)
        self._delete_pieces(service, old)

    def delete_password(self, service: str, username: str) -> None:
        """Delete the pointer, then the pieces."""
        old = self._read_piece_names(service, username)
        self._backend.delete_password(service, username)
        self._delete_pieces(service, old)

    def _read_piece_names(self, service: str, username: str) -> list[str]:
        pointer = self._backend.get_password(service, username)
        if pointer is None:
            return []
        try:
            fields = json.loads(pointer)
            return _format_piece_names(username, str(fields["generation"]), int(fields["pieces"]))
        except (ValueError, TypeError, KeyError):
            return []

    def _delete_pieces(self, service: str, names: list[str]) -> None:
        for name in names:
            if self._backend.get_password(service, name) is not None:
                self._backend.delete_password(service, name)


def _format_piece_names(username: str, generation: str, count: int) -> list[str]:
    return [f"{username}#{generation}.{number}" for number in range(count)]


class PasswordStore:
    """The `backend` for `pass`, without what `pass` and GnuPG write to standard error.

    Unless `may_ask`, GnuPG fails where it would ask for a passphrase: an option for it is added to
    this process's environment. Every method raises NoKeyring where `pass` is absent, has no store,
    or can't use its key.
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
    """Run a call of `pass` without its standard error; raise NoKeyring where it fails."""
    try:
        with Path(os.devnull).open("w") as null, redirect_stderr(null):
            yield
    except FileNotFoundError:
        raise keyring_error("The program pass is not installed here.") from None
    except CalledProcessError as error:
        raise _pass_error(error.returncode) from None


def _pass_error(status: int) -> NoKeyring:
    if status == _NO_STORE_STATUS:
        return keyring_error(
            "pass does not take the sign-in; perhaps it has no store yet.",
            "pass init KEY-ID makes one; gpcli help keyring says more.",
        )
    return keyring_error(
        "pass can't use its key: it is locked, or not on this computer.",
        "Unlock it with gpg, which remembers it for a while; gpcli help keyring says more.",
    )
