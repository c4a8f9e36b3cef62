"""Immunization: vaccinations on record."""

from __future__ import annotations

import re

from gpcli.model.appointment import Vaccination
from gpcli.portal.fhir.element import Element

_INFLUENZA_ATC = "J07BB"
_INFLUENZA_WORDS = re.compile(r"\b(influenza(?!e)|influensa|flu vaccin)")
"""Not *Haemophilus influenzae*, which is another illness."""


def read_vaccination(immunization: Element) -> Vaccination | None:
    """One that was given and has a date, else `None`."""
    date = immunization.text("occurrenceDateTime")
    if immunization.text("status") != "completed" or date is None:
        return None
    words = immunization.phrase("vaccineCode")
    codes = (coding.code for coding in immunization.codings("vaccineCode"))
    return Vaccination(words or next(filter(None, codes), "unknown"), date)


def against_influenza(immunization: Element) -> bool:
    """Whether it is a flu vaccine: by its ATC code (J07BB…), else by its name."""
    codes = [coding.code for coding in immunization.codings("vaccineCode")]
    words = (immunization.phrase("vaccineCode") or "").casefold()
    by_code = any(code.startswith(_INFLUENZA_ATC) for code in codes)
    return by_code or _INFLUENZA_WORDS.search(words) is not None
