"""Make a plain R4 server tell gpcli which services its GPs offer, and what these cost.

    python docs/seed_services.py FHIR-BASE services.toml [--dry-run]

docs/services.example.toml shows all that the file may say, docs/portal.md what becomes of it. The
server has the PractitionerRoles; the script makes a HealthcareService for each service and a
ChargeItemDefinition for each price, and adds the services to PractitionerRole.healthcareService.
It finds what it made by identifier: a second run changes nothing. What is no longer in the file
becomes inactive (a price: retired); nothing is deleted, and elements that the file does not speak
of stay as they are. Updates carry If-Match where the server has versions.

The access token is in GPCLI_SEED_TOKEN; without it none is sent. `--dry-run` only reads.
Exit codes: 0 done; 1 the server or the network refused, or something was left out; 2 bad input.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

Json = dict[str, Any]

TOKEN = "GPCLI_SEED_TOKEN"  # noqa: S105  (the name of a variable)
SAFE_BASE = r"(https://[^/?#@\s]+|http://(localhost|127\.0\.0\.1)(:\d+)?)(/[^?#\s]*)?"
GUIDE = "urn:gpcli:portal"
SERVICE_SYSTEM = "urn:gpcli:gp-service"
CHANNEL_SYSTEM = "urn:gpcli:channel"
CHANNELS = ("in-person", "phone", "video", "text")
SERVICES = (
    "e-consultation", "contact", "prescription-renewal", "booking", "booking-enquiry",
    "cancellation", "flu-vaccination",
)  # fmt: skip
PRICED = {code: code for code in SERVICES} | {
    "late-cancellation": "cancellation", "no-show": "booking",
}  # fmt: skip
"""What may have a price -> the service that the price belongs to."""


def _in_hours(value: int) -> Json:
    return {"value": value, "unit": "h", "system": "http://unitsofmeasure.org", "code": "h"}


EXTENSIONS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "late-cancelling": ("urn:gpcli:late-cancellation", "valueCode", str),
    "cancel-notice-hours": ("urn:gpcli:cancel-notice", "valueDuration", _in_hours),
    "deep-link": ("urn:gpcli:booking-deep-link", "valueUrl", str),
    "max-text": ("urn:gpcli:max-text", "valueInteger", int),
    "max-attachment-bytes": ("urn:gpcli:max-attachment-bytes", "valueInteger", int),
    "attachment-types": ("urn:gpcli:attachment-types", "valueString", " ".join),
}
"""Key of the file -> extension of a HealthcareService, the element of its value, how it is made."""
CHARGED_AT = "urn:gpcli:charged-at"
VENUE = {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": "venue"}
NEEDED = {
    "PractitionerRole search-type", "PractitionerRole update",
    "HealthcareService search-type", "HealthcareService create", "HealthcareService update",
}  # fmt: skip
PRICES_NEED = {f"ChargeItemDefinition {each}" for each in ("search-type", "create", "update")}
ADVICE = {
    401: f"Put an access token that holds into {TOKEN}.",
    403: "The token does not permit this.",
    409: "Was it changed meanwhile? Run the script again.",
    412: "It was changed meanwhile: run the script again.",
}
"""What to do, by status."""
BY_HAND = f"""By hand, in the portal itself:
- Consents: once a portal tells its services in gpcli's codes, a patient without an active Consent
  of the level `full-access` (policyRule, `urn:gpcli:consent-level`) can use none of them. A portal
  that decides by itself shows no Consent at all (403).
