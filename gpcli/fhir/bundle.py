"""Searchset bundles: matches, included resources, and the link to the next page (R4 3.1.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gpcli.fhir.element import Element, Malformed, read_resource

_ERROR_SEVERITIES = frozenset({"error", "fatal"})
_INCOMPLETE_CODES = frozenset({"forbidden", "incomplete", "security", "suppressed", "throttled"})
"""Issue codes (R4 IssueType) that mean left-out data, even with the severity `warning`."""


@dataclass
class Bundle:
    """One page of search results, or several merged.

    `resources` holds matches and included resources by `Type/id`. `next_url` is the link to the
    next page, `None` on the last. `total` is the number of matches on all pages as the portal
    states it; `None` where it does not. `flaws` are phrases on what could not be read.
    """

    matches: list[Element] = field(default_factory=list)
    resources: dict[str, Element] = field(default_factory=dict)
    next_url: str | None = None
    total: int | None = None
    flaws: list[str] = field(default_factory=list)
    _match_references: set[str] = field(default_factory=set, repr=False, compare=False)

    def of_type(self, resource_type: str) -> Iterator[Element]:
        """Iterate over the resources of one type, matched or included, in order."""
        return (each for each in self.resources.values() if each.resource_type == resource_type)

    def matches_of_type(self, resource_type: str) -> list[Element]:
        """Return the matches of one type, in order."""
        return [each for each in self.matches if each.resource_type == resource_type]

    def get(self, reference: str | None) -> Element | None:
        """Return the resource that `Type/id` points to; `None` if the bundle lacks it."""
        return self.resources.get(reference or "")

    def merge(self, page: Bundle) -> None:
        """Add `page`, which replaces the link and the total; resources that are there are kept."""
        for match in page.matches:
            self.add_match(match)
        for reference, resource in page.resources.items():
            self.resources.setdefault(reference, resource)
        self.next_url, self.total = page.next_url, page.total
        self.flaws += page.flaws

    def add_match(self, resource: Element) -> None:
        """Add `resource` to the matches, once."""
        if resource.relative_reference not in self._match_references:
            self._match_references.add(resource.relative_reference)
            self.matches.append(resource)


def read_bundle(json: object) -> Bundle:
    """Return a Bundle as a page of results; entries that can't be read become flaws.

    Raises Malformed.
    """
    root = read_resource(json)
    if root.resource_type != "Bundle":
        raise Malformed(f"the portal sent a {root.resource_type} where a Bundle was due")
    bundle = Bundle(next_url=_find_link(root, "next"), total=_read_total(root))
    for entry in root.children("entry"):
        _add_entry(bundle, entry)
    return bundle


def _add_entry(bundle: Bundle, entry: Element) -> None:
    try:
        resource = _entry_resource(entry)
        if resource.resource_type == "OperationOutcome":
            bundle.flaws += _reported_problems(resource)
            return
        search = entry.child("search")
        bundle.resources.setdefault(resource.relative_reference, resource)
        if search is None or search.string("mode") in {None, "match"}:
            bundle.add_match(bundle.resources[resource.relative_reference])
    except Malformed as error:
        bundle.flaws.append(str(error))


def _entry_resource(entry: Element) -> Element:
    if "resource" not in entry.json:
        raise Malformed(f"{entry.path} has no resource")
    return read_resource(entry.json["resource"])


def _reported_problems(outcome: Element) -> list[str]:
    return [
        issue.concept_text("details")
        or issue.string("diagnostics")
        or issue.string("code")
        or "no reason"
        for issue in outcome.children("issue")
        if issue.string("severity") in _ERROR_SEVERITIES
        or issue.string("code") in _INCOMPLETE_CODES
    ]


def _read_total(root: Element) -> int | None:
    """Return `Bundle.total`; `None` also where it is no integer, which spoils no page."""
    total = root.json.get("total")
    return total if isinstance(total, int) and not isinstance(total, bool) else None


def _find_link(root: Element, relation: str) -> str | None:
    links = root.children("link")
    return next((link.string("url") for link in links if link.string("relation") == relation), None)
