import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.care.inbox import EXTENSIONS, MAX_NAME_BYTES, build_file_names, safe_file_name
from gpcli.model.thread import Attachment

PDF = "application/pdf"


@pytest.mark.parametrize(
    ("title", "content_type", "name"),
    [
        ("leaflet.pdf", PDF, "leaflet.pdf"),
        ("Leaflet.PDF", PDF, "Leaflet.pdf"),
        ("photo.jpeg", "image/jpeg", "photo.jpeg"),
        ("photo", "image/jpeg", "photo.jpg"),
        ("notes.txt", "text/plain; charset=utf-8", "notes.txt"),
        ("prøve æøå.pdf", PDF, "prøve æøå.pdf"),
        ("pro\u0308ve.pdf", PDF, "pr\u00f6ve.pdf"),
        ("../../etc/passwd", PDF, "passwd.pdf"),
        ("..\\..\\win.ini", PDF, "win.ini.pdf"),
        ("/etc/cron.d/x", "text/plain", "x.txt"),
        ("C:x", PDF, "x.pdf"),
        ("a.txt:stream", "text/plain", "stream.txt"),
        ("..", PDF, "attachment.pdf"),
        (".", PDF, "attachment.pdf"),
        ("", PDF, "attachment.pdf"),
        (None, PDF, "attachment.pdf"),
        ("/", PDF, "attachment.pdf"),
        (".bashrc", "text/plain", "bashrc.txt"),
        (".pdf", PDF, "pdf.pdf"),
        ("-rf", PDF, "rf.pdf"),
        ("a\x00b.pdf", PDF, "ab.pdf"),
        ("a\x1b[2Jb\u202e.pdf", PDF, "a[2Jb.pdf"),
        ("two\nlines.pdf", PDF, "twolines.pdf"),
        ('a<b>"c|d?*.pdf', PDF, "a_b__c_d__.pdf"),
        ("ends with dots...", PDF, "ends with dots.pdf"),
        ("NUL", PDF, "_NUL.pdf"),
        ("con.pdf", PDF, "_con.pdf"),
        ("com1.x.pdf", PDF, "_com1.x.pdf"),
        ("COM¹.pdf", PDF, "_COM¹.pdf"),
        ("console.pdf", PDF, "console.pdf"),
        ("picture.exe", "image/png", "picture.exe.png"),
        ("page.html", "text/html", "page.html.bin"),
        ("logo.svg", "image/svg+xml", "logo.svg.bin"),
        ("tool.sh", None, "tool.sh.bin"),
        ("data", "application/octet-stream", "data.bin"),
        ("x.png", "image/png\nX: y", "x.png.bin"),
    ],
)
def test_a_name_is_the_last_part_and_ends_as_its_type_does(title, content_type, name):
    assert safe_file_name(title, content_type) == name


def test_a_long_name_is_cut_between_letters():
    name = safe_file_name("ø" * 500 + ".pdf", PDF)
    assert name == "ø" * (MAX_NAME_BYTES // 2) + ".pdf"


def an_attachment(identity, title):
    return Attachment(identity, title, PDF, None)


def test_no_two_names_are_alike_even_where_case_does_not_count():
    titles = ["scan.pdf", "SCAN.pdf", "scan (2).pdf", "other.pdf", "dir/scan.pdf"]
    attached = [an_attachment(str(number), title) for number, title in enumerate(titles)]
    assert build_file_names(attached) == {
        "0": "scan.pdf",
        "1": "SCAN (2).pdf",
        "2": "scan (2) (2).pdf",
        "3": "other.pdf",
        "4": "scan (3).pdf",
    }


ENDINGS = tuple(ending for endings in EXTENSIONS.values() for ending in endings)


@given(
    st.lists(st.text() | st.text(st.sampled_from("./\\:-\x00 COMNUL1")), max_size=5),
    st.sampled_from([*EXTENSIONS, "text/html", "", None]),
)
def test_whatever_the_title_the_name_is_a_plain_one_in_the_same_place(titles, content_type):
    attached = [
        Attachment(str(number), title, content_type, None) for number, title in enumerate(titles)
    ]
    names = build_file_names(attached)
    assert len({name.casefold() for name in names.values()}) == len(titles)
    for name in names.values():
        assert not set(name) & set('/\\:\x00\n\r\t<>"|?*')
        assert name[0] not in ".- "
        assert name.endswith((*ENDINGS, ".bin"))
        assert name.isprintable()
        assert len(name.encode()) <= MAX_NAME_BYTES + 16
