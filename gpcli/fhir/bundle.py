"""Searchset bundles: matches, included resources, and the link to the next page (R4 3.1.1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from gpcli.fhir.element import Element, Malformed, Reference, read_resource
from gpcli.fhir.modifiers import NotUnderstood, require_understood

_ERROR_SEVERITIES = frozenset({"error", "fatal"})
_INCOMPLETE_CODES = frozenset({"forbidden", "incomplete", "security", "suppressed", "throttled"})
"""Issue codes (R4 IssueType) that mean left-out data, even with the severity `warning`."""


@dataclass
class Bundle:
    """One page of search results, or several merged.

    `resources` holds matches and included resources by `Type/id`. `next_url` is the link to the
    next page, `None` on the last; `broken_next` says why one can't be read, `None` = none is there.
    `total` is the number of matches on all pages as the portal states it; `None` where it does not.
    `flaws` are phrases on what could not be read or was kept back, `broken_count` how many entries
    could not; `remarks` are sentences with what the portal says besides. `failure` is one with what
    it says where it sent an error and no match; `None` otherwise. `not_understood` has, by
    `Type/id`, why included resources were left out: what hangs on one of these can't be understood
    either.
    """

    matches: list[Element] = field(default_factory=list)
    resources: dict[str, Element] = field(default_factory=dict)
    next_url: str | None = None
    total: int | None = None
    flaws: list[str] = field(default_factory=list)
    broken_count: int = 0
    remarks: list[str] = field(default_factory=list)
    broken_next: str | None = None
    failure: str | None = None
    not_understood: dict[str, NotUnderstood] = field(default_factory=dict)
    _match_references: set[str] = field(default_factory=set, repr=False, compare=False)
    _referring: dict[tuple[str, str, int], dict[str | None, list[Element]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def of_type(self, resource_type: str) -> Iterator[Element]:
        """Iterate over the resources of one type, matched or included, in order."""
        return (each for each in self.resources.values() if each.resource_type == resource_type)

    def find_referring(self, resource_type: str, element: str, target: str) -> Sequence[Element]:
        """Return the resources of one type whose `element` refers to `target`, in order.

        Each type is looked through once, and again only where resources were added since.
        """
        key = (resource_type, element, len(self.resources))
        if key not in self._referring:
            by_target: dict[str | None, list[Element]] = {}
            for each in self.of_type(resource_type):
                by_target.setdefault(each.reference(element), []).append(each)
            self._referring[key] = by_target
        return self._referring[key].get(target, ())

    def matches_of_type(self, resource_type: str) -> list[Element]:
        """Return the matches of one type, in order."""
        return [each for each in self.matches if each.resource_type == resource_type]

    def get(self, reference: str | None) -> Element | None:
        """Return the resource that `Type/id` points to; `None` if the bundle lacks it."""
        return self.resources.get(reference or "")

    def came(self, reference: str) -> bool:
        """Return whether the resource `Type/id` is here, or was and is not understood."""
        return reference in self.resources or reference in self.not_understood

    def require_understood(self, reference: Reference | str | None) -> None:
        """Raise NotUnderstood where what a reference points to was left out for a modifier."""
        target = reference.target if isinstance(reference, Reference) else reference
        if target in self.not_understood:
            raise self.not_understood[target]

    def resolve(
        self,
        reference: Reference | str | None,
        holder: Element,
        kinds: Collection[str] | None = None,
    ) -> Element | None:
        """Return the resource that a reference of `holder` points to, here or contained in it.

        A reference by an identifier alone points to the one resource here that has it, to none
        where several have it; only resources of `kinds` count, where these are given.
        """
        target = reference.target if isinstance(reference, Reference) else reference
        if target and target.startswith("#"):
            return holder.contained(target)
        if target or not isinstance(reference, Reference) or reference.identifier is None:
            return self.get(target)
        found = [
            each
            for each in self.resources.values()
            if reference.type in {each.resource_type, None}
            and (kinds is None or each.resource_type in kinds)
            and reference.identifier in each.identifier_pairs()
        ]
        return found[0] if len(found) == 1 else None

    def merge(self, page: Bundle) -> None:
        """Add `page`, which replaces the link and the total; resources that are there are kept.

        What failed is that of the first page: the others come after it.
        """
        for match in page.matches:
            self.add_match(match)
        for reference, resource in page.resources.items():
            self.resources.setdefault(reference, resource)
        self.not_understood |= page.not_understood
        self.next_url, self.total = page.next_url, page.total
        self.flaws += page.flaws

    def copy(self) -> Bundle:
        """Return a bundle to merge others into, with the same resources."""
        return replace(
            self,
            matches=list(self.matches),
            resources=dict(self.resources),
            flaws=list(self.flaws),
            not_understood=dict(self.not_understood),
            _match_references=set(self._match_references),
            _referring={},
        )

    def add_match(self, resource: Element) -> None:
        """Add `resource` to the matches, once."""
        if resource.relative_reference not in self._match_references:
            self._match_references.add(resource.relative_reference)
            self.matches.append(resource)


def read_bundle(
    json: object, flaws: list[str] | None = None, bases: Collection[str] = ()
) -> Bundle:
    """Return a Bundle as a page of results; entries and links that can't be read become flaws.

    An OperationOutcome in its place is a page without results, which has failed. With `flaws` its
    resources are read leniently; these and `bases` are as in `element.Origin`.
    An included resource with a modifier that gpcli does not know is left out, as a flaw.

    Raises Malformed.
    """
    root = read_resource(json)
    if root.resource_type == "OperationOutcome":
        failure = _quote(_read_words(root.children("issue")))
        return Bundle(flaws=[f"a list, which the portal did not send. {failure}"], failure=failure)
    if root.resource_type != "Bundle":
        raise Malformed(f"the portal sent {root.resource_type} where a Bundle was due")
    bundle = Bundle(total=_read_total(root))
    try:
        bundle.next_url = _find_next(root)
    except Malformed as error:
        bundle.broken_next = str(error)
    known = {*bases, *_match_bases(root)} if bases else set[str]()
    for value in _entries(root):
        try:
            _add_entry(bundle, value, flaws, known)
        except Malformed as error:
            bundle.broken_count += 1
            bundle.flaws.append(str(error))
    if bundle.matches:
        bundle.failure = None
    return bundle


def _entries(root: Element) -> list[Any]:
    """Return what stands in the list of entries; raise Malformed where there is no list."""
    values = root.json.get("entry")
    if values is None or isinstance(values, list):
        return values or []
    raise root.malformed("entry")


def _add_entry(
    bundle: Bundle, value: object, flaws: list[str] | None, bases: Collection[str]
) -> None:
    if not isinstance(value, dict):
        raise Malformed("Bundle.entry is not what R4 says")
    entry = Element(value, "Bundle.entry")
    record = entry.child("resource")
    if record is None:
        raise Malformed(f"{entry.path} has no resource")
    resource = read_resource(record.json, flaws, bases)
    if resource.resource_type == "OperationOutcome":
        _add_outcome(bundle, resource.strictly())
        return
    is_match = _is_match(entry)
    if not is_match:
        _require_included(bundle, resource)
    bundle.resources.setdefault(resource.relative_reference, resource)
    if is_match:
        bundle.add_match(bundle.resources[resource.relative_reference])


def _require_included(bundle: Bundle, resource: Element) -> None:
    try:
        require_understood(resource)
    except NotUnderstood as error:
        bundle.not_understood[resource.relative_reference] = error
        raise


def _is_match(entry: Element) -> bool:
    search = entry.child("search")
    return search is None or search.string("mode") in {None, "match"}


def _match_bases(root: Element) -> Iterator[str]:
    """Yield the FHIR base URLs in the `fullUrl` of the matches: those of the server itself.

    A gateway before it may have another address.
    """
    for entry in (each for each in _entries(root) if isinstance(each, dict)):
        full_url, resource = entry.get("fullUrl"), entry.get("resource")
        if not isinstance(full_url, str) or not isinstance(resource, dict):
            continue
        ending = f"/{resource.get('resourceType')}/{resource.get('id')}"
        if full_url.endswith(ending) and "://" in full_url:
            with suppress(Malformed):  # becomes a flaw when the entry is read
                if _is_match(Element(entry, "Bundle.entry")):
                    yield full_url.removesuffix(ending)


def _add_outcome(bundle: Bundle, outcome: Element) -> None:
    """Add what the portal says of a search: of errors, of left-out data, and its warnings."""
    for issue in outcome.children("issue"):
        severity, words = issue.string("severity"), _read_words([issue])
        if severity in _ERROR_SEVERITIES:
            bundle.failure = bundle.failure or _quote(words)
        if severity in _ERROR_SEVERITIES or issue.string("code") in _INCOMPLETE_CODES:
            bundle.flaws.append(f"part of what was asked for. {_quote(words)}")
        elif severity == "warning" and words:
            bundle.remarks.append(f"The portal says: {words}")


def _read_words(issues: Iterable[Element]) -> str:
    """Return the words of issues of an OperationOutcome, else their codes; empty without any."""
    words = (
        each.concept_text("details") or each.string("diagnostics") or each.string("code")
        for each in issues
    )
    return "; ".join(filter(None, words))


def _quote(words: str) -> str:
    return f"The portal says: {words}" if words else "The portal does not say why."


def _read_total(root: Element) -> int | None:
    """Return `Bundle.total`; `None` also where it is no integer, which spoils no page."""
    total = root.json.get("total")
    return total if isinstance(total, int) and not isinstance(total, bool) else None


def _find_next(root: Element) -> str | None:
    """Return the URL of the link to the next page, `None` without one; raise Malformed."""
    links = (link for link in root.children("link") if link.string("relation") == "next")
    return next((link.require_string("url") for link in links), None)
