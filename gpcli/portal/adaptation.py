"""A search in the words of one portal: only what its CapabilityStatement lists is sent.

Source: R4 search.html 3.1.1, capabilitystatement.html.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from gpcli.errors import NotPermitted
from gpcli.fhir.element import Malformed, read_resource
from gpcli.http.client import HttpResponse
from gpcli.portal.capabilities import OTHER_WAY_HINT, Capabilities
from gpcli.portal.queries import Query

Param = tuple[str, str]

_INCLUDE, _REVINCLUDE = "_include", "_revinclude"
_RESULT_PARAMS = frozenset({"_count", "_sort", "_elements", _INCLUDE, _REVINCLUDE})
"""Parameters that say how the result is to be given, and not which records."""

_PATIENT = ("patient", "{}")
_SUBJECT = (_PATIENT, ("subject", "Patient/{}"))
_PATIENT_WORDS: Mapping[str, tuple[Param, ...]] = {
    "Appointment": (_PATIENT, ("actor", "Patient/{}")),
    "AppointmentResponse": (),  # its actor is who answers
    "Communication": _SUBJECT,
    "Consent": _SUBJECT,
    "DocumentReference": _SUBJECT,
    "Immunization": (_PATIENT,),
    "MedicationDispense": _SUBJECT,
    "MedicationRequest": _SUBJECT,
    "Task": _SUBJECT,
}
"""Resource type in the patient compartment -> the parameters that find all of a patient's."""

_PARTIAL_WORDS: Mapping[str, tuple[Param, str]] = {
    "Communication": (
        ("recipient", "Patient/{}"),
        "messages that you sent: the portal can only be searched for those to you",
    ),
}
"""Resource type -> a parameter that finds some of a patient's records, and what it does not.

It is for lists alone: what it does not find would be taken for not there.
"""

IDENTIFYING = frozenset(
    {
        *("_id", "identifier", "patient", "subject", "actor", "recipient"),
        *("part-of", "slot", "schedule.actor", "organization", "start"),
        *("appointment", "practitioner", "service", "service-type"),
    }
)
"""Parameters that a search can't do without: they say whose records, or which."""

_INCLUDED_TYPES: Mapping[str, str] = {
    "schedule": "Schedule",
    "medication": "Medication",
    "organization": "Organization",
    "practitioner": "Practitioner",
    "location": "Location",
    "service": "HealthcareService",
}
"""Search parameter that refers to records of one type -> that type."""

_BAD_REQUEST = 400
_PERHAPS_PARAMETER = frozenset({422, 501})
"""Statuses with which portals refuse a parameter, and other things as well."""
_PARAMETER_ISSUES = frozenset(
    {"not-supported", "invalid", "value", "structure", "required", "code-invalid", "processing"}
)
"""Issue codes (R4 IssueType) of an OperationOutcome that may be about a parameter."""