- CapabilityStatement.implementationGuide: `{GUIDE}`, so that a GP without any service is known to
  offer none."""


class BadInput(Exception):
    """The command line or the file is wrong; `args` are sentences, each with its place."""


class Refused(Exception):
    """The server or the network refused; the message says what, and what to do."""


Rule = tuple[Callable[[Any], bool], str]
"""Whether a value is right, and what it has to be."""


def _matching(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_TEXT[0], value))


def _is_moment(value: Any) -> bool:
    return isinstance(value, date) and not (isinstance(value, datetime) and not value.tzinfo)


_TEXT: Rule = (_matching(r"(?s).*\S.*"), "a text")
_TEXTS: Rule = (_is_texts, "a list of texts")
_CHANNELS: Rule = (lambda v: _is_texts(v) and {*v} <= {*CHANNELS}, f"a list of {CHANNELS}")
_COUNT: Rule = (lambda v: type(v) is int and 0 < v < 2**31, "a whole number above 0")
_AMOUNT: Rule = (lambda v: type(v) in (int, float) and 0 <= v < 1e9, "an amount, 0 or more")
_MOMENT: Rule = (_is_moment, "a date, or a date and time with its offset")
_FLAG: Rule = (lambda v: isinstance(v, bool), "true or false")
_HTTPS: Rule = (_matching(r"https://[^\s/|]+[^\s|]*"), "an address with https://")
_LATE: Rule = (_matching("charged|refused"), "'charged' or 'refused'")
_CURRENCY: Rule = (_matching("[A-Z]{3}"), "three capitals, as in NOK")
_TABLE: Rule = (lambda v: isinstance(v, dict), "a table")
_TABLES: Rule = (lambda v: isinstance(v, list) and {*map(type, v)} == {dict}, "a list of tables")
_FILE = {"identifier-system": _HTTPS, "currency": _CURRENCY, "role": _TABLES}
_ROLE = {"role": _TEXT, "services": _TABLE, "prices": _TABLE}
_RATE = {"who": _TEXT, "base": _AMOUNT, "invoice-fee": _AMOUNT}
_ANY_SERVICE = {
    "name": _TEXT, "channels": _CHANNELS, "answer-time": _TEXT, "eligibility": _TEXTS,
    "off-from": _MOMENT, "off-until": _MOMENT, "off-reason": _TEXT, "deep-link": _HTTPS,
    "charged-at-sending": _FLAG,
}  # fmt: skip
_MESSAGE = {"max-text": _COUNT, "max-attachment-bytes": _COUNT, "attachment-types": _TEXTS}
_OF_SERVICE = {
    "e-consultation": _MESSAGE,
    "contact": _MESSAGE,
    "cancellation": {"late-cancelling": _LATE, "cancel-notice-hours": _COUNT},
}


def check_file(file: Json) -> list[str]:
    """Return what is wrong with the file, each sentence with its place."""
    found = list(_check(file, _FILE, "", _FILE))
    for number, role in enumerate([] if found else file["role"], 1):
        place = f"role[{number}]"
        found += list(_check(role, _ROLE, place, ["role"])) or _check_role(role, place)
    return found


def _check(table: Json, rules: dict[str, Rule], place: str, needed: Iterable[str]) -> Iterator[str]:
    prefix = f"{place}." if place else ""
    for key in sorted(set(needed) - table.keys()):
        yield f"{prefix}{key} is missing."
    for key, value in table.items():
        if key not in rules:
            yield f"{prefix}{key} is not known here; known are {', '.join(rules)}."
        elif not rules[key][0](value):
            yield f"{prefix}{key} has to be {rules[key][1]}."


def _check_role(role: Json, place: str) -> Iterator[str]:
    services, prices = role.get("services", {}), role.get("prices", {})
    wrong = [
        *_check(services, dict.fromkeys(SERVICES, _TABLE), f"{place}.services", ()),
        *_check(prices, dict.fromkeys(PRICED, _TABLES), f"{place}.prices", ()),
    ]
    yield from wrong
    for code, said in {} if wrong else services.items():
        yield from _check_service(code, said, f"{place}.services.{code}", prices)
    for code, rates in {} if wrong else prices.items():
        for number, rate in enumerate(rates, 1):
            yield from _check(rate, _RATE, f"{place}.prices.{code}[{number}]", ["base"])
        if PRICED[code] not in services:
            yield f"{place}.prices.{code} needs {place}.services.{PRICED[code]}."


def _check_service(code: str, said: Json, place: str, prices: Json) -> Iterator[str]:
    wrong = list(_check(said, {**_ANY_SERVICE, **_OF_SERVICE.get(code, {})}, place, ()))
    yield from wrong
    ends = [said[key] for key in ("off-from", "off-until") if key in said]
    if bool(ends) != ("off-reason" in said):
        yield f"{place}: off-reason and off-from or off-until belong together."
    if not wrong and len(ends) == 2 and ends[1].isoformat()[:10] < ends[0].isoformat()[:10]:
        yield f"{place}.off-until is before off-from."
    if said.get("charged-at-sending") and code not in prices:
        yield f"{place}.charged-at-sending needs a price of {code}."


def build_service(there: Json, code: str, said: Json, role: Json, identifier: Json) -> Json:
    """Return the HealthcareService as the file says; what it can't say is kept from `there`."""
    wanted = {**there, "resourceType": "HealthcareService", "active": True}
    _set(wanted, "providedBy", role.get("organization"))
    _set(wanted, "location", role.get("location"))
    _set(wanted, "name", said.get("name"))
    _set(wanted, "comment", said.get("answer-time"))
    eligibility = [{"code": {"text": each}} for each in said.get("eligibility", ())]
    _set(wanted, "eligibility", eligibility)
    ends = {"start": said.get("off-from"), "end": said.get("off-until")}
    during = {name: end.isoformat() for name, end in ends.items() if end}
    off = [{"description": said["off-reason"], "during": during}] if during else []
    _set(wanted, "notAvailable", off)
    channels = [_concept(CHANNEL_SYSTEM, each) for each in said.get("channels", ())]
    _set_ours(wanted, "characteristic", channels, _has_coding(CHANNEL_SYSTEM))
    _set_ours(wanted, "type", [_concept(SERVICE_SYSTEM, code)], _has_coding(SERVICE_SYSTEM))
    _set_ours(wanted, "identifier", [identifier], lambda each: each == identifier)
    extensions = [
        {"url": url, value: write(said[key])}
        for key, (url, value, write) in EXTENSIONS.items()
        if key in said
    ]
    urls = {url for url, _, _ in EXTENSIONS.values()}
    _set_ours(wanted, "extension", extensions, lambda each: each.get("url") in urls)
    return wanted


