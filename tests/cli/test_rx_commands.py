"""What `rx renew` and `rx withdraw` say and how they end, against a portal in memory."""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gpcli.app_context import AppContext
from gpcli.cli.rx_commands import MAX_ID_CHARS
from gpcli.errors import OutcomeUnknown, Rejected
from gpcli.model.prescription import RenewalOutcome
from tests.care.builders import INTENT, NOW, a_price, an_offer, offers
from tests.care.medicines import (
    RENEWAL,
    a_low_one,
    a_prescription,
    a_renewal,
    prescription_portal,
    with_intent,
)
from tests.journeys.shell import PIPED, SCREEN, Shell, without_plan

LOST = OutcomeUnknown("No answer came.", hint="Look.")
NO = Rejected("It has expired.")


@dataclass(frozen=True)
class PortalShell(Shell):
    """A shell whose portal is in memory; `device` is what is typed at the terminal itself."""

    portal: Any = None
    device: str | None = None

    def _session(self, *given: Any) -> AppContext:
        context = super()._session(*given)
        context.__dict__["portal"] = self.portal
        if self.device is not None:
            context._terminal_device = lambda: io.StringIO(self.device)
        return context


@pytest.fixture
def portal_shell(tmp_path: Path):
    """`portal_shell(portal)` is a shell for it."""
    env = {
        "GPCLI_PORTAL": "https://portal.example/fhir",
        "GPCLI_ENVIRONMENT": "staging",
        "GPCLI_TOKEN": "t",
        "GPCLI_PATIENT": "pat-1",
        "GPCLI_CONFIG_DIR": str(tmp_path),
    }
    return lambda portal, **how: PortalShell(env, lambda: NOW, portal=portal, **how)


def two(**refuses):
    """A portal with two prescriptions; `refuses` says how asking for one fails."""
    named = {f"rx-{name[-1]}": error for name, error in refuses.items()}
    return prescription_portal(a_prescription("rx-1"), a_prescription("rx-2"), refuses=named)


def statuses(ending):
    return [(row["prescription_id"], row["status"], row["error"]) for row in ending.json]


def notices(ending):
    return [line["notice"]["message"] for line in ending.stderr_json if "notice" in line]


def error(code, message, hint=None):
    return {"code": code, "message": message, "hint": hint}


def test_an_unknown_outcome_shows_the_results_and_names_the_id_that_repeats_it(portal_shell):
    ending = portal_shell(two(rx2=LOST))(
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
            "hint": "Look.",
            "request_id": str(INTENT),
            "trace_id": None,
            "retry_after": None,
            "http_status": None,
        },
    )


def test_an_unknown_outcome_beats_a_refusal(portal_shell):
    ending = portal_shell(two(rx1=NO, rx2=LOST))("gpcli rx renew rx-1 rx-2 --yes --json")

    assert (ending.code, [row["error"]["code"] for row in ending.json]) == (
        10,
        ["rejected", "outcome_unknown"],
    )


def test_some_refused_among_others_end_with_8_and_the_results(portal_shell):
    ending = portal_shell(two(rx2=NO))("gpcli rx renew rx-1 rx-2 --yes --json")

    assert (ending.code, ending.error["message"]) == (
        8,
        "1 asked for, 1 not asked for. rx-2: It has expired.",
    )
    assert statuses(ending) == [
        ("rx-1", "requested", None),
        ("rx-2", None, error("rejected", "It has expired.")),
    ]


def test_all_refused_end_with_7_each_named_and_nothing_on_stdout(portal_shell):
    ending = portal_shell(two(rx1=NO, rx2=NO))("gpcli rx renew rx-1 rx-2 --yes --json")

    assert ending.refused == (7, "rejected", "")
    assert ending.error["message"] == "rx-1: It has expired. rx-2: It has expired."


def test_the_request_id_of_every_result_is_that_of_the_command(portal_shell):
    ending = portal_shell(two())("gpcli rx renew rx-1 rx-2 --yes --json --request-id mine")

    assert [row["request_id"] for row in ending.json] == ["mine", "mine"]


def test_the_same_request_id_is_the_same_intent_and_another_is_another(portal_shell):
    portal = two()
    for name in ("mine", "mine", "other"):
        portal_shell(portal)(f"gpcli rx renew rx-1 --yes --request-id {name}")

    first, again, other = (call[-1] for call in portal.sent)
    assert (first == again, first == other) == (True, False)


