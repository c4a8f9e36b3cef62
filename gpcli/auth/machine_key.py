"""The private key with which a machine signs in, in a file of its owner's alone (RFC 7517)."""

from __future__ import annotations

import json
import os
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, RSAKey, import_key

from gpcli.errors import ConfigError

MAX_FILE_BYTES = 64 * 1024
"""The most bytes in a key file."""

MIN_RSA_BITS = 2048
"""The fewest bits of an RSA key (RFC 7518, 3.3)."""

_CURVE = "P-384"
_MAKE_ANOTHER = "Make an EC key on the curve P-384 (ES384) or an RSA key (RS384)."


@dataclass(frozen=True)
class MachineKey:
    """A private key and how it signs: `algorithm` is ES384 or RS384, `kid` its name."""

    key: ECKey | RSAKey
    algorithm: str
    kid: str


def read_machine_key(path: Path) -> MachineKey:
    """The key in a file: a private JWK, or the first private one that fits in a JWK Set.

    Raises ConfigError for a file that others can read or that holds no such key.
    """
    found = [_fitting(written, path) for written in _written_keys(path)]
    keys = [each for each in found if isinstance(each, MachineKey)]
    if keys:
        return keys[0]
    raise next((each for each in found if isinstance(each, ConfigError)), _no_key(path))


def _written_keys(path: Path) -> list[Any]:
    try:
        document = json.loads(_text(path))
    except (ValueError, RecursionError):
        raise ConfigError(
            f"{path} is not a key: it is not JSON.", hint="key_file names a private JWK."
        ) from None
    if not isinstance(document, dict):
        raise _no_key(path)
    keys = document.get("keys", [document])
    return keys if isinstance(keys, list) else []


def _text(path: Path) -> str:
    try:
        _check_file(path)
        with path.open("rb") as stream:
            _check_private(path, os.fstat(stream.fileno()))
            return stream.read(MAX_FILE_BYTES).decode()
    except OSError as trouble:
        raise ConfigError(
            f"The key file {path} can't be read: {trouble.strerror}.",
            hint="key_file in the profile names it.",
        ) from trouble


def _check_file(path: Path) -> None:
    if path.exists() and not path.is_file():  # a pipe that nobody writes to would be read forever
        raise ConfigError(f"{path} is not a file.", hint="key_file names a private JWK.")


def _check_private(path: Path, facts: os.stat_result) -> None:
    if os.name == "posix" and facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f"Others can read or change the key file {path}.", hint=f"chmod 600 {path}"
        )


def _fitting(written: Any, path: Path) -> MachineKey | ConfigError:
    key = _imported(written)
    if key is None:
        return _no_key(path)
    algorithm = _algorithm(key)
    said = (written.get("alg", algorithm), written.get("use", "sig"))
    if algorithm is None or said != (algorithm, "sig"):
        return ConfigError(f"The key in {path} can't sign with ES384 or RS384.", hint=_MAKE_ANOTHER)
    if not key.is_private:
        return ConfigError(
            f"The key in {path} is public only.", hint="key_file names the private key."
        )
    if not key.kid:
        return ConfigError(
            f"The key in {path} has no name.",
            hint='Add the "kid" under which the portal knows it.',
        )
    return MachineKey(key, algorithm, key.kid)


def _imported(written: Any) -> ECKey | RSAKey | None:
    if not isinstance(written, dict):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # a weak key is refused in our words
        try:
            key = import_key(written)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            return None
    return key if isinstance(key, ECKey | RSAKey) else None


def _algorithm(key: ECKey | RSAKey) -> str | None:
    if isinstance(key, ECKey) and key.curve_name == _CURVE:
        return "ES384"
    if isinstance(key, RSAKey) and key.raw_value.key_size >= MIN_RSA_BITS:
        return "RS384"
    return None


def _no_key(path: Path) -> ConfigError:
    return ConfigError(
        f"{path} holds no key that can be read.", hint="key_file names a private JWK or JWK Set."
    )
