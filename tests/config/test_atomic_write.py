"""What is written to the disk: complete, private, and never over something else."""

import os
import stat

import pytest

from gpcli.config.atomic_write import (
    make_private_directory,
    require_directory,
    save_new_file,
    write_private_file,
)
from gpcli.errors import Failure, InvalidUsage, NotFound


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def _careless_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_private_directory_is_made_and_given_back(tmp_path):
    made = make_private_directory(tmp_path / "a" / "b")

    assert (made, made.is_dir(), mode(made)) == (tmp_path / "a" / "b", True, 0o700)


def test_a_directory_that_is_there_is_left_as_it_is(tmp_path):
    (tmp_path / "a").mkdir(mode=0o755)

    assert mode(make_private_directory(tmp_path / "a")) == 0o755


def test_a_file_is_written_whole_and_for_its_owner_only(tmp_path):
    path = tmp_path / "conf" / "config.toml"

    write_private_file(path, "måned = 1\r\nx\n")

    assert path.read_bytes() == "måned = 1\r\nx\n".encode()
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_a_file_that_others_could_read_is_private_after_writing(tmp_path):
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)

    write_private_file(path, "new")

    assert (path.read_text(encoding="utf-8"), mode(path)) == ("new", 0o600)


def test_no_draft_is_left_beside_the_file(tmp_path):
    write_private_file(tmp_path / "file", "text")

    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_what_can_not_be_written_leaves_the_old_text_and_no_draft(tmp_path):
    path = tmp_path / "file"
    write_private_file(path, "old")

    with pytest.raises(UnicodeEncodeError):
        write_private_file(path, "new \ud800")

    assert path.read_text(encoding="utf-8") == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_readers_see_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "file"
    write_private_file(path, "old")

    with path.open(encoding="utf-8") as reader:
        write_private_file(path, "new")
        seen = reader.read()

    assert (seen, path.read_text(encoding="utf-8")) == ("old", "new")


def test_a_directory_in_the_files_place_is_an_error_and_leaves_no_draft(tmp_path):
    (tmp_path / "file").mkdir()

    with pytest.raises(OSError, match="directory"):
        write_private_file(tmp_path / "file", "text")

    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_file_is_whole_and_for_its_owner_only(tmp_path):
    path = tmp_path / "leaflet.pdf"
    save_new_file(path, b"%PDF", replace=False)
    assert (path.read_bytes(), mode(path)) == (b"%PDF", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_there_stays_unless_it_may_be_replaced(tmp_path):
    path = tmp_path / "leaflet.pdf"
    path.write_bytes(b"mine")
    with pytest.raises(InvalidUsage) as raised:
        save_new_file(path, b"%PDF", replace=False)
    assert (raised.value.message, raised.value.hint, path.read_bytes()) == (
        f"'{path}' is there already.",
        "--yes replaces it; --to DIR saves elsewhere.",
        b"mine",
    )
    save_new_file(path, b"%PDF", replace=True)
    assert (path.read_bytes(), mode(path)) == (b"%PDF", 0o600)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("points_to", ["precious", "nowhere"])
def test_a_link_is_never_written_through(tmp_path, points_to):
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    link = tmp_path / "leaflet.pdf"
    link.symlink_to(tmp_path / points_to)
    with pytest.raises(InvalidUsage):
        save_new_file(link, b"%PDF", replace=False)
    save_new_file(link, b"%PDF", replace=True)
    assert (link.is_symlink(), link.read_bytes(), precious.read_bytes()) == (
        False,
        b"%PDF",
        b"mine",
    )
    assert not (tmp_path / "nowhere").exists()


def fail_to_link(part, path):
    raise PermissionError("Operation not permitted")


def test_a_file_system_without_links_takes_it_too(tmp_path):
    path = tmp_path / "leaflet.pdf"
    save_new_file(path, b"%PDF", replace=False, link=fail_to_link)
    assert (path.read_bytes(), mode(path), list(tmp_path.iterdir())) == (b"%PDF", 0o600, [path])


@pytest.mark.parametrize("link", [fail_to_link, None])
def test_what_appears_while_it_is_saved_stays(tmp_path, link):
    path = tmp_path / "leaflet.pdf"

    def late(part, target):
        target.write_bytes(b"mine")
        (link or os.link)(part, target)

    with pytest.raises(InvalidUsage, match="is there already"):
        save_new_file(path, b"%PDF", replace=False, link=late)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"mine", [path])


@pytest.mark.parametrize("replace", [False, True])
def test_a_directory_is_never_replaced(tmp_path, replace):
    (tmp_path / "x.pdf").mkdir()
    with pytest.raises(InvalidUsage):
        save_new_file(tmp_path / "x.pdf", b"%PDF", replace=replace)
    assert (tmp_path / "x.pdf").is_dir()


def test_where_nothing_can_be_written_the_system_s_words_are_said(tmp_path):
    with pytest.raises(Failure, match="No such file or directory"):
        save_new_file(tmp_path / "gone" / "x.pdf", b"%PDF", replace=False)


def test_the_place_must_be_a_directory(tmp_path):
    (tmp_path / "file").touch()
    assert require_directory(str(tmp_path)) == tmp_path
    with pytest.raises(InvalidUsage, match="is not a directory"):
        require_directory(str(tmp_path / "file"))
    with pytest.raises(NotFound, match="There is no directory"):
        require_directory(str(tmp_path / "gone"))
    with pytest.raises(InvalidUsage, match="--to needs a value"):
        require_directory(" ")


@pytest.mark.parametrize("name", ["a" * 300, "a\0b"])
def test_a_place_that_no_system_has_is_refused_in_words(name):
    with pytest.raises(InvalidUsage, match="can't be used: "):
        require_directory(name)


def test_a_place_that_points_round_in_circles_is_refused_in_words(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InvalidUsage, match="can't be used: Too many levels"):
        require_directory(str(tmp_path / "loop"))


def test_a_place_below_a_file_or_behind_a_dead_link_is_no_directory(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "dead").symlink_to(tmp_path / "nowhere")
    with pytest.raises(NotFound, match="There is no directory"):
        require_directory(str(tmp_path / "file" / "below"))
    with pytest.raises(InvalidUsage, match="is not a directory"):
        require_directory(str(tmp_path / "dead"))
