"""Bundles: what was found, what came along, and where there is more (R4 3.1.1, Bundle)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gpcli.fhir.element import Element, Malformed, resource

_SEVERE = frozenset({"error", "fatal"})
_MISSING = frozenset({"forbidden", "incomplete", "security", "suppressed", "throttled"})
"""Codes (R4 IssueType) of issues that say, also as a warning, that data was left out."""


@dataclass
class Bundle:
    """A page, or several put together. `flaws` are phrases on what could not be read.

    `total` is how many matches the whole list has, as the portal says; `None` = it does not.
    """

    matches: list[Element] = field(default_factory=list)
    found: dict[str, Element] = field(default_factory=dict)
    next: str | None = None
    total: int | None = None
    flaws: list[str] = field(default_factory=list)
    _matched: set[str] = field(default_factory=set, repr=False, compare=False)

    def of(self, kind: str) -> Iterator[Element]:
        """The resources of one type, matched or included, in order."""
        return (each for each in self.found.values() if each.kind == kind)

    def get(self, reference: str | None) -> Element | None:
        """The resource that `Type/id` points to, if it came along."""
        return self.found.get(reference or "")

    def add(self, page: Bundle) -> None:
        """Put the next page behind this one; what was there already stays as it was."""
        for each in page.matches:
            self.match(each)
        for reference, each in page.found.items():
            self.found.setdefault(reference, each)
        self.next, self.total = page.next, page.total
        self.flaws += page.flaws

    def match(self, one: Element) -> None:
        """Count `one` as an answer to the question, once."""
        if one.ref not in self._matched:
            self._matched.add(one.ref)
            self.matches.append(one)


def read_bundle(json: object) -> Bundle:
    """A searchset; entries that can't be read become flaws. Raises Malformed."""
    root = resource(json)
    if root.kind != "Bundle":
        raise Malformed(f"the portal sent a {root.kind} where a Bundle was due")
    bundle = Bundle(next=_link(root, "next"), total=_total(root))
    for entry in root.children("entry"):
        _take(bundle, entry)
    return bundle


def _take(bundle: Bundle, entry: Element) -> None:
    try:
        one = _resource(entry)
        if one.kind == "OperationOutcome":
            bundle.flaws += _serious(one)
            return
        mode = entry.child("search")
        bundle.found.setdefault(one.ref, one)
        if mode is None or mode.text("mode") in {None, "match"}:
            bundle.match(bundle.found[one.ref])
    except Malformed as flaw:
        bundle.flaws.append(str(flaw))


def _resource(entry: Element) -> Element:
    if "resource" not in entry.json:
        raise Malformed(f"{entry.path} has no resource")
    return resource(entry.json["resource"])


def _serious(outcome: Element) -> list[str]:
    return [
        issue.phrase("details") or issue.text("diagnostics") or issue.text("code") or "no reason"
        for issue in outcome.children("issue")
        if issue.text("severity") in _SEVERE or issue.text("code") in _MISSING
    ]


def _total(root: Element) -> int | None:
    """`Bundle.total`; what is no number is no help, and no reason to refuse the page."""
    total = root.json.get("total")
    return total if isinstance(total, int) and not isinstance(total, bool) else None


def _link(root: Element, relation: str) -> str | None:
    links = root.children("link")
    return next((each.text("url") for each in links if each.text("relation") == relation), None)