def build_price(there: Json, code: str, said: Json, owner: str, identifier: Json) -> Json:
    """Return the ChargeItemDefinition of the service `owner` (`HealthcareService/id`).

    `said` has `rates`, `currency` and `at_sending`.
    """
    wanted = {
        **there,
        "resourceType": "ChargeItemDefinition",
        "url": f"{identifier['system'].rstrip('/')}/{identifier['value']}",
        "identifier": [identifier],
        "status": "active",
        "code": _concept(SERVICE_SYSTEM, code),
        "useContext": [{"code": VENUE, "valueReference": {"reference": owner}}],
        "propertyGroup": [_build_rate(rate, said["currency"]) for rate in said["rates"]],
    }
    charged = [{"url": CHARGED_AT, "valueCode": "sending"}] if said["at_sending"] else []
    _set_ours(wanted, "extension", charged, lambda each: each.get("url") == CHARGED_AT)
    return wanted


def _build_rate(rate: Json, currency: str) -> Json:
    base: Json = {"type": "base", "amount": {"value": rate["base"], "currency": currency}}
    fee = {"value": rate.get("invoice-fee", 0), "currency": currency}
    invoice = {"type": "surcharge", "code": {"text": "Invoice fee"}, "amount": fee}
    who = {"applicability": [{"description": rate["who"]}]} if "who" in rate else {}
    return {**who, "priceComponent": [base, invoice] if fee["value"] else [base]}


def _concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _has_coding(system: str) -> Callable[[Json], bool]:
    return lambda each: any(coding.get("system") == system for coding in each.get("coding", ()))


def _set(record: Json, name: str, value: Any) -> None:
    """Set an element, or take it away where there is nothing to say."""
    record.pop(name, None)
    if value:
        record[name] = value


def _set_ours(record: Json, name: str, ours: list[Json], is_ours: Callable[[Json], bool]) -> None:
    """Replace our entries of a list; others stay."""
    _set(record, name, [*(each for each in record.get(name, ()) if not is_ours(each)), *ours])