@dataclass(frozen=True)
class AdaptedQuery:
    """A query, and what is sent for it at one portal.

    `sent` is the search that takes its place. Where `ids` has any, records are read by these ids
    instead. `left_out` are the parameters of `asked` that are not sent as they are. `missing` is a
    phrase on what can't be found in this way; `None` where nothing is known to be missing.
    """

    asked: Query
    sent: Query
    ids: tuple[str, ...] = ()
    left_out: tuple[Param, ...] = ()
    missing: str | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs to get, relative to the base."""
        if not self.ids:
            return (self.sent.url,)
        return tuple(f"{self.asked.resource_type}/{each}" for each in self.ids)

    @property
    def sent_params(self) -> Collection[Param]:
        """The parameters that are sent."""
        return () if self.ids else self.sent.params

    @property
    def is_sorted(self) -> bool:
        """Whether the portal is told to sort as the query wants."""
        sorts = {each for each in self.asked.params if each[0] == "_sort"}
        return not self.ids and sorts <= {*self.sent.params}

    @property
    def plainer(self) -> AdaptedQuery | None:
        """The same with the identifying parameters alone; `None` where it has no others."""
        params = tuple(each for each in self.sent.params if each[0] in IDENTIFYING)
        if self.ids or params == self.sent.params:
            return None
        return self.with_sent(params)

    def with_sent(self, params: tuple[Param, ...]) -> AdaptedQuery:
        """Return the same with other parameters to send."""
        sent = Query(self.asked.resource_type, params)
        left_out = tuple(each for each in self.asked.params if each not in params)
        return replace(self, sent=sent, left_out=left_out)


def adapt(query: Query, capabilities: Capabilities, patient: str | None) -> AdaptedQuery:
    """Return what to send for a query at a portal.

    `patient` is the id of the patient whose records are wanted; `None` where it is not known.
    What is left out has to be made up for by who asks: criteria, order, included records.
    Raises: NotPermitted where the portal lists no such type, or no way to find such records: then
    nothing is known of what is there.
    """
    resource_type, can = query.resource_type, capabilities
    if not can.has_type(resource_type):
        raise _not_listed(query, "no such type")
    listed = _listed_params(can, resource_type)
    ids = tuple(value for name, value in query.params if name == "_id")
    if ids and not (can.can_search(resource_type) and (listed is None or "_id" in listed)):
        if not can.can_read(resource_type):
            raise _no_way(query)
        wanted = tuple(filter(None, ",".join(ids).split(",")))
        return AdaptedQuery(query, Query(resource_type, ()), wanted, query.params)
    if not can.can_search(resource_type):
        raise _no_way(query)
    whole = AdaptedQuery(query, query)
    if not can.lists_types:
        return whole
    criteria, missing = _adapt_criteria(query, listed, patient)
    params = (*criteria, *_adapt_results(query, can))
    return replace(whole.with_sent(params), missing=missing)


def is_parameter_refused(response: HttpResponse) -> bool:
    """Return whether a response may refuse a search for one of its parameters.

    It does with 400, or where an OperationOutcome may be about one, with 422 or 501; never where
    a problem code of ours says why.
    """
    if response.status not in {_BAD_REQUEST, *_PERHAPS_PARAMETER}:
        return False
    codes, has_problem = _read_issues(response.body)
    if has_problem:
        return False
    return response.status == _BAD_REQUEST or bool(codes & _PARAMETER_ISSUES)


def _read_issues(body: Any) -> tuple[set[str], bool]:
    """Return the issue codes of an OperationOutcome, and whether it has a problem code of ours."""
    try:
        issues = read_resource(body, []).children("issue")
    except Malformed:
        return set(), False
    systems = {coding.system for each in issues for coding in each.codings("details")}
    return {each.string("code") or "" for each in issues}, "urn:gpcli:problem" in systems


def _listed_params(can: Capabilities, resource_type: str) -> Collection[str] | None:
    """Return the parameters that may be sent for a type; `None` where nothing is said of it."""
    own = can.search_params.get(resource_type)
    return (*own, *can.server_search_params) if own else None


def _adapt_criteria(
    query: Query, listed: Collection[str] | None, patient: str | None
) -> tuple[tuple[Param, ...], str | None]:
    """Return the criteria to send, and what they do not find."""
    criteria = tuple(each for each in query.params if _base(each[0]) not in _RESULT_PARAMS)
    if listed is None:
        return criteria, None
    kept = tuple(each for each in criteria if _is_listed(each[0], listed))
    if query.resource_type not in _PATIENT_WORDS or any(_is_identifying(each) for each in kept):
        return kept, None
    whose = _find_patient(criteria) or patient
    word, missing = _name_patient(query, listed, whose)
    return (word, *(each for each in kept if each != word)), missing


def _name_patient(
    query: Query, listed: Collection[str], patient: str | None
) -> tuple[Param, str | None]:
    """Return the parameter that finds a patient's records, and what it does not find.

    Raises: NotPermitted where there is none.
    """
    if patient is None:
        raise _no_way(query)
    for name, template in _PATIENT_WORDS[query.resource_type]:
        if name in listed:
            return (name, template.format(patient)), None
    partly = _PARTIAL_WORDS.get(query.resource_type)
    if partly is None or partly[0][0] not in listed or not query.is_list:
        raise _no_way(query)
    (name, template), missing = partly
    return (name, template.format(patient)), missing


def _find_patient(criteria: Iterable[Param]) -> str | None:
    """Return the id of the patient whose records a query is for; `None` where it names none."""
    return next((value for name, value in criteria if name == "patient"), None)


def _adapt_results(query: Query, can: Capabilities) -> Iterator[Param]:
    """Yield the parameters of a query on its result that may be sent."""
    includes = tuple(_adapt_includes(query, can))
    has_include = any(name == _INCLUDE for name, _ in includes)
    for name, value in query.params:
        base = _base(name)
        if base in {_INCLUDE, _REVINCLUDE}:
            is_first = name != "_include:iterate" or has_include
            yield from (each for each in includes if is_first and _comes_of(each, (name, value)))
        elif base in _RESULT_PARAMS and _may_send(base, value, query.resource_type, can):
            yield name, value


def _adapt_includes(query: Query, can: Capabilities) -> Iterator[Param]:
    for name, value in query.params:
        if _base(name) not in {_INCLUDE, _REVINCLUDE}:
            continue
        source, _, param = value.partition(":")
        if can.has_type(source) and can.has_type(_INCLUDED_TYPES.get(param, source)):
            yield from ((name, each) for each in _listed_includes(query, name, value, can))


def _listed_includes(query: Query, name: str, value: str, can: Capabilities) -> Iterable[str]:
    """Return the values to send for one include: it, or those of its target types, or none.

    A statement that names no include at all says nothing of them. An include of what is included
    may be listed for the type that refers.
    """
    base, source = _base(name), value.partition(":")[0]
    values = can.includes if base == _INCLUDE else can.revincludes
    by_name = partial(_is_named, base, query.resource_type, can)
    if not values and not _is_spoken_of(base, can):
        return (value,)
    own = values.get(query.resource_type, ())
    listed = (*own, *(values.get(source, ()) if name != base else ()))
    if not listed:
        return (value,) if by_name() else ()
    if {"*", value, f"{source}:*"} & {*listed}:
        return (value,)
    return (each for each in listed if each.startswith(f"{value}:"))


def _comes_of(include: Param, asked: Param) -> bool:
    """Return whether a parameter to send is an asked one, or that with a target type."""
    name, value = include
    return name == asked[0] and (value == asked[1] or value.startswith(f"{asked[1]}:"))


def _may_send(base: str, value: str, resource_type: str, can: Capabilities) -> bool:
    """Return whether `_count`, `_sort` or `_elements` may be sent.

    R4 lists search parameters, which these are not: only a statement that names such a parameter
    anywhere speaks of them.
    """
    if not _speaks_of_results(can):
        return _can_sort(base, value, resource_type, can)
    is_named = _is_named(base, resource_type, can)
    return is_named and _can_sort(base, value, resource_type, can)


def _can_sort(base: str, value: str, resource_type: str, can: Capabilities) -> bool:
    """Return whether the key of `_sort` is listed; True for all other parameters."""
    listed = _listed_params(can, resource_type)
    return base != "_sort" or listed is None or value.removeprefix("-") in listed


def _speaks_of_results(can: Capabilities) -> bool:
    return any(_is_spoken_of(each, can) for each in _RESULT_PARAMS)


def _is_spoken_of(base: str, can: Capabilities) -> bool:
    """Return whether a statement names a parameter for any type or for the server."""
    return base in can.server_search_params or any(
        base in each for each in can.search_params.values()
    )


def _is_named(base: str, resource_type: str, can: Capabilities) -> bool:
    """Return whether a statement names a parameter for a type or for the server.

    Where it lists no parameters of the type, it does not speak of that type.
    """
    listed = _listed_params(can, resource_type)
    return listed is None or base in listed


def _is_listed(name: str, listed: Collection[str]) -> bool:
    """Return whether a criterion is listed, by its name before a modifier or a chain."""
    base = _base(name)
    return base in listed or base.partition(".")[0] in listed


def _is_identifying(param: Param) -> bool:
    return param[0] in IDENTIFYING and param[0] != "start"


def _base(name: str) -> str:
    return name.partition(":")[0]


def _no_way(query: Query) -> NotPermitted:
    return _not_listed(query, "no search that would find them")


def _not_listed(query: Query, missing: str) -> NotPermitted:
    return NotPermitted(
        f"The portal can't be asked for {query.resource_type}: its description lists {missing}. "
        "Nothing was looked for.",
        hint=OTHER_WAY_HINT,
    )
