"""`gpcli open`: the surgery's web page, or a video consultation."""

from __future__ import annotations

from dataclasses import replace

import pytest

ADAS = "https://solbakken.example/"


def opening(shell, opened):
    """The shell with a browser that notes what it is given."""

    def browse(url):
        opened.append(url)
        return True

    return replace(shell, browse=browse)


def surgery_of(world, url):
    """The record that tells of a web page."""
    kinds = ("Organization", "Location", "PractitionerRole", "Practitioner")
    found = [each for kind in kinds for each in world.sandbox.store.find(kind)]
    return [each for each in found if url in str(each.get("telecom", ""))]


def tell(world, url):
    """Have the portal tell another web page of Ada's surgery; `None` = it tells none."""
    for record in surgery_of(world, ADAS):
        others = [each for each in record["telecom"] if each["value"] != ADAS]
        page = [{"system": "url", "value": url}] if url is not None else []
        world.change(f"{record['resourceType']}/{record['id']}", telecom=[*others, *page])


def test_in_a_script_the_address_is_the_answer_and_nothing_is_opened(world):
    opened = []
    ada = opening(world.shell("ada"), opened)

    assert ada.json("gpcli open") == {
        "url": ADAS,
        "kind": "website",
        "surgery": "Dr. Ingrid Haugland, Solbakken legesenter",
        "appointment": None,
    }
    assert ada("gpcli open --fields url").out == f"{ADAS}\n"
    assert opened == []


def test_at_a_terminal_the_page_is_opened_unless_it_may_not_be(world):
    opened = []
    person = opening(world.shell("ada"), opened).at_a_screen()

    for more, expected in (("--no-browser", []), ("--json", []), ("", [ADAS])):
        ending = person(f"gpcli open {more}")
        assert (ending.code, ADAS in ending.out, opened) == (0, True, expected)
    assert ending.err == "Opened in your browser.\n"


def test_a_browser_that_is_named_is_used_anywhere(world):
    ada = world.shell("ada")

    assert ada("gpcli open --browser true").err == "The link was given to 'true'.\n"
    failed = ada("gpcli open --browser false")
    assert (failed.code, failed.err) == (0, "warning: 'false' failed. Open the address.\n")
    assert ada("gpcli open --browser true --no-browser --json").refused == (2, "usage", "")


def test_a_video_consultation_is_opened_by_its_id(world):
    finn = world.shell("finn")
    [there] = [each for each in finn.json("gpcli appointments list") if each["join_url"]]

    page = finn.json(f"gpcli open {there['id']}")

    assert (page["url"], page["kind"], page["appointment"]) == (
        there["join_url"],
        "video",
        there["id"],
    )


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("open nope", (3, "not_found", "")),
        ("open ''", (2, "usage", "")),
        ("open --gp nobody", (3, "not_found", "")),
        ("open --fields nope", (2, "usage", "")),
    ],
)
def test_what_is_not_there_is_not_opened(world, line, refused):
    opened = []

    assert opening(world.shell("ada"), opened)(f"gpcli {line} --json").refused == refused
    assert opened == []


def test_where_the_portal_tells_of_no_page_it_is_said(world):
    tell(world, None)
    opened = []

    ending = opening(world.shell("ada"), opened).at_a_screen()("gpcli open")

    assert (ending.code, ending.out, opened) == (3, "", [])
    assert ending.err.splitlines()[0] == (
        "gpcli: The portal tells of no web page of Dr. Ingrid Haugland, Solbakken legesenter."
    )


def test_who_has_no_gp_has_no_page(world):
    ending = world.shell("eva")("gpcli open --json")

    assert ending.refused == (3, "not_found", "")


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "file:///etc/passwd", "http://solbakken.example/", "-x"]
)
def test_an_address_that_is_none_is_never_opened(world, link):
    tell(world, link)
    opened = []

    ending = opening(world.shell("ada"), opened).at_a_screen()("gpcli open")

    assert (ending.code, ending.out, opened) == (1, "", [])
    assert link in ending.err


def test_two_gps_with_one_page_need_not_be_told_apart(world):
    finn = world.shell("finn")
    pages = [each["websites"] for each in finn.json("gpcli gp")]

    assert (len(pages), pages[0]) == (2, pages[1])
    assert finn.json("gpcli open")["url"] == pages[0][0]
