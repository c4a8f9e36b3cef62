"""Medicines by their names: what is shown, what is renewed, whose request is taken back."""

from dataclasses import replace

import pytest

from gpcli.care.prescription_list import choose_prescription, find_renewal
from gpcli.care.renewals import propose_renewal
from gpcli.errors import Conflict, InputNeeded, NotFound
from tests.care.builders import ScriptedAsker
from tests.care.medicines import (
    ScriptedChooser,
    a_prescription,
    a_renewal,
    a_renewal_context,
    a_renewal_request,
    prescription_portal,
    with_intent,
)

METFORMIN = a_prescription("rx-met")
STRONGER = a_prescription("rx-met2", strength="1000 mg")
FORMER = a_prescription("rx-old", status="stopped")
INSULIN = a_prescription("ins-1", name="Insuman", strength=None)
ALL = (METFORMIN, STRONGER, FORMER, INSULIN)


def shown(text, *there, answers=(), unlisted=()):
    portal = prescription_portal(*(there or ALL))
    portal.prescriptions.unlisted.update(unlisted)
    asker = ScriptedAsker([*answers])
    return choose_prescription(portal, text, asker, lambda one: one.label, by_name=True).id


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("metformin 500", "rx-met"),
        ("METFORMIN 1000 mg", "rx-met2"),
        ("insu", "ins-1"),
        ("ins", "ins-1"),
        ("rx-met", "rx-met"),
        ("rx-old", "rx-old"),
    ],
)
def test_a_medicine_is_shown_by_its_name_and_strength(text, identity):
    assert shown(text) == identity


@pytest.mark.parametrize("text", ["metformin 50", "met 1", "x", "薬", "💊", ""])
def test_what_is_in_no_name_is_not_found(text):
    with pytest.raises(NotFound):
        shown(text)


def test_what_is_in_use_comes_before_what_was_stopped():
    assert shown("metformin", METFORMIN, FORMER) == "rx-met"
    assert shown("metformin", FORMER, INSULIN) == "rx-old"


def test_of_several_the_person_chooses_and_a_script_reads_their_ids_alone():
    assert shown("metformin", answers=["rx-met2"]) == "rx-met2"
    with pytest.raises(InputNeeded) as needed:
        shown("metformin")
    assert needed.value.message == "Several prescriptions fit: rx-met, rx-met2."


def test_an_id_that_only_the_portal_knows_wins_over_the_beginning_of_another():
    draft = a_prescription("rx-m", status="draft")

    assert shown("rx-m", METFORMIN, unlisted={"rx-m": draft}) == "rx-m"
    assert shown("rx-m", METFORMIN) == "rx-met"


def test_without_names_an_id_is_an_id():
    portal = prescription_portal(*ALL)

    with pytest.raises(NotFound):
        choose_prescription(portal, "insuman", ScriptedAsker(), lambda one: one.label)


def propose(*texts, portal, asker=None, request_id=False, named=None):
    noted = []
    context = replace(
        a_renewal_context(portal, asker or ScriptedChooser()),
        note_meant=lambda text, ids: noted.append((text, list(ids))),
    )
    names = frozenset(texts if named is None else named)
    request = a_renewal_request(*texts, repeated=request_id)
    decision = propose_renewal(context, replace(request, named=names))
    plan = getattr(decision, "preview", None) or decision.record
    return [item.id for item in plan.items], noted


def test_medicines_are_renewed_by_their_names_and_the_ids_are_noted():
    ids, noted = propose("insuman", "metformin 500", "rx-met2", portal=prescription_portal(*ALL))

    assert ids == ["ins-1", "rx-met", "rx-met2"]
    assert noted == [("insuman", ["ins-1"]), ("metformin 500", ["rx-met"])]


def test_what_fits_nothing_is_an_item_that_is_not_found():
    portal = prescription_portal(*ALL)
    ids, noted = propose("insuman", "nothing", portal=portal)

    assert (ids, noted) == (["ins-1", "nothing"], [("insuman", ["ins-1"])])


def test_an_id_that_was_read_is_never_taken_for_a_name():
    ids, noted = propose("insuman", portal=prescription_portal(*ALL), named=())

    assert (ids, noted) == (["insuman"], [])


def test_several_that_fit_are_refused_off_a_terminal_before_anything_is_sent():
    portal = prescription_portal(*ALL)

    with pytest.raises(InputNeeded) as needed:
        propose("insuman", "metformin", portal=portal)

    assert needed.value.message == "Several prescriptions fit: rx-met, rx-met2."
    assert portal.sent == []


def test_at_a_terminal_one_or_all_of_them_are_chosen():
    portal, asker = prescription_portal(*ALL), ScriptedChooser([["rx-met", "rx-met2"]])

    ids, noted = propose("metformin", portal=portal, asker=asker)

    assert ids == ["rx-met", "rx-met2"]
    assert noted == [("metformin", ["rx-met", "rx-met2"])]


def test_a_repeat_means_what_was_asked_for_though_more_fits_now():
    asked = with_intent(a_renewal("task-1", of="rx-met"))
    portal = prescription_portal(*ALL, renewals=[asked])

    ids, _ = propose("metformin", portal=portal, request_id=True)

    assert ids == ["rx-met"]


def test_a_repeat_that_stands_for_another_medicine_now_is_a_conflict():
    asked = with_intent(a_renewal("task-1", of="rx-gone"))
    portal = prescription_portal(INSULIN, renewals=[asked])

    with pytest.raises(Conflict):
        propose("insuman", portal=portal, request_id=True)


def test_a_request_is_found_by_its_medicine_and_of_those_that_are_settled_the_newest():
    first = a_renewal("task-1", status="requested", prescription="Metformin 500 mg")
    second = a_renewal("task-2", status="requested", prescription="Insuman")
    older = a_renewal("task-3", status="completed", prescription="Zopiclone")
    oldest = a_renewal("task-4", status="cancelled", prescription="Zopiclone")
    portal = prescription_portal(renewals=[first, second, older, oldest])

    found = [
        find_renewal(portal, text, ScriptedAsker(), str)
        for text in ("metformin", "insu", "zopiclone", "task-4", "nothing")
    ]

    assert found == ["task-1", "task-2", "task-3", "task-4", None]
    with pytest.raises(InputNeeded, match=r"Several requests fit: task-1, task-2\."):
        find_renewal(portal, "task", ScriptedAsker(), str)
