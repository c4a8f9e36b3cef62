"""The keys of a profile in `config.toml`: a parser for each, and what is in those with words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any, TypeVar, get_args
from urllib.parse import SplitResult
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gpcli.model.account import Environment
from gpcli.model.person import SyntheticRules
from gpcli.model.smoke import Latency
from gpcli.web_url import InvalidUrl, is_loopback, split_web_url

ENVIRONMENTS: tuple[Environment, ...] = get_args(Environment)
EMERGENCY = ("acute", "urgent")
"""Keys of the numbers to call: when life is in danger, and for what can't wait until the surgery
opens."""
NUMBERS = {"acute": "113", "urgent": "116 117"}
"""The numbers to call where the profile has none; the keys are those of `EMERGENCY`."""
SENT_STATUSES = ("proposed", "pending", "booked")
BOOKING_METHODS = ("auto", "post", "operation", "transaction")
SERVICES = (
    "e-consultation",
    "contact",
    "prescription-renewal",
    "booking",
    "booking-enquiry",
    "cancellation",
    "flu-vaccination",
    "late-cancellation",
    "no-show",
)
"""What a portal's own codes can be mapped to; the last two have only a price."""
SCOPES_VERSIONS = ("1", "2")
CLIENT_AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
KEPT_IN_KEYRING = "keyring"
"""The one value of `client_secret`: the secret itself is in the keyring."""
LIMITS = tuple(each.name for each in fields(Latency) if each.name.endswith("_ms"))
"""Keys of `smoke` that are limits of latency, in milliseconds."""
SYNTHETIC: dict[str, list[str]] = {
    "identifiers": [
        r"urn:oid:2.16.578.1.12.4.1.4.1|\d\d(8[1-9]|9[0-2])\d{7}",
        r"urn:oid:2.16.578.1.12.4.1.4.2|[4-7]\d(8[1-9]|9[0-2])\d{7}",
    ],
    "labels": ["http://terminology.hl7.org/CodeSystem/v3-ActReason|HTEST"],
    "patients": [],
}
"""Which patients are test patients, where the profile does not say.

They are those whose Norwegian identity number or D number has a month that is 80 too high, and
those that are labelled as test data.
Source: Skatteetaten, Tenor testdata; HL7 v3 ActReason HTEST; the numbers' systems by no-basis.
"""

Word = TypeVar("Word", bound=str)


class InvalidValue(ValueError):
    """A value that the key can't have; the message says what it must be."""