YET = "The surgery has yet to answer: gpcli rx requests shows it."


def both(**renewals):
    """A portal with Metformin (rx-1) and Ramipril (rx-2); `renewals` are the newest of each."""
    named = {f"rx-{key[-1]}": {"renewal": renewal} for key, renewal in renewals.items()}
    return prescription_portal(
        a_prescription("rx-1", **named.get("rx-1", {})),
        a_prescription("rx-2", name="Ramipril", strength=None, **named.get("rx-2", {})),
    )


@pytest.mark.parametrize(
    ("ids", "renewals", "words"),
    [
        ("rx-1", {}, [f"Metformin 500 mg is asked for. {YET}"]),
        ("rx-1 rx-2", {}, [f"2 asked for: Metformin 500 mg, Ramipril. {YET}"]),
        (
            "rx-1 rx-2",
            {"rx1": a_renewal()},
            [
                f"Ramipril is asked for. {YET}",
                "Metformin 500 mg was asked for before (yesterday, Mon 30 Nov): "
                "nothing was sent for it now. gpcli rx requests shows it.",
            ],
        ),
        (
            "rx-1 rx-2",
            {"rx1": a_renewal(), "rx2": a_renewal("t", "rx-2", asked=None)},
            [
                "2 asked for before: Metformin 500 mg (yesterday, Mon 30 Nov), Ramipril. "
                "Nothing was sent for them now. gpcli rx requests shows them.",
            ],
        ),
    ],
)
def test_what_is_said_afterwards_is_what_is_true_and_of_which(portal_shell, ids, renewals, words):
    ending = portal_shell(both(**renewals))(f"gpcli rx renew {ids} --yes --json")

    assert notices(ending) == words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("completed", "Metformin 500 mg was renewed before"),
        ("failed", "Metformin 500 mg failed before"),
        ("accepted", "Metformin 500 mg was asked for before (yesterday, Mon 30 Nov)"),
    ],
)
def test_a_repeat_says_how_it_ended_then_and_that_nothing_was_sent_now(portal_shell, status, words):
    earlier = with_intent(a_renewal(status=status))
    portal = prescription_portal(a_prescription("rx-1", renewal=earlier), renewals=[earlier])

    ending = portal_shell(portal)(f"gpcli rx renew rx-1 --yes --json --request-id {INTENT}")

    assert notices(ending) == [f"{words}: nothing was sent for it now. gpcli rx requests shows it."]


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        (("completed", "completed"), ["2 renewed, for NOK 322: Metformin 500 mg, Ramipril."]),
        (
            ("completed", "requested"),
            [
                "Metformin 500 mg is renewed, for NOK 161.",
                f"Ramipril is asked for, for NOK 161. {YET}",
            ],
        ),
        (
            ("rejected", "failed"),
            ["Metformin 500 mg is refused, for NOK 161.", "Ramipril has failed, for NOK 161."],
        ),
    ],
)
def test_what_sending_costs_is_said_of_what_was_sent(portal_shell, statuses, words):
    portal = both()
    portal.offered = offers(
        an_offer(RENEWAL), prices={RENEWAL: replace(a_price("161", "161"), at_sending=True)}
    )
    answers = AtOnce([(status, None) for status in statuses])
    portal.prescriptions.send_renewals = answers.send_renewals

    ending = portal_shell(portal)("gpcli rx renew rx-1 rx-2 --yes --accept-fee 322 --json")

    assert (ending.code, notices(ending)) == (0, words)


def test_what_may_be_charged_later_is_not_said_to_be_paid(portal_shell):
    portal = both()
    portal.offered = offers(an_offer(RENEWAL), prices={RENEWAL: a_price("161", "161")})

    ending = portal_shell(portal)("gpcli rx renew rx-1 --yes --accept-fee 161 --json")

    assert notices(ending) == [f"Metformin 500 mg is asked for. {YET}"]


def test_a_filter_by_kind_says_how_many_have_none(portal_shell):
    portal = prescription_portal(a_prescription("rx-1"), a_prescription("rx-2", kind=None))

    ending = portal_shell(portal)("gpcli rx list --kind medicine --json")

    assert ([row["id"] for row in ending.json], notices(ending)) == (
        ["rx-1"],
        ["1 whose kind is not told is left out."],
    )


