"""What `rx renew` and `rx withdraw` say and how they end, against a portal in memory."""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gpcli.errors import OutcomeUnknown, Rejected
from gpcli.session import Session
from tests.care.builders import INTENT, NOW
from tests.care.medicines import a_low_one, a_prescription, a_renewal, pharmacy
from tests.journeys.shell import SCREEN, Shell

LOST = OutcomeUnknown("No answer came.", hint="Look.")
NO = Rejected("It has expired.")


@dataclass(frozen=True)
class Counter(Shell):
    """A shell whose portal is in memory; `device` is what is typed at the terminal itself."""

    portal: Any = None
    device: str | None = None

    def _session(self, *given: Any) -> Session:
        session = super()._session(*given)
        session.__dict__["portal"] = self.portal
        if self.device is not None:
            session.terminal_device = lambda: io.StringIO(self.device)
        return session


@pytest.fixture
def at_counter(tmp_path: Path):
    """`at_counter(portal)` is a shell for it."""
    env = {
        "GPCLI_PORTAL": "https://portal.example/fhir",
        "GPCLI_ENVIRONMENT": "staging",
        "GPCLI_TOKEN": "t",
        "GPCLI_PATIENT": "pat-1",
        "GPCLI_CONFIG_DIR": str(tmp_path),
    }
    return lambda portal, **how: Counter(env, lambda: NOW, portal=portal, **how)


def two(**refuses):
    """A portal with two prescriptions; `refuses` says how asking for one fails."""
    named = {f"rx-{name[-1]}": error for name, error in refuses.items()}
    return pharmacy(a_prescription("rx-1"), a_prescription("rx-2"), refuses=named)


def statuses(ending):
    return [(row["prescription_id"], row["status"], row["error"]) for row in ending.json]


def error(code, message, hint=None):
    return {"code": code, "message": message, "hint": hint}


def test_an_unknown_outcome_shows_the_results_and_names_the_id_that_repeats_it(at_counter):
    ending = at_counter(two(rx2=LOST))(
        f"gpcli rx renew rx-1 rx-2 --yes --json --request-id {INTENT}"
    )

    assert statuses(ending) == [
        ("rx-1", "requested", None),
        ("rx-2", None, error("outcome_unknown", "No answer came.", "Look.")),
    ]
    assert (ending.code, ending.error) == (
        10,
        {
            "code": "outcome_unknown",
            "exit": 10,
            "message": "rx-2: No answer came.",
            "hint": "gpcli rx requests shows what is there. Or repeat it with "
            f"--request-id {INTENT}: that never does it twice.",
            "request_id": str(INTENT),
            "retry_after": None,
        },
    )


def test_an_unknown_outcome_beats_a_refusal(at_counter):
    ending = at_counter(two(rx1=NO, rx2=LOST))("gpcli rx renew rx-1 rx-2 --yes --json")

    assert (ending.code, [row["error"]["code"] for row in ending.json]) == (
        10,
        ["rejected", "outcome_unknown"],
    )


def test_some_refused_among_others_end_with_8_and_the_results(at_counter):
    ending = at_counter(two(rx2=NO))("gpcli rx renew rx-1 rx-2 --yes --json")

    assert (ending.code, ending.error["message"]) == (8, "1 of 2 went well. rx-2: It has expired.")
    assert statuses(ending) == [
        ("rx-1", "requested", None),
        ("rx-2", None, error("rejected", "It has expired.")),
    ]


def test_all_refused_end_with_7_each_named_and_nothing_on_stdout(at_counter):
    ending = at_counter(two(rx1=NO, rx2=NO))("gpcli rx renew rx-1 rx-2 --yes --json")

    assert ending.refused == (7, "rejected", "")
    assert ending.error["message"] == "rx-1: It has expired. rx-2: It has expired."


def test_the_request_id_of_every_result_is_that_of_the_command(at_counter):
    ending = at_counter(two())("gpcli rx renew rx-1 rx-2 --yes --json --request-id mine")

    assert [row["request_id"] for row in ending.json] == ["mine", "mine"]


