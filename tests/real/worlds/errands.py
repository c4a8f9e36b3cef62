"""The errands of a patient at one portal, in order, and what each came to in a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.contract.practice import Resource
from tests.journeys.shell import CommandResult, Shell

Read = Callable[[str], Resource]
"""Reads a record of the server behind, by its reference."""
Gist = Callable[[Any, Read], str]
"""What an answer of `--json` comes to."""
Outcomes = Mapping[str, str]
"""What each errand came to, by its name."""

FALSE_WORDS = (
    "does not offer",
    "offers you",
    "not offered",
    "have no GP",
    r"No free time (?!.* fits: )",
    "Traceback",
    "unexpected",
)
"""What nothing in these worlds makes true."""
_MUTABLE = (
    (
        r"Not for emergencies: .* 116 117\."
        r"(; (Only for what needs .* in person|The reception reads this .* e-consultation)\.)?",
        "SAFETY",
    ),
    (r"; Sent(; the surgery has not (confirmed it|answered) yet)?\. Follow it [^;]*", "; SENT"),
    (r"; (It is s|S)ent[^;]* has not confirmed it yet: [^;]* tells when it has\.", "; SENT"),
    (r"; Cancelled(: [^;]*)? \([^;()]*\)\.", "; CANCELLED"),
    (r"; Withdrawn: [^;]*\.", "; WITHDRAWN"),
    (r"The portal still shows this time as free: .*? gpcli help profiles\.", "STILL FREE"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<id>"),
    (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w+ \d{4}\b", "<day>"),
    (r"\b\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-][\d:]+))?", "<time>"),
    (r"The portal sent \d+ ", "The portal sent SOME "),
    (r"plan-[0-9a-z]{12}(.*), until \d\d:\d\d\.", r"PLAN\1, until THEN."),
    (r"http://127\.0\.0\.1:\d+/fhir", "<portal>"),
)


@dataclass(frozen=True)
class Errand:
    """A line to type; `{NAME}` in it is what the errand NAME made, or an id of the world.

    What only looks is also seen at a screen.
    """

    name: str
    line: str
    gist: Gist
    looks: bool = False


@dataclass
class Visitor:
    """Somebody who does the errands; `ids` are those of the world, by the words in the lines.

    `me` is the patient's id, which is no part of an outcome.
    """

    me: str
    shell: Shell
    read: Read
    ids: dict[str, str]
    said: list[str] = field(default_factory=list)

    def do(self, errands: Sequence[Errand]) -> Outcomes:
        """What each errand came to."""
        return {each.name: self._do(each) for each in errands}

    def false_words(self) -> set[str]:
        """What was said and is not true."""
        return {text for text in self.said if re.search("|".join(FALSE_WORDS), text)}

    def _do(self, errand: Errand) -> str:
        missing = set(re.findall(r"\{(\w+)\}", errand.line)) - self.ids.keys()
        if missing:
            return f"not tried: no {', '.join(missing)}"
        line = errand.line.format(**self.ids)
        ending = self.shell(f"{line} --json")
        self._listen(ending)
        if errand.looks:
            self._listen(self.shell.at_a_screen()(line))
        for each in _written(ending):
            self.ids[errand.name] = each["id"]
        text = "; ".join([*self._result(errand, ending), *_words(ending)])
        return _mask(text.replace(f"Patient/{self.me}", "the patient").replace(f"-{self.me}", ""))

    def _result(self, errand: Errand, ending: CommandResult) -> Iterator[str]:
        gist = errand.gist(ending.json, self.read) if ending.out else ""
        yield f"{ending.code} {gist}".rstrip()

    def _listen(self, ending: CommandResult) -> None:
        self.said += [*ending.out.splitlines(), *ending.err.splitlines()]


def _written(ending: CommandResult) -> Iterator[Any]:
    """The records that a write made or changed."""
    answer = ending.json if ending.out else []
    records = answer if isinstance(answer, list) else [answer]
    yield from (each for each in records if each.get("changed"))


def _words(ending: CommandResult) -> Iterator[str]:
    for line in ending.stderr_json:
        for kind in ("notice", "warning", "error"):
            if kind in line:
                word = f"{line[kind]['code']}: " if "code" in line[kind] else ""
                yield f"{word}{line[kind].get('message')}"


def _mask(text: str) -> str:
    for pattern, word in _MUTABLE:
        text = re.sub(pattern, word, text)
    return text


def _services(answer: Any, _: Read) -> str:
    of: dict[str, list[str]] = {}
    for each in answer:
        gp = (each["surgery"] or {}).get("gp") or each["surgery"]["name"] or "GP"
        price = f" {each['price']}" if each["price"] else ""
        of.setdefault(f"{each['status']} at {gp}", []).append(each["service"] + price)
    return "; ".join(f"{what}: {_all_or(names)}" for what, names in of.items())


def _all_or(names: list[str]) -> str:
    return "all" if len(names) == 7 else " ".join(names)


def _gps(answer: Any, _: Read) -> str:
    parts = ((each["gp"], each["name"], *each["phones"]) for each in answer)
    return "; ".join(", ".join(filter(None, each)) for each in parts) or "nobody"


def _slots(answer: Any, _: Read) -> str:
    return ", ".join(f"{each['id']} ({_whom(each)})" for each in answer) or "none"


def _whom(answer: Any) -> str:
    parts = (answer["practitioner"], answer["surgery"], answer["location"])
    return ", ".join(filter(None, parts)) or "nobody named"


def _planned(answer: Any, _: Read) -> str:
    return f"{answer['slot_id']} with {_whom(answer)}, nothing changed: {not answer['changed']}"


def _appointment(answer: Any, read: Read) -> str:
    stored = read(f"Appointment/{answer['id']}")
    actors = [each["actor"] for each in stored["participant"]]
    named = (each.get("reference") or f"'{each['display']}'" for each in actors)
    return f"{answer['status']}, stored {stored['status']} with {', '.join(named)}"


def _appointments(answer: Any, _: Read) -> str:
    return ", ".join(f"{each['id']} {each['status']}" for each in answer) or "none"


def _shown(answer: Any, _: Read) -> str:
    return f"{answer['status']} {answer['service']} with {_whom(answer)}"


def _threads(answer: Any, _: Read) -> str:
    return ", ".join(f"{each['id']} ({each['kind']})" for each in answer) or "none"


def _thread(answer: Any, _: Read) -> str:
    return " | ".join(f"{each['sender']}: {each['text']}" for each in answer["messages"])


def _message(answer: Any, read: Read) -> str:
    stored = read(f"Communication/{answer['id']}")
    to = [each["reference"] for each in stored.get("recipient", ())]
    return f"{answer['status']}, stored to {', '.join(to) or 'nobody'}"


def _prescriptions(answer: Any, _: Read) -> str:
    return ", ".join(f"{each['id']} ({_facts(each)})" for each in answer) or "none"


def _facts(prescription: Any) -> str:
    never = "not to be taken" if prescription["do_not_take"] else prescription["intent"]
    facts = (prescription["status"], never, prescription["dose"])
    return " ".join(filter(None, facts))


def _renewed(answer: Any, read: Read) -> str:
    [one] = answer if isinstance(answer, list) else [answer]
    if one.get("error"):
        return f"{one['error']['code']}: {one['error']['message']}"
    if not one["changed"]:
        return f"{one['status']}, dry run {one['dry_run']}"
    return f"{one['status']}, stored {read('Task/' + one['id'])['status']}"


def _requests(answer: Any, _: Read) -> str:
    return ", ".join(f"{each['prescription']} {each['status']}" for each in answer) or "none"


def _flu(answer: Any, _: Read) -> str:
    last = answer["last_vaccination"]
    return f"last {last['vaccine'] if last else None}, times {len(answer['slots'])}"


def _consents(answer: Any, _: Read) -> str:
    return ", ".join(str(each["level"]) for each in answer) or "none"


def _granted(answer: Any, _: Read) -> str:
    return f"{answer['level']} {answer['status']}"


def _who(answer: Any, _: Read) -> str:
    return f"{answer['patient']['name']}, {answer['environment']}, consent {answer['consent']}"


_ASK = "--subject Ramp --message 'Is there a ramp?'"

ERRANDS = (
    Errand("whoami", "gpcli whoami", _who, looks=True),
    Errand("services", "gpcli services", _services, looks=True),
    Errand("gp", "gpcli gp", _gps, looks=True),
    Errand("slots", "gpcli slots", _slots, looks=True),
    Errand("plan", "gpcli book --first --dry-run", _planned),
    Errand("book", "gpcli book --first --yes", _appointment),
    Errand("cancel", "gpcli cancel {book} --yes", _appointment),
    Errand("nurse", "gpcli book nurse-1 --dry-run", _planned),
    Errand("booknurse", "gpcli book --first --with Berit --yes", _appointment),
    Errand("cancelnurse", "gpcli cancel {booknurse} --yes", _appointment),
    Errand("enquiry", "gpcli book --enquiry --yes", _appointment),
    Errand("withdraw", "gpcli cancel {enquiry} --yes", _appointment),
    Errand("appointments", "gpcli appointments list", _appointments, looks=True),
    Errand("appointment", "gpcli appointments show {by_phone}", _shown, looks=True),
    Errand("messages", "gpcli messages list", _threads, looks=True),
    Errand("message", "gpcli messages show {from_gp}", _thread, looks=True),
    Errand("contact", f"gpcli contact {_ASK} --yes", _message),
    Errand("reply", "gpcli messages reply {from_gp} --message Thanks --yes", _message),
    Errand("econsult", f"gpcli econsult start --via text {_ASK} --yes", _message),
    Errand(
        "econsultpaid",
        f"gpcli econsult start --via text {_ASK} --yes --accept-fee any",
        _message,
    ),
    Errand("prescriptions", "gpcli rx list", _prescriptions, looks=True),
    Errand("renewalplan", "gpcli rx renew {medicine} --dry-run", _renewed),
    Errand("renew", "gpcli rx renew {medicine} --yes", _renewed),
    Errand("requests", "gpcli rx requests", _requests, looks=True),
    Errand("rxwithdraw", "gpcli rx withdraw {renew} --yes", _renewed),
    Errand("flu", "gpcli flu", _flu, looks=True),
    Errand("consent", "gpcli consent show", _consents, looks=True),
    Errand("grant", "gpcli consent grant --yes", _granted),
)