def test_several_that_are_not_shown_are_counted_in_whole_sentences(portal_shell):
    old = [
        a_prescription(f"rx-{n}", expired=True, valid_until="2024-01-01", kind=None)
        for n in range(2)
    ]
    unused = [a_prescription(f"rx-{n}", status="stopped") for n in range(2, 4)]

    shell = portal_shell(prescription_portal(*old, *unused))
    usual, everything = (shell(f"gpcli rx list {flag} --json") for flag in ("", "--all"))

    assert notices(usual)[-1] == "2 more, in use no longer: --all shows them."
    assert notices(everything)[-1] == "2 that expired over 12 months ago are left out."


def test_what_is_no_prescription_is_counted_in_whole_sentences(portal_shell):
    one = [a_prescription("a", status="draft"), a_prescription("b", status="entered-in-error")]
    two_each = [replace(each, id=f"{each.id}{n}") for each in one for n in range(2)]

    endings = [
        portal_shell(prescription_portal(*listed))("gpcli rx list --json")
        for listed in (one, two_each)
    ]

    assert [notices(ending) for ending in endings] == [
        [
            "There are none.",
            "1 that is only proposed, not prescribed, is left out.",
            "1 that was entered in error is left out.",
        ],
        [
            "There are none.",
            "2 that are only proposed, not prescribed, are left out.",
            "2 that were entered in error are left out.",
        ],
    ]


NOT_TO_TAKE = {"do_not_take": True, "reason": "Hives"}


def test_a_list_tells_what_not_to_take_first_and_what_to_heed(portal_shell):
    there = [
        a_prescription("rx-3"),
        a_prescription("rx-2", instructions="With food"),
        a_prescription("rx-1", **NOT_TO_TAKE),
    ]
    shell = portal_shell(prescription_portal(*there), terminal=SCREEN)

    assert shell("gpcli rx list").out.splitlines() == [
        "Metformin 500 mg  rx-1",
        "  do not take: Hives · 1 tablet daily.",
        "  valid until Tue 1 Jun 2027",
        "Metformin 500 mg  rx-3",
        "  1 tablet daily.",
        "  can be fetched 3 more times · valid until Tue 1 Jun 2027",
        "Metformin 500 mg  rx-2",
        "  1 tablet daily. · With food",
        "  can be fetched 3 more times · valid until Tue 1 Jun 2027",
    ]
    assert "Hives" not in shell("gpcli rx list --fields id,status").out


def test_below_the_requests_stand_the_notes_that_are_not_in_the_table(portal_shell):
    asked = a_renewal(note="Please", answer="No.", notes=("Please", "Wait", "No."))
    shell = portal_shell(prescription_portal(renewals=[asked]), terminal=SCREEN)

    assert shell("gpcli rx requests").out.splitlines()[-2:] == ["", "task-1: Wait"]


def test_lines_and_json_have_their_fields_and_no_notes(portal_shell):
    shell = portal_shell(prescription_portal(a_prescription("rx-1", **NOT_TO_TAKE)), terminal=PIPED)
    plain = shell("gpcli rx list --plain --fields id,do_not_take,reason")

    assert plain.out == "rx-1\ttrue\tHives\n"
    [row] = shell("gpcli rx list --json").json
    assert (row["do_not_take"], row["reason"]) == (True, "Hives")


def test_renewing_what_is_not_to_be_taken_is_rejected_before_anything_is_sent(portal_shell):
    portal = prescription_portal(a_prescription("rx-1", **NOT_TO_TAKE))

    ending = portal_shell(portal)("gpcli rx renew rx-1 --yes --json")

    assert (ending.code, ending.error["code"], ending.error["message"]) == (
        7,
        "rejected",
        "It is an order not to take this: there is nothing to renew.",
    )
    assert portal.sent == []


def test_one_prescription_is_shown_by_its_id(portal_shell):
    shell = portal_shell(prescription_portal(a_prescription("rx-2", predecessors=("rx-1",))))
    itself, former = (shell(f"gpcli rx show {name} --json") for name in ("rx-2", "rx-1"))

    assert [ending.json["id"] for ending in (itself, former)] == ["rx-2", "rx-2"]
    assert (notices(itself), notices(former)) == (
        [],
        ["rx-1 was replaced by rx-2, which is shown."],
    )