def test_the_same_request_id_is_the_same_intent_and_another_is_another(at_counter):
    portal = two()
    for name in ("mine", "mine", "other"):
        at_counter(portal)(f"gpcli rx renew rx-1 --yes --request-id {name}")

    first, again, other = (call[-1] for call in portal.sent)
    assert (first == again, first == other) == (True, False)


@pytest.mark.parametrize(
    ("portal", "words"),
    [
        (two(), ["2 asked for. The surgery has yet to answer: gpcli rx requests shows it."]),
        (
            pharmacy(
                a_prescription("rx-1", renewal=a_renewal()),
                a_prescription("rx-2"),
            ),
            [
                "1 asked for. The surgery has yet to answer: gpcli rx requests shows it.",
                "1 asked for before: nothing was sent for those.",
            ],
        ),
    ],
)
def test_what_is_said_afterwards_is_what_is_true(at_counter, portal, words):
    ending = at_counter(portal)("gpcli rx renew rx-1 rx-2 --yes --json")

    assert [line["notice"]["message"] for line in ending.asides if "notice" in line] == words


def test_low_that_leaves_out_everything_says_what_and_ends_well(at_counter):
    portal = pharmacy(a_low_one("rx-1", group="A"))

    ending = at_counter(portal)("gpcli rx renew --low --yes --json")

    assert (ending.code, ending.json) == (0, [])
    assert ending.asides == [
        {
            "notice": {
                "message": "Nothing was sent: what runs out needs a word with the surgery first: "
                "Metformin 500 mg."
            }
        }
    ]


@pytest.mark.parametrize(
    "typed",
    [
        "rx-1\nrx-2\n",
        "rx-1\tMetformin\t500 mg\r\nrx-2\tRamipril\r\n",
        "\n  rx-1  \n\n\trx-9 is no first field\nrx-2",
    ],
)
def test_ids_are_read_one_a_line_from_standard_input(at_counter, typed):
    portal = two()
    at_counter(portal, typing=typed)("gpcli rx renew - --yes")

    assert [call[1] for call in portal.sent] == [("rx-1", "rx-2")]


def test_ids_on_the_line_and_on_standard_input_keep_their_order(at_counter):
    portal = two()
    at_counter(portal, typing="rx-1\n")("gpcli rx renew rx-2 - --yes")

    assert [call[1] for call in portal.sent] == [("rx-2", "rx-1")]


def test_standard_input_that_is_no_text_is_a_usage_error(at_counter):
    portal = two()
    noise = io.TextIOWrapper(io.BytesIO(b"\xff\xfe\x00"), encoding="utf-8")

    ending = at_counter(portal, typing=noise)("gpcli rx renew - --yes --json")

    assert (ending.refused, portal.calls) == ((2, "usage", ""), [])


def test_after_ids_from_standard_input_the_question_goes_to_the_terminal(at_counter):
    portal = two()
    piped = replace(SCREEN, stdin_tty=False)

    ending = at_counter(portal, typing="rx-1\n", terminal=piped, device="y\n")("gpcli rx renew -")

    assert (ending.code, [call[1] for call in portal.sent]) == (0, [("rx-1",)])


def test_after_ids_from_standard_input_without_a_terminal_agreement_is_needed(at_counter):
    portal = two()

    ending = at_counter(portal, typing="rx-1\n")("gpcli rx renew - --json")

    assert (ending.refused, portal.sent) == ((9, "confirmation_needed", ""), [])


@pytest.mark.parametrize(
    ("line", "notice"),
    [
        ("--yes", "It is withdrawn."),
        ("--dry-run", "Nothing was sent: this was a dry run."),
    ],
)
def test_a_withdrawal_says_what_is_true_now(at_counter, line, notice):
    portal = pharmacy(asked=[a_renewal()])

    ending = at_counter(portal)(f"gpcli rx withdraw task-1 {line} --json")

    assert (ending.code, ending.asides[-1]) == (0, {"notice": {"message": notice}})


def test_withdrawing_again_says_that_nothing_was_sent(at_counter):
    portal = pharmacy(asked=[a_renewal(status="cancelled")])

    ending = at_counter(portal)("gpcli rx withdraw task-1 --yes --json")

    assert (ending.json["changed"], ending.asides) == (
        False,
        [{"notice": {"message": "It was so already; nothing was sent. It is withdrawn."}}],
    )
