"""Files that go along with a message."""

import os

import pytest

from gpcli.cli import attachments
from gpcli.cli.attachments import guess_media_type, read_attachment, read_attachments
from gpcli.errors import InvalidUsage, NotFound
from gpcli.model.thread import AttachedFile


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "rash.jpg"
    path.write_bytes(b"\xff\xd8 a rash")
    return path


def read_refused(error, path):
    """The message and the hint of the refusal."""
    with pytest.raises(error) as refused:
        read_attachment(str(path))
    return refused.value.message, refused.value.hint


def test_a_file_is_its_name_its_type_and_its_bytes(photo):
    assert read_attachment(str(photo)) == AttachedFile("rash.jpg", "image/jpeg", b"\xff\xd8 a rash")


def test_several_come_in_the_order_given(photo, tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("51 mm")
    assert [each.name for each in read_attachments([str(other), str(photo)])] == [
        "notes.txt",
        "rash.jpg",
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.pdf", "application/pdf"),
        ("a.PNG", "image/png"),
        ("a.jpeg", "image/jpeg"),
        ("a.txt", "text/plain"),
        ("a.txt.gz", "application/octet-stream"),
        ("a", "application/octet-stream"),
        ("a.nobodyknows", "application/octet-stream"),
    ],
)
def test_the_extension_says_the_type(name, kind):
    assert guess_media_type(name) == kind


def test_hidden_characters_do_not_travel_in_a_name(tmp_path):
    path = tmp_path / "a\x1b[2J\u202eb.txt"
    path.write_text("x")
    assert read_attachment(str(path)).name == "a_[2J_b.txt"


def test_a_name_that_is_no_text_travels_all_the_same(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.txt")
    path.write_bytes(b"x")
    assert read_attachment(str(path)).name == "caf?.txt"


def test_a_file_that_is_not_there_is_not_found(tmp_path):
    path = tmp_path / "missing.jpg"
    assert read_refused(NotFound, path) == (f"There is no file '{path}'.", "")


def test_a_directory_is_no_file(tmp_path):
    assert read_refused(InvalidUsage, tmp_path)[0] == f"'{tmp_path}' is a directory, not a file."


def test_a_link_is_not_followed_not_even_to_nowhere(photo, tmp_path):
    for target in (photo, tmp_path / "nowhere"):
        link = tmp_path / f"to-{target.name}"
        link.symlink_to(target)
        assert read_refused(InvalidUsage, link) == (
            f"'{link}' is a symbolic link.",
            "Attach the file that it points to.",
        )


def test_a_link_that_appears_at_the_last_moment_is_not_followed_either(photo, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(photo)
    with pytest.raises(OSError, match="Too many levels"):
        os.open(link, attachments._FLAGS)


def test_a_pipe_that_nobody_writes_to_does_not_hang(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert read_refused(InvalidUsage, pipe)[0] == f"'{pipe}' is a pipe, not a file."


def test_a_device_is_no_file():
    assert read_refused(InvalidUsage, "/dev/null")[0] == "'/dev/null' is a device, not a file."


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.txt"
    path.touch()
    assert read_refused(InvalidUsage, path)[0] == f"'{path}' is empty."


@pytest.mark.parametrize("name", ["", "  "])
def test_a_name_is_needed(name):
    assert read_refused(InvalidUsage, name)[0] == "--attach needs a value that is not empty."


def test_a_name_that_no_system_takes_is_refused():
    assert "can't be read" in read_refused(InvalidUsage, "a\0b")[0]


def test_a_file_beyond_all_measure_is_refused_unread(tmp_path):
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(attachments.MAX_TOTAL_BYTES + 1)
    message, _ = read_refused(InvalidUsage, path)
    most = attachments.MAX_TOTAL_BYTES
    assert message == f"'{path}' has {most + 1} bytes: {most} at most."


def test_files_that_are_too_much_together_are_refused(tmp_path):
    names = []
    for number in range(3):
        path = tmp_path / f"{number}.jpg"
        with path.open("wb") as file:
            file.truncate(attachments.MAX_TOTAL_BYTES // 2)
        names.append(str(path))
    with pytest.raises(InvalidUsage, match="together"):
        read_attachments(names)


@pytest.mark.parametrize(
    "change", [lambda path: path.write_bytes(b"other"), lambda path: os.utime(path, (1, 1))]
)
def test_a_file_that_changes_while_it_is_read_is_refused(photo, change):
    descriptor = os.open(photo, os.O_RDONLY)
    try:
        before = os.fstat(descriptor)
        change(photo)
        with pytest.raises(InvalidUsage, match="changes while it is read"):
            attachments.read_unchanged("rash.jpg", descriptor, before)
    finally:
        os.close(descriptor)


def test_a_file_that_grows_while_it_is_read_is_refused(photo):
    descriptor = os.open(photo, os.O_RDONLY)
    try:
        before = os.fstat(descriptor)
        with photo.open("ab") as file:
            file.write(b"more")
        with pytest.raises(InvalidUsage, match="changes while it is read"):
            attachments.read_unchanged("rash.jpg", descriptor, before)
    finally:
        os.close(descriptor)


def test_once_they_are_too_much_no_further_file_is_read(tmp_path):
    names = []
    for number in range(2):
        path = tmp_path / f"{number}.jpg"
        with path.open("wb") as file:
            file.truncate(attachments.MAX_TOTAL_BYTES // 2 + 1)
        names.append(str(path))
    with pytest.raises(InvalidUsage) as refused:
        read_attachments([*names, str(tmp_path / "never-looked-at.jpg")])
    assert refused.value.message == (
        f"The attachments have more than {attachments.MAX_TOTAL_BYTES} bytes together."
    )


def test_files_that_are_just_not_too_much_together_go_along(tmp_path):
    path = tmp_path / "half.jpg"
    with path.open("wb") as file:
        file.truncate(attachments.MAX_TOTAL_BYTES // 2)
    found = read_attachments([str(path), str(path)])
    assert sum(len(each.content) for each in found) == attachments.MAX_TOTAL_BYTES


def test_a_name_beyond_what_the_system_takes_is_refused_in_words():
    name = "a" * 300
    assert read_refused(InvalidUsage, name)[0] == f"'{name}' can't be read: File name too long."


def test_a_file_below_one_that_is_no_directory_is_refused_in_words(photo):
    assert read_refused(InvalidUsage, photo / "x.jpg")[0].endswith(
        "can't be read: Not a directory."
    )
