"""What faults do to an answer of the portal, by the part of each target and then as a whole."""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from joserfc import jwt
from werkzeug.wrappers import Response

from gpcli.sandbox.faults.exchange import Part, Target, read_json
from gpcli.sandbox.faults.request_effects import FaultyPortal
from gpcli.sandbox.faults.rules import FaultSpec
from gpcli.sandbox.fhir.elements import Resource, all_references
from gpcli.sandbox.smart.grant_types import SIGNING_ALGORITHM

HOSTILE = (
    "\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\"
    "\x1b]52;c;ZXZpbA==\x07 \x9b31m [red]markup[/red] \u202etxet\u2066\u200e\u200b a\tb\r\nc"
    "\x08\x7f \U000e0041"
)
"""What hostile words end with: sequences for terminals, markup, signs that are not seen."""
_WORDS = frozenset(
    {
        *("text", "display", "family", "given", "prefix", "suffix", "line", "city"),
        *("comment", "description", "title", "contentString", "patientInstruction", "unit"),
        *("valueString", "note", "diagnostics", "error_description"),
    }
)
"""Elements that hold somebody's words; nothing works without codes, ids and dates."""
_CODED_NAMES = ("CapabilityStatement", "Parameters")
"""Types in which a `name` is no word, but what programs go by."""
HUGE_BYTES = 64 * 1024 * 1024
_BLANKS = b" " * 65_536
_NOT_FOUND = 404
_ERRORS = 400


class ConnectionLost(Exception):
    """The connection is to be closed here."""


@dataclass(frozen=True)
class PartCase:
    """A rule that matches the target of a part; `patient` is whose record the caller may see."""

    portal: FaultyPortal
    target: Target
    spec: FaultSpec
    patient: str


PartEffect = Callable[[PartCase, Part], None]
"""Changes a part; one that it leaves as it is did not have the fault."""


def _count_one_more(case: PartCase, part: Part) -> None:
    if _is_searchset(part.resource) and "total" in part.resource:
        part.resource["total"] += 1


def _is_searchset(resource: Any) -> bool:
    return isinstance(resource, dict) and resource.get("type") == "searchset"


def _lose_entry(case: PartCase, part: Part) -> None:
    entries = part.resource.get("entry", []) if _is_searchset(part.resource) else []
    matches = [each for each in entries if each.get("search", {}).get("mode") == "match"]
    if matches:
        entries.remove(matches[-1])
    if matches and not entries:
        del part.resource["entry"]


def _lose_next(case: PartCase, part: Part) -> None:
    if _is_searchset(part.resource):
        links = part.resource.get("link", [])
        part.resource["link"] = [each for each in links if each["relation"] != "next"]


def _repeat_page(case: PartCase, part: Part) -> None:
    links = part.resource.get("link", []) if _is_searchset(part.resource) else []
    by_relation = {each["relation"]: each for each in links}
    if "next" in by_relation:
        by_relation["next"]["url"] = by_relation["self"]["url"]


def _add_other_patient(case: PartCase, part: Part) -> None:
    type_, _, id_ = case.target.path.partition("/")
    if case.target.interaction == "read" and part.status == _NOT_FOUND:
        found = case.portal.store.get(type_, id_)
        if found is not None:
            part.status, part.resource = 200, found
    elif case.patient and _is_searchset(part.resource):
        other = next(_others_records(case.portal, type_, case.patient), None)
        if other is not None:
            url = f"{case.portal.smart.fhir_base()}/{type_}/{other['id']}"
            entry = {"fullUrl": url, "resource": other, "search": {"mode": "match"}}
            part.resource["entry"] = [*part.resource.get("entry", ()), entry]
            part.resource["total"] = part.resource.get("total", 0) + 1


def _others_records(portal: FaultyPortal, type_: str, patient: str) -> Iterator[Resource]:
    """Yield records of other patients alone."""
    for resource in portal.store.find(type_):
        patients = {
            each["reference"]
            for each in all_references(resource)
            if each["reference"].startswith("Patient/")
        }
        if type_ == "Patient":
            patients = {f"Patient/{resource['id']}"}
        if patients and f"Patient/{patient}" not in patients:
            yield resource


def _make_hostile(case: PartCase, part: Part) -> None:
    part.resource = _with_hostile_words(part.resource)


