import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import iter_graphemes, width

from gpcli.render.columns import display_width, fit_widths, pad, truncate, wrap_line
from gpcli.render.sanitise import safe_line

FAMILY = "👩\u200d👩\u200d👧"
CLUSTERS = {
    FAMILY: 2,
    "❤\ufe0f\u200d🔥": 2,
    "👍🏽": 2,
    "🇳🇴": 2,
    "1\ufe0f\u20e3": 2,
    "❤": 1,
    "❤\ufe0f": 2,
    "⌚\ufe0e": 1,
    "e\u0301": 1,
    "Å\u0323\u0301": 1,
    "診": 2,
    "ｶ": 1,
    "각": 2,
    "\u1100\u1161\u11a8": 2,
    "क\u094dष": 2,
    "ø": 1,
    "–": 1,
    "·": 1,
    "\u2019": 1,
    "…": 1,
    "⠋": 1,
}
"""A grapheme cluster, and the columns that it takes."""


def old_width(text):
    return sum(
        0
        if unicodedata.combining(character)
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


mixtures = st.lists(
    st.one_of(
        st.sampled_from([*CLUSTERS, " ", " \u0301", "a", "Ø", "\u200d", "\ufe0f", "🇳", "👩"]),
        st.characters(codec="utf-8"),
    ),
    max_size=30,
).map(lambda parts: safe_line("".join(parts)))


@pytest.mark.parametrize(("cluster", "columns"), CLUSTERS.items())
def test_a_cluster_is_measured_as_a_whole(cluster, columns):
    assert display_width(cluster) == columns
    assert display_width(f"a{cluster}b") == columns + 2


def test_wide_letters_take_two_columns_and_accents_none():
    assert [display_width(text) for text in ("abc", "診療所", "cafe\u0301", "")] == [3, 6, 4, 0]
    assert truncate("診療所", 5) == "診療"
    assert (pad("診", 4), pad("診", 4, right=True)) == ("診  ", "  診")


def test_flags_next_to_each_other_are_flags():
    assert display_width("🇳🇴🇸🇪") == 4
    assert truncate("🇳🇴🇸🇪", 3) == "🇳🇴"


def test_what_the_escapes_of_the_sanitiser_take_is_counted():
    assert display_width(safe_line("a\u202eb")) == len("a\\u202eb")


def test_a_control_character_does_not_make_a_width_negative():
    assert display_width("Ø\n診\x1b") == 3


@given(st.text(st.characters(max_codepoint=0x2FF, exclude_categories=["C"])))
def test_latin_text_is_measured_as_before(text):
    assert display_width(text) == old_width(text) == width(text, control_codes="ignore")


@given(st.text("abcæøåéü–—\u2018\u2019“”…·→ €診療所日本가각ｱＡабвαβγ\u0301\u0308\u0323"))
def test_letters_that_were_measured_rightly_still_are(text):
    assert display_width(text) == old_width(text)


@given(mixtures, st.integers(0, 40))
def test_cutting_never_splits_a_cluster_and_leaves_what_fits(text, columns):
    clusters = list(iter_graphemes(text))
    cut = truncate(text, columns)
    kept = list(iter_graphemes(cut))
    assert kept == clusters[: len(kept)]
    assert "".join(kept) == cut
    assert display_width(cut) <= columns
    if cut != text:
        assert display_width(cut + clusters[len(kept)]) > columns


@given(mixtures, st.integers(1, 40), st.integers(0, 3))
def test_wrapping_never_splits_a_cluster_or_a_word(text, columns, indent):
    lines = wrap_line(text, columns, indent)
    assert "".join("".join(lines).split()) == "".join(text.split())
    clusters = [cluster for cluster in iter_graphemes(text) if not cluster.isspace()]
    wrapped = [part for line in lines for part in iter_graphemes(line) if not part.isspace()]
    assert wrapped == clusters


@given(mixtures, st.integers(0, 60), st.booleans())
def test_padding_fills_up_to_the_width(text, columns, right):
    padded = pad(text, columns, right=right)
    assert padded.strip(" ") == text.strip(" ")
    assert len(padded) == len(text) + max(0, columns - display_width(text))


def test_columns_share_what_there_is_and_the_widest_gives_way_first():
    assert fit_widths([(3, 5), (2, 20), (4, 10)], 35) == [5, 20, 10]
    assert fit_widths([(3, 5), (2, 20), (4, 10)], 21) == [5, 8, 8]
    assert fit_widths([(9, 9), (2, 2000), (4, 10)], 15) == [9, 2, 4]


@pytest.mark.parametrize(
    ("text", "loads"), [("abc", False), ("Øvrebø – 09:00 · …", False), (FAMILY, True)]
)
def test_text_in_latin_letters_does_not_pay_for_the_tables_of_widths(text, loads):
    look = (
        "import sys; from gpcli.render.columns import *; "
        f"display_width({text!r}); wrap_line({text!r}, 4); truncate({text!r}, 2); "
        "print('wcwidth' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == f"{loads}\n"