@pytest.mark.parametrize(
    ("line", "ending"),
    [
        ("rx show rx-9", (3, "not_found", "")),
        ("rx show", (2, "input_needed", "")),
    ],
)
def test_a_prescription_that_is_not_there_or_not_named_is_refused(portal_shell, line, ending):
    assert portal_shell(two())(f"gpcli {line} --json").refused == ending


@pytest.mark.parametrize("line", ["rx list", "rx show rx-1", "rx requests"])
def test_an_empty_choice_of_fields_lists_them_and_reads_nothing(portal_shell, line):
    portal = two()

    ending = portal_shell(portal)(["gpcli", *line.split(), "--fields", ""])

    assert (ending.code, ending.err, portal.calls) == (0, "", [])
    assert "id" in ending.out.splitlines()


def test_low_that_leaves_out_everything_says_what_and_ends_well(portal_shell):
    portal = prescription_portal(a_low_one("rx-1", group="A"))

    ending = portal_shell(portal)("gpcli rx renew --low --yes --json")

    assert (ending.code, ending.json) == (0, [])
    assert notices(ending) == [
        "Metformin 500 mg (rx-1) runs out but is left out: "
        "group A, for which a consultation is usually needed first.",
        "There is nothing else to ask for.",
    ]


def test_what_low_leaves_out_is_named_before_the_plan_and_only_there(portal_shell):
    refused = a_renewal(of="rx-2", status="rejected", answer="A blood test first.")
    portal = prescription_portal(a_low_one("rx-1"), a_low_one("rx-2", renewal=refused))

    ending = portal_shell(portal)("gpcli rx renew --low --yes --json")

    left_out, plan, sent = ending.stderr_json
    assert left_out["notice"]["message"] == (
        "Metformin 500 mg (rx-2) runs out but is left out: "
        "the surgery refused it when you last asked: A blood test first."
    )
    assert (plan["plan"]["warnings"], sent["notice"]["message"].split(".")[0]) == (
        [],
        "Metformin 500 mg is asked for",
    )


@dataclass
class AtOnce:
    """A surgery that answers each request at once, in order."""

    answers: list[tuple[str, str | None]]

    def send_renewals(self, asked, note, intent):
        return [
            RenewalOutcome(
                one, a_renewal(f"t-{one.id}", one.id, status=status, answer=answer), changed=True
            )
            for one, (status, answer) in zip(asked, self.answers, strict=True)
        ]


def test_what_is_refused_at_once_is_said_to_be_refused_and_why(portal_shell):
    portal = two()
    portal.prescriptions.send_renewals = AtOnce(
        [("rejected", "A consultation is needed."), ("rejected", None)]
    ).send_renewals

    ending = portal_shell(portal)("gpcli rx renew rx-1 rx-2 --yes --json")

    assert ending.code == 0
    assert notices(ending) == [
        "2 refused: Metformin 500 mg (rx-1): A consultation is needed. Metformin 500 mg (rx-2)."
    ]


def test_each_kind_of_result_is_counted_by_itself(portal_shell):
    portal = two()
    portal.prescriptions.send_renewals = AtOnce(
        [("completed", None), ("rejected", "No.")]
    ).send_renewals

    ending = portal_shell(portal)("gpcli rx renew rx-1 rx-2 rx-9 --yes --json")

    assert (ending.code, ending.error["message"]) == (
        8,
        "1 renewed, 1 refused, 1 not asked for. rx-9: There is no prescription 'rx-9'.",
    )
    assert notices(ending) == ["Metformin 500 mg is renewed.", "Metformin 500 mg is refused: No."]


@pytest.mark.parametrize(("cap", "code"), [("5", 9), ("400", 9), ("any", 0)])
def test_a_cap_on_an_unknown_price_holds(portal_shell, cap, code):
    portal = two()

    ending = portal_shell(portal)(f"gpcli rx renew rx-1 --yes --accept-fee {cap} --json")

    assert (ending.code, bool(portal.sent)) == (code, code == 0)


