"""Request bodies as strict JSON: UTF-8, one object, no duplicate keys, no numbers out of range."""

import json
import math
from typing import Any

from gpcli.sandbox.fhir.elements import Resource
from gpcli.sandbox.fhir.outcome import bad_request

_DEEPEST = 64


def decode(body: bytes, type_: str = "") -> Resource:
    """The resource in a body; of `type_`, if that is named. Raises Problem 400."""
    try:
        resource = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
        json.dumps(resource, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise bad_request("The body is not well-formed JSON.", "structure") from error
    if _depth(resource) > _DEEPEST:
        raise bad_request("The body is nested too deeply.", "structure")
    return _typed(resource, type_)


def _typed(resource: Any, type_: str) -> Resource:
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise bad_request("The body is no FHIR resource.", "structure")
    if type_ and resource["resourceType"] != type_:
        raise bad_request(f"The body is not a resource of type {type_}.")
    return resource


def _unique(pairs: list[tuple[str, Any]]) -> Resource:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return members


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


def _depth(element: Any) -> int:
    if isinstance(element, dict):
        return 1 + max((_depth(child) for child in element.values()), default=0)
    if isinstance(element, list):
        return 1 + max((_depth(child) for child in element), default=0)
    return 0