class Server:
    """The FHIR server, only read if `dry`; `counts` are records by what became of them.

    `system` is that of the identifiers of what the script makes.
    """

    def __init__(self, client: httpx.Client, base: str, system: str, *, dry: bool) -> None:
        self._client = client
        self._base = base.rstrip("/")
        self.system = system
        self._dry = dry
        self.counts = dict.fromkeys(("created", "changed", "unchanged"), 0)

    def has_prices(self) -> bool:
        """Return whether it lists ChargeItemDefinition. Raises Refused if it takes no services."""
        listed = {
            f"{resource['type']} {interaction['code']}"
            for rest in self._ask("GET", f"{self._base}/metadata").get("rest", ())
            for resource in rest.get("resource", ())
            for interaction in resource.get("interaction", ())
        }
        if listed and (lacks := ", ".join(sorted(NEEDED - listed))):
            raise Refused(f"Nothing was sent: the CapabilityStatement does not list {lacks}.")
        return not listed or listed >= PRICES_NEED

    def fetch_role(self, name: str, place: str) -> Json:
        """Return the PractitionerRole called so in the file. Raises BadInput if it is not one."""
        found = self._search("PractitionerRole", "identifier" if "|" in name else "_id", name)
        found = [each for each in found if name in {each["id"], *_list_identifiers(each)}]
        if len(found) != 1:
            raise BadInput(f"{place}.role: the server has {len(found)} PractitionerRoles '{name}'.")
        return found[0]

    def find_ours(self, kind: str) -> dict[str, Json]:
        """Return the records that this script made for this file, by identifier."""
        found: dict[str, Json] = {}
        for record in self._search(kind, "identifier", f"{self.system}|"):
            for name in self._list_ours(record):
                if name in found:
                    raise Refused(f"Several {kind} have the identifier {name}: leave one of them.")
                found[name] = record
        return found

    def save(self, there: Json, wanted: Json) -> str:
        """Create or update a record unless it is as wanted; return its reference."""
        kind = wanted["resourceType"]
        if not there:
            query = httpx.QueryParams({"identifier": _list_identifiers(wanted)[-1]})
            return self._send("created", kind, wanted, {"If-None-Exist": str(query)})
        reference = f"{kind}/{there['id']}"
        if _with_relative_references(wanted) == _with_relative_references(there):
            return self._say("unchanged", reference, wanted)
        version = there.get("meta", {}).get("versionId")
        condition = {"If-Match": f'W/"{version}"'} if version else {}
        return self._send("changed", reference, wanted, condition)

    def _send(self, word: str, path: str, wanted: Json, condition: dict[str, str]) -> str:
        if self._dry:
            return self._say(word, path if "/" in path else f"{path}/new", wanted)
        method = "PUT" if "/" in path else "POST"
        answer = self._ask(method, f"{self._base}/{path}", json=wanted, headers=condition)
        id_ = answer.get("id") or wanted.get("id")
        if not id_:
            raise Refused(f"{method} {path}: the answer has no id. Run the script again.")
        return self._say(word, f"{wanted['resourceType']}/{id_}", wanted)

    def _say(self, word: str, reference: str, record: Json) -> str:
        self.counts[word] += 1
        is_off = record.get("active") is False or record.get("status") == "retired"
        about = "".join(f" ({name}{', off' * is_off})" for name in self._list_ours(record))
        would = "would be " if self._dry and word != "unchanged" else ""
        print(f"{would}{word}: {reference}{about}")
        return reference

    def _list_ours(self, record: Json) -> list[str]:
        ours = f"{self.system}|"
        names = _list_identifiers(record)
        return [name.removeprefix(ours) for name in names if name.startswith(ours)]

    def _search(self, kind: str, by: str, value: str) -> list[Json]:
        """Return all matches, from as many pages as there are."""
        url = f"{self._base}/{kind}?{httpx.QueryParams({by: value, '_count': 100})}"
        found: dict[str, Json] = {}
        while url:
            page = self._ask("GET", url)
            if page.get("resourceType") != "Bundle":
                raise Refused(f"GET {url}: the answer is no Bundle.")
            entries = [each.get("resource", {}) for each in page.get("entry", ())]
            fresh = {each["id"]: each for each in entries if each.get("resourceType") == kind}
            links = [each["url"] for each in page.get("link", ()) if each["relation"] == "next"]
            url = urljoin(url, links[0]) if links and fresh.keys() - found.keys() else ""
            found.update(fresh)
        return list(found.values())

    def _ask(self, method: str, url: str, **sent: Any) -> Json:
        """Return the JSON object that answers. Raises Refused."""
        if not url.startswith(f"{self._base}/"):
            raise Refused(f"The server leads elsewhere: {url}")
        what = f"{method} {url}"
        try:
            answer = self._client.request(method, url, **sent)
            content = answer.json() if answer.content else {}
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise Refused(f"{what}: {why}. Run the script again.") from error
        except ValueError:
            content = None
        if not answer.is_success or not isinstance(content, dict):
            words = (
                str(answer.status_code),
                _read_reasons(content),
                ADVICE.get(answer.status_code),
            )
            raise Refused(f"{what}: {'. '.join(filter(None, words))}")
        return content


def _read_reasons(outcome: Any) -> str:
    """Return what an OperationOutcome says, in one line without control characters."""
    if not isinstance(outcome, dict):
        return "The answer is no JSON object"
    issues = outcome.get("issue", ())
    said = [each.get("diagnostics") or each.get("details", {}).get("text", "") for each in issues]
    text = " ".join("; ".join(filter(None, said)).split())[:300]
    return "".join(letter for letter in text if letter.isprintable())


def _list_identifiers(record: Json) -> list[str]:
    """Return the identifiers of a record as `system|value`."""
    return [f"{each.get('system')}|{each.get('value')}" for each in record.get("identifier", ())]