def parse_portal_url(value: object) -> str:
    """Return a FHIR base without a final slash; raise InvalidValue.

    It must be `https`, or `http` to a loopback literal, without query and credentials.
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue("the portal must be a URL such as https://portal.example/fhir/R4")
    text = value.strip()
    url = _split_url(text)
    if set("?#") & set(text) or "@" in url.netloc:
        raise InvalidValue("the portal's URL must have no query, fragment or user name")
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise InvalidValue(f"'{text}' is not encrypted; the portal must be https")
    return url.geturl().rstrip("/")


def _split_url(text: str) -> SplitResult:
    try:
        if not text.isprintable() or set(' \\"<>') & set(text):
            raise InvalidUrl("has characters that no URL has")
        return split_web_url(text)
    except InvalidUrl as why:
        shape = "a URL such as https://portal.example/fhir/R4"
        raise InvalidValue(f"{_quote_url(text)} {why}; it must be {shape}") from why


def _quote_url(text: str) -> str:
    """Return `text` in quotes, or `the portal` where a password or a token may be in it."""
    return "the portal" if set("@?#") & set(text) else repr(text)


def parse_environment(value: object) -> Environment:
    """Return one of production, staging, sandbox; raise InvalidValue."""
    return _build_choice_parser(*ENVIRONMENTS)(value)


def _build_choice_parser(*words: Word) -> Callable[[object], Word]:
    def parse(value: object) -> Word:
        if isinstance(value, str) and value in words:
            return value
        raise InvalidValue(f"'{value}' is not one of {', '.join(words)}")

    return parse


def _parse_text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise InvalidValue("must be text that is not empty")


def _parse_secret_place(value: object) -> str:
    if value == KEPT_IN_KEYRING:
        return KEPT_IN_KEYRING
    raise InvalidValue(
        f"must be '{KEPT_IN_KEYRING}': no secret stands in this file; "
        "gpcli login --client-secret keeps one in the keyring"
    )


def _parse_port(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 65535:
        return value
    raise InvalidValue(f"'{value}' is not a port number")


def _parse_seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 3600:
        return float(value)
    raise InvalidValue(f"'{value}' is not a number of seconds up to 3600")


def _parse_zone(value: object) -> str:
    try:
        return ZoneInfo(_parse_text(value)).key
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        raise InvalidValue(f"'{value}' is not a time zone such as Europe/Oslo") from error


def _parse_emergency(value: object) -> dict[str, str]:
    numbers = value if isinstance(value, dict) else {}
    are_texts = all(isinstance(number, str) for number in numbers.values())
    if are_texts and numbers.keys() == set(EMERGENCY) and numbers["acute"].strip():
        return {name: numbers[name].strip() for name in EMERGENCY}
    raise InvalidValue("must be a table of two numbers: acute = '113', urgent = '116 117' (or '')")


def _parse_code_map(value: object) -> dict[str, str | list[str]]:
    if not isinstance(value, dict) or not all(map(_is_text_or_texts, value.values())):
        raise InvalidValue("must be a table of 'system|code' = 'service' or a list of services")
    for code, services in value.items():
        if "|" not in code:
            raise InvalidValue(f"'{code}' must be 'system|code'")
        for service in [services] if isinstance(services, str) else services:
            if service not in SERVICES:
                raise InvalidValue(f"'{service}' is no service; those are {', '.join(SERVICES)}")
    return value


def _is_text_or_texts(value: object) -> bool:
    texts = value if isinstance(value, list) and value else [value]
    return all(isinstance(text, str) for text in texts)


def _parse_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidValue("must be true or false")


def _parse_smoke(value: object) -> dict[str, Any]:
    table = _require_keys(value, _SMOKE_PARSERS)
    return {key: _SMOKE_PARSERS[key](key, raw) for key, raw in table.items()}


def _parse_limit(key: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise InvalidValue(f"{key} must be a whole number of milliseconds, at least 1")


def _parse_named_text(key: str, value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise InvalidValue(f"{key} must be text that is not empty")


def _parse_texts(key: str, value: object) -> list[str]:
    if not isinstance(value, list):
        raise InvalidValue(f"{key} must be a list of texts")
    return [_parse_named_text(f"each of {key}", text) for text in value]


_SMOKE_PARSERS: dict[str, Callable[[str, object], Any]] = {
    **dict.fromkeys(LIMITS, _parse_limit),
    "other_patient": _parse_named_text,
    "foreign_token_command": _parse_named_text,
    "skip": _parse_texts,
}


def _parse_synthetic(value: object) -> dict[str, list[str]]:
    table = _require_keys(value, SYNTHETIC)
    parsed = {key: _parse_texts(key, raw) for key, raw in table.items()}
    build_synthetic_rules(parsed)
    return parsed


def build_synthetic_rules(table: dict[str, list[str]]) -> SyntheticRules:
    """Return what a `synthetic` table says; a kind of rule that it does not have matches nobody.

    Raises: InvalidValue.
    """
    labels = [text.rpartition("|") for text in table.get("labels", ())]
    for system, _, code in labels:
        if not system or not code:
            raise InvalidValue("labels must each be 'system|code'")
    return SyntheticRules(
        tuple(_parse_identifier_rule(text) for text in table.get("identifiers", ())),
        frozenset((system, code) for system, _, code in labels),
        frozenset(table.get("patients", ())),
    )


_SYSTEM = re.compile(r"(?P<system>(?:urn:|https?://)[^|\s]+)\|(?P<value>.+)", re.DOTALL)
"""`system|regex`; a regular expression may have a `|` too, but no system before it."""


def _parse_identifier_rule(text: str) -> tuple[str | None, re.Pattern[str]]:
    found = _SYSTEM.fullmatch(text)
    system, value = (found["system"], found["value"]) if found else (None, text)
    try:
        return system, re.compile(value, re.ASCII)
    except re.error as error:
        raise InvalidValue(f"identifiers: '{value}' is no regular expression: {error}") from error


def _require_keys(value: object, known: Iterable[str]) -> dict[str, Any]:
    names = list(known)
    if not isinstance(value, dict):
        raise InvalidValue(f"must be a table with some of {', '.join(names)}")
    for key in value:
        if key not in names:
            raise InvalidValue(f"'{key}' is not one of its keys: {', '.join(names)}")
    return value


KEY_PARSERS: dict[str, Callable[[object], Any]] = {
    "portal": parse_portal_url,
    "environment": parse_environment,
    "client_id": _parse_text,
    "client_auth": _build_choice_parser(*CLIENT_AUTH_METHODS),
    "client_secret": _parse_secret_place,
    "scopes": _parse_text,
    "scopes_version": _build_choice_parser(*SCOPES_VERSIONS),
    "redirect_port": _parse_port,
    "prompt": _parse_text,
    "acr": _parse_text,
    "booking": _build_choice_parser(*BOOKING_METHODS),
    "status_sent": _build_choice_parser(*SENT_STATUSES),
    "token_command": _parse_text,
    "key_file": _parse_text,
    "ca_file": _parse_text,
    "timeout": _parse_seconds,
    "zone": _parse_zone,
    "accessible": _parse_flag,
    "emergency": _parse_emergency,
    "services": _parse_code_map,
    "services_listed": _parse_flag,
    "smoke": _parse_smoke,
    "synthetic": _parse_synthetic,
}
"""The keys, in the order in which they are written."""


def format_suggestion(word: str, words: list[str]) -> str:
    """Return the end of a sentence: `; did you mean 'x'?` for the nearest of `words`, or `.`."""
    close = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean '{close[0]}'?" if close else "."
