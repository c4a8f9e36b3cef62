"""The pages that a browser ends at."""

import re

import pytest

from gpcli.auth.loopback import render_callback_page

KINDS = ("done", "refused", "older", "used", "none")


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_has_its_name_a_language_and_one_heading_that_is_its_title(kind):
    page = render_callback_page(kind)
    [heading] = re.findall("<h1>(.*)</h1>", page)
    assert f'<main id="{kind}">' in page
    assert '<html lang="en">' in page
    assert f"<title>{heading} \N{EN DASH} gpcli</title>" in page


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_loads_and_runs_nothing(kind):
    page = render_callback_page(kind)
    assert re.findall(r"<(script|link|img|iframe|form|a)\b", page) == []
    assert re.findall(r"url\(|@import|https?:", page) == []


def test_there_is_no_page_of_another_kind():
    with pytest.raises(KeyError):
        render_callback_page("other")
