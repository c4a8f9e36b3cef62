"""Which page a patient means who has several GPs."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from gpcli.care.web_pages import fetch_page
from gpcli.errors import BadResponse, InputNeeded, NotFound
from gpcli.model.service import Surgery

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAHL = Surgery(
    "dahl", "Dr. Dahl", "Fjord", websites=("http://fjord.example", "https://fjord.example")
)
BERG = Surgery("berg", "Dr. Berg", "Tun", websites=("https://tun.example",))
NONE = Surgery("none", "Dr. None", "Sjø")


@dataclass
class SurgeryPortal:
    """A portal that tells of surgeries."""

    surgeries: tuple[Surgery, ...]

    def fetch_surgeries(self):
        return self.surgeries


@dataclass
class Chooser:
    """A person who chooses the last one; `can_ask` is whether there is one."""

    can_ask: bool = True

    def choose(self, question, choices, *, flag):
        return choices[-1][0]


def fetch(surgeries, gp=None, *, can_ask=True):
    asker, can_open = Chooser(can_ask), lambda link: link.startswith("https:")
    return fetch_page(SurgeryPortal(surgeries), None, gp, asker, can_open, NOW)


def test_of_the_addresses_of_a_surgery_one_is_taken_that_can_be_opened():
    assert fetch((DAHL,)).url == "https://fjord.example"


def test_the_only_gp_with_a_page_needs_no_name():
    assert fetch((NONE, BERG), can_ask=False).surgery == "Dr. Berg, Tun"


def test_of_several_gps_a_person_chooses_one():
    assert fetch((DAHL, BERG)).url == "https://tun.example"


def test_of_several_gps_one_has_to_be_named_where_nobody_can_be_asked():
    with pytest.raises(InputNeeded) as needed:
        fetch((DAHL, BERG), can_ask=False)

    assert needed.value.hint == "Name one: --gp 'Dr. Dahl'."
    assert fetch((DAHL, BERG), "Berg", can_ask=False).url == "https://tun.example"


def test_a_gp_without_a_page_is_said_to_have_none():
    with pytest.raises(NotFound, match=r"The portal tells of no web page of Dr\. None, Sjø\."):
        fetch((NONE, BERG), "None")


def test_an_address_that_can_not_be_opened_is_shown_in_the_error():
    with pytest.raises(BadResponse, match=r"of Dr\. Wik is not one to open: ftp://wik\.example"):
        fetch((Surgery("wik", "Dr. Wik", None, websites=("ftp://wik.example",)),))