def _with_relative_references(value: Any) -> Any:
    """Return JSON in which an absolute reference is `Type/id`, as a server may rewrite it."""
    absolute = r'"reference": "https?://[^"]*/([A-Z]\w+/[^/"]+)"'
    return json.loads(re.sub(absolute, r'"reference": "\1"', json.dumps(value)))


def seed(file: Json, server: Server) -> None:
    """Bring the server to what the file says. Raises BadInput, Refused."""
    roles = [
        (entry, server.fetch_role(entry["role"], f"role[{number}]"))
        for number, entry in enumerate(file["role"], 1)
    ]
    ids = [role["id"] for _, role in roles]
    if len(set(ids)) < len(ids):
        raise BadInput("Several entries of the file are of one PractitionerRole: join them.")
    has_prices = server.has_prices()
    services = server.find_ours("HealthcareService")
    prices = server.find_ours("ChargeItemDefinition") if has_prices else {}
    for entry, role in roles:
        references = _save_services(entry, role, server, services)
        if has_prices:
            _save_prices(entry | {"id": role["id"]}, file["currency"], references, server, prices)
    for record in services.values():
        server.save(record, {**record, "active": False})
    for record in prices.values():
        server.save(record, {**record, "status": "retired"})
    print(", ".join(f"{count} {word}" for word, count in server.counts.items()) + ".")
    print(BY_HAND)
    if not has_prices and any(entry.get("prices") for entry in file["role"]):
        lacks = ", ".join(sorted(PRICES_NEED))
        raise Refused(f"Left out: prices. The CapabilityStatement does not list all of {lacks}.")


def _save_services(entry: Json, role: Json, server: Server, there: dict[str, Json]) -> Json:
    """Save the services of a role, and the role with them; return their references by code."""
    references: Json = {}
    for code, said in entry.get("services", {}).items():
        identifier = {"system": server.system, "value": f"{role['id']}/{code}"}
        known = there.pop(identifier["value"], {})
        wanted = build_service(known, code, said, role, identifier)
        references[code] = server.save(known, wanted)
    before = role.get("healthcareService", [])
    named = {each.get("reference") for each in _with_relative_references(before)}
    new = [{"reference": each} for each in references.values() if each not in named]
    server.save(role, {**role, "healthcareService": [*before, *new]} if new else role)
    return references


def _save_prices(
    entry: Json, currency: str, references: Json, server: Server, there: dict[str, Json]
) -> None:
    """Save the prices of a role, whose services have these references."""
    for code, rates in entry.get("prices", {}).items():
        owner = references[PRICED[code]]
        identifier = {"system": server.system, "value": f"{entry['id']}/{code}"}
        at_sending = entry["services"].get(code, {}).get("charged-at-sending", False)
        said = {"rates": rates, "currency": currency, "at_sending": at_sending}
        known = there.pop(identifier["value"], {})
        server.save(known, build_price(known, code, said, owner, identifier))


def read_file(path: Path) -> Json:
    """Return the file. Raises BadInput."""
    try:
        file = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {error}") from error
    if problems := check_file(file):
        raise BadInput(*(f"{path}: {problem}" for problem in problems))
    return file


def check_target(base: str, token: str) -> None:
    """Raise BadInput unless the token may be sent to this FHIR base."""
    if not re.fullmatch(SAFE_BASE, base):
        raise BadInput("FHIR-BASE has to be https://…, without a password and a query.")
    if not re.fullmatch(r"[!-~]*", token):
        raise BadInput(f"{TOKEN} is no access token: it has other characters than ASCII's.")


def main(words: Sequence[str], transport: httpx.BaseTransport | None = None) -> int:
    """Run the command line and return its exit code; `transport` leads to a server of tests."""
    parser = argparse.ArgumentParser(description="docs/services.example.toml tells the rest.")
    parser.add_argument("base", metavar="FHIR-BASE")
    parser.add_argument("file", metavar="services.toml", type=Path)
    parser.add_argument("--dry-run", action="store_true", help="send nothing but GET")
    given = parser.parse_args(words)
    token = os.environ.get(TOKEN, "").strip()
    headers = {"Accept": "application/fhir+json", "Content-Type": "application/fhir+json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    try:
        file = read_file(given.file)
        check_target(given.base, token)
        with httpx.Client(headers=headers, timeout=30, transport=transport) as client:
            server = Server(client, given.base, file["identifier-system"], dry=given.dry_run)
            seed(file, server)
    except BadInput as error:
        print(*error.args, sep="\n", file=sys.stderr)
        return 2
    except Refused as error:
        text = str(error)
        print(text.replace(token, "***") if token else text, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
