import os
import stat

import pytest

from gpcli.config.atomic_write import make_private_directory, write_private_file


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