def test_at_a_terminal_several_are_picked_by_numbers(portal_shell):
    portal = two()

    ending = portal_shell(portal, typing="1,11\n2,1\ny\n", terminal=SCREEN)("gpcli rx renew")

    assert "'11' is not in the list: answer with numbers (1-2)" in ending.err
    assert [call[1] for call in portal.sent] == [("rx-2", "rx-1")]


@pytest.mark.parametrize(
    "typed",
    [
        "rx-1\nrx-2\n",
        "rx-1\tMetformin\t500 mg\r\nrx-2\tRamipril\r\n",
        "\n  rx-1  \n\n\trx-9 is no first field\nrx-2",
    ],
)
def test_ids_are_read_one_a_line_from_standard_input(portal_shell, typed):
    portal = two()
    portal_shell(portal, typing=typed)("gpcli rx renew - --yes")

    assert [call[1] for call in portal.sent] == [("rx-1", "rx-2")]


def test_ids_on_the_line_and_on_standard_input_keep_their_order(portal_shell):
    portal = two()
    portal_shell(portal, typing="rx-1\n")("gpcli rx renew rx-2 - --yes")

    assert [call[1] for call in portal.sent] == [("rx-2", "rx-1")]


def test_standard_input_that_is_no_text_is_a_usage_error(portal_shell):
    portal = two()
    noise = io.TextIOWrapper(io.BytesIO(b"\xff\xfe\x00"), encoding="utf-8")

    ending = portal_shell(portal, typing=noise)("gpcli rx renew - --yes --json")

    assert (ending.refused, portal.calls) == ((2, "usage", ""), [])


def test_after_ids_from_standard_input_the_question_goes_to_the_terminal(portal_shell):
    portal = two()
    piped = replace(SCREEN, stdin_tty=False)

    ending = portal_shell(portal, typing="rx-1\n", terminal=piped, device="y\n")("gpcli rx renew -")

    assert (ending.code, [call[1] for call in portal.sent]) == (0, [("rx-1",)])


def test_after_ids_from_standard_input_without_a_terminal_agreement_is_needed(portal_shell):
    portal = two()

    ending = portal_shell(portal, typing="rx-1\n")("gpcli rx renew - --json")

    assert (ending.refused, portal.sent) == ((9, "confirmation_needed", ""), [])


@pytest.mark.parametrize(
    ("line", "notice"),
    [
        ("--yes", "Withdrawn: Metformin 500 mg."),
        ("--dry-run", "Nothing was sent: this was a dry run."),
    ],
)
def test_a_withdrawal_says_what_is_true_now(portal_shell, line, notice):
    portal = prescription_portal(renewals=[a_renewal()])

    ending = portal_shell(portal)(f"gpcli rx withdraw task-1 {line} --json")

    said = ending.stderr_json[-1]["notice"]["message"]
    assert (ending.code, without_plan(said)) == (0, notice)


def test_withdrawing_again_says_that_nothing_was_sent(portal_shell):
    portal = prescription_portal(renewals=[a_renewal(status="cancelled")])

    ending = portal_shell(portal)("gpcli rx withdraw task-1 --yes --json")

    assert (ending.json["changed"], ending.stderr_json) == (
        False,
        [{"notice": {"message": "It was withdrawn already: Metformin 500 mg."}}],
    )


def test_more_ids_than_anybody_has_are_refused_unread(portal_shell):
    portal = two()
    endless = io.StringIO("rx-1\n" * MAX_ID_CHARS)

    ending = portal_shell(portal, typing=endless)("gpcli rx renew - --yes --json")

    assert (ending.refused, portal.calls) == ((2, "usage", ""), [])
    assert ending.error["message"] == (
        f"Standard input is too long: {MAX_ID_CHARS} characters of ids at most."
    )
    assert endless.tell() == MAX_ID_CHARS + 1


@pytest.mark.parametrize(("terminal", "waits"), [(SCREEN, True), (PIPED, False)])
def test_at_a_terminal_it_is_said_that_ids_are_waited_for(portal_shell, terminal, waits):
    portal = two()
    shell = portal_shell(portal, typing="rx-1\n", terminal=terminal)

    ending = shell("gpcli rx renew - --yes")

    words = "Write the ids, one a line, and end with Ctrl-D on a line of its own.\n"
    assert (ending.code, ending.err.startswith(words)) == (0, waits)
