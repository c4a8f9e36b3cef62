"""The private key with which a machine signs in: a file that only its owner can read (RFC 7517)."""

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
_KEY_HINT = "Make an EC key on the curve P-384 (ES384) or an RSA key (RS384)."


@dataclass(frozen=True)
class MachineKey:
    """A private key: `algorithm` is ES384 or RS384, `kid` the id that the portal knows it by."""

    key: ECKey | RSAKey
    algorithm: str
    kid: str


def read_machine_key(path: Path) -> MachineKey:
    """Return the key in a file: a private JWK, or the first usable one in a JWK Set.

    Raises: ConfigError for a file that others can read or that has no such key.
    """
    results = [_parse_key(jwk, path) for jwk in _read_jwks(path)]
    keys = [result for result in results if isinstance(result, MachineKey)]
    if keys:
        return keys[0]
    raise next((result for result in results if isinstance(result, ConfigError)), _no_key(path))


def _read_jwks(path: Path) -> list[Any]:
    try:
        document = json.loads(_read_text(path))
    except (ValueError, RecursionError):
        raise ConfigError(
            f"{path} is not a key: it is not JSON.", hint="key_file names a private JWK."
        ) from None
    if not isinstance(document, dict):
        raise _no_key(path)
    keys = document.get("keys", [document])
    return keys if isinstance(keys, list) else []


def _read_text(path: Path) -> str:
    try:
        _check_regular_file(path)
        with path.open("rb") as stream:
            _check_private(path, os.fstat(stream.fileno()))
            return stream.read(MAX_FILE_BYTES).decode()
    except OSError as error:
        raise ConfigError(
            f"The key file {path} can't be read: {error.strerror}.",
            hint="key_file in the profile names it.",
        ) from error


def _check_regular_file(path: Path) -> None:
    if path.exists() and not path.is_file():  # reading a pipe might never end
        raise ConfigError(f"{path} is not a file.", hint="key_file names a private JWK.")


def _check_private(path: Path, status: os.stat_result) -> None:
    if os.name == "posix" and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f"Others can read or change the key file {path}.", hint=f"chmod 600 {path}"
        )


def _parse_key(jwk: Any, path: Path) -> MachineKey | ConfigError:
    """Return the key of a JWK, or the error that says why it can't be used."""
    key = _import_key(jwk)
    if key is None:
        return _no_key(path)
    algorithm = _find_algorithm(key)
    declared = (jwk.get("alg", algorithm), jwk.get("use", "sig"))
    if algorithm is None or declared != (algorithm, "sig"):
        return ConfigError(f"The key in {path} can't sign with ES384 or RS384.", hint=_KEY_HINT)
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


def _import_key(jwk: Any) -> ECKey | RSAKey | None:
    if not isinstance(jwk, dict):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # weak keys are refused below
        try:
            key = import_key(jwk)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            return None
    return key if isinstance(key, ECKey | RSAKey) else None


def _find_algorithm(key: ECKey | RSAKey) -> str | None:
    if isinstance(key, ECKey) and key.curve_name == _CURVE:
        return "ES384"
    if isinstance(key, RSAKey) and key.raw_value.key_size >= MIN_RSA_BITS:
        return "RS384"
    return None


def _no_key(path: Path) -> ConfigError:
    return ConfigError(
        f"{path} holds no key that can be read.", hint="key_file names a private JWK or JWK Set."
    )