def _with_hostile_words(element: Any, name: str = "", *, named: bool = True) -> Any:
    """Return a copy in which words are hostile; `named` = what is called `name` is one of them."""
    if isinstance(element, dict):
        named = named and element.get("resourceType") not in _CODED_NAMES
        return {key: _with_hostile_words(value, key, named=named) for key, value in element.items()}
    if isinstance(element, list):
        return [_with_hostile_words(each, name, named=named) for each in element]
    is_word = name in _WORDS or (named and name == "name")
    return element + HOSTILE if isinstance(element, str) and is_word else element


def _change_status(case: PartCase, part: Part) -> None:
    part.status = case.spec.number


def _lose_etag(case: PartCase, part: Part) -> None:
    part.has_etag = False


def _lose_outcome(case: PartCase, part: Part) -> None:
    if part.status >= _ERRORS:
        part.resource = None


PART_EFFECTS: Mapping[str, PartEffect] = {
    "wrong-total": _count_one_more,
    "lost-entry": _lose_entry,
    "lost-next": _lose_next,
    "repeated-page": _repeat_page,
    "other-patient": _add_other_patient,
    "hostile-text": _make_hostile,
    "wrong-status": _change_status,
    "lost-etag": _lose_etag,
    "lost-outcome": _lose_outcome,
}
"""By the name of the kind."""


def change_part(case: PartCase, part: Part) -> Part | None:
    """Return the part with the fault of the case; None if it would be as it is."""
    changed = deepcopy(part)
    PART_EFFECTS[case.spec.kind.name](case, changed)
    return None if changed == part else changed


ResponseEffect = Callable[[FaultyPortal, FaultSpec, Response], Response]
"""Returns the answer that is sent instead of the one that is given."""


def _shift_clock(portal: FaultyPortal, spec: FaultSpec, response: Response) -> Response:
    shifted = parsedate_to_datetime(response.headers["Date"]) + spec.length
    response.headers["Date"] = format_datetime(shifted, usegmt=True)
    document = read_json(response.get_data())
    if isinstance(document, dict) and "id_token" in document:
        document["id_token"] = _shift_claims(portal, document["id_token"], spec.length)
        response.set_data(json.dumps(document))
    return response


def _shift_claims(portal: FaultyPortal, id_token: str, step: timedelta) -> str:
    """Return the ID token with its times shifted, and signed anew."""
    token = jwt.decode(id_token, portal.smart.keys, algorithms=[SIGNING_ALGORITHM])
    seconds = round(step.total_seconds())
    claims = {
        name: value + seconds if name in ("iat", "exp") else value
        for name, value in token.claims.items()
    }
    return jwt.encode(token.header, claims, portal.smart.keys, algorithms=[SIGNING_ALGORITHM])


def _cut_json(portal: FaultyPortal, spec: FaultSpec, response: Response) -> Response:
    body = response.get_data()
    response.set_data(body[: len(body) // 2])
    return response


def _add_blanks(portal: FaultyPortal, spec: FaultSpec, response: Response) -> Response:
    def stream() -> Iterator[bytes]:
        yield response.get_data()
        for _ in range(HUGE_BYTES // len(_BLANKS)):
            yield _BLANKS

    return _build_stream(response, stream(), length=None)


def _drip(portal: FaultyPortal, spec: FaultSpec, response: Response) -> Response:
    body, step = response.get_data(), max(spec.number, 1)

    def stream() -> Iterator[bytes]:
        for start in range(0, len(body), step):
            portal.pause(timedelta(seconds=1 if start else 0))
            yield body[start : start + step]

    return _build_stream(response, stream(), length=len(body))


def _cut_reply(portal: FaultyPortal, spec: FaultSpec, response: Response) -> Response:
    body = response.get_data()

    def stream() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        raise ConnectionLost

    return _build_stream(response, stream(), length=max(len(body), 1))


def _lose_reply(portal: FaultyPortal, spec: FaultSpec, response: Response) -> Response:
    raise ConnectionLost


def _build_stream(response: Response, pieces: Iterator[bytes], *, length: int | None) -> Response:
    stream = Response(pieces, response.status_code, response.headers)
    stream.headers.remove("Content-Length")
    if length is not None:
        stream.headers["Content-Length"] = str(length)
    return stream


RESPONSE_EFFECTS: Mapping[str, ResponseEffect] = {
    "clock": _shift_clock,
    "bad-json": _cut_json,
    "huge-body": _add_blanks,
    "slow-drip": _drip,
    "cut-reply": _cut_reply,
    "lost-reply": _lose_reply,
}
"""By the name of the kind."""
