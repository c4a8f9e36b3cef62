"""Which prescriptions are to be renewed that are named by their medicine, or the start of an id."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from gpcli.care.prescription_list import list_meant, name_prescriptions
from gpcli.care.renewal_request import RenewalContext, RenewalRequest
from gpcli.care.selection import several_fit, word_question
from gpcli.model.prescription import Prescription, RenewalFacts


def resolve_named(
    context: RenewalContext, request: RenewalRequest, facts: RenewalFacts, own: Collection[str]
) -> RenewalRequest:
    """Return the request with ids in place of what stands for them; what fits nothing stays.

    `own` are the ids of the prescriptions that an earlier try of this request has asked for: where
    several fit, a repeat means those.
    Raises: InputNeeded where several fit and nobody can be asked; Declined.
    """
    if request.ids is None or not request.named:
        return request
    ids: list[str] = []
    for text in request.ids:
        ids += _resolve(context, facts, text, own) if text in request.named else [text]
    return replace(request, ids=tuple(ids))


def _resolve(
    context: RenewalContext, facts: RenewalFacts, text: str, own: Collection[str]
) -> Sequence[str]:
    if any(text in (each.id, *each.predecessors) for each in facts.prescriptions):
        return [text]
    found = list_meant(context.portal, facts.prescriptions, text, context.label)
    if not found:
        return [text]
    if len(found) > 1:
        asked = [each for each in found if not {each.id, *each.predecessors}.isdisjoint(own)]
        found = asked or _choose(context, text, found)
    ids = [str(each.id) for each in found]
    context.note_meant(text, ids)
    return ids


def _choose(
    context: RenewalContext, text: str, found: Sequence[Prescription]
) -> list[Prescription]:
    naming = name_prescriptions(context.label)
    if not context.asker.can_ask:
        raise several_fit(found, naming)
    choices = [(str(each.id), context.label(each)) for each in found]
    question = word_question(text, found, naming)
    chosen = context.asker.choose_several(question, choices, flag="ID")
    return [each for each in found if each.id in chosen]
