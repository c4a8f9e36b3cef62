"""What is written to the disk: complete, private, and never over something else."""

import errno
import os
import socket
import stat
from contextlib import chdir, closing, suppress
from pathlib import Path

import pytest

from gpcli.config.private_files import (
    build_cure,
    edit_config_file,
    edit_private_file,
    make_private_directory,
    open_private_file,
    read_config_file,
    require_directory,
    save_new_file,
    write_private_file,
)
from gpcli.errors import ConfigError, Failure, InvalidUsage, NotFound, TimedOut

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes, links and owners")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def _careless_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def make_directory(path):
    path.mkdir(mode=0o700)


def make_link(path):
    target = path.with_name(f"target of {path.name}")
    target.write_bytes(b"theirs")
    path.symlink_to(target)


def make_link_to_directory(path):
    target = path.with_name(f"target of {path.name}")
    target.mkdir(mode=0o755)
    path.symlink_to(target)


def make_dead_link(path):
    path.symlink_to(path.with_name("nowhere"))


def make_socket(path):
    with closing(socket.socket(socket.AF_UNIX)) as listener, chdir(path.parent):
        listener.bind(path.name)  # the whole path may be longer than a socket's name can be


def make_device(path):
    if os.geteuid() != 0:
        pytest.skip("only root can make a device")
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))


def make_someone_elses_file(path):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path.touch(0o600)
    os.chown(path, 65534, -1)


def make_someone_elses_directory(path):
    make_directory(path)
    make_someone_elses_file(path)


NO_FILE = {
    "is a symbolic link": [make_link, make_link_to_directory, make_dead_link],
    "is not a file": [make_directory, os.mkfifo, make_socket, make_device],
    "belongs to another user": [make_someone_elses_file],
}
NO_DIRECTORY = {
    "is a symbolic link": [make_link, make_link_to_directory, make_dead_link],
    "is not a directory": [Path.touch, os.mkfifo, make_socket, make_device],
    "belongs to another user": [make_someone_elses_directory],
}


def cases(table):
    return [
        pytest.param(why, make, id=make.__name__)
        for why, makers in table.items()
        for make in makers
    ]


WAYS_TO_OPEN = {
    "reading": os.O_RDONLY,
    "writing": os.O_WRONLY,
    "appending": os.O_RDWR | os.O_APPEND | os.O_CREAT,
    "truncating": os.O_WRONLY | os.O_TRUNC | os.O_CREAT,
}


def open_and_close(path, flags):
    os.close(open_private_file(path, flags))


@posix
@pytest.mark.parametrize("flags", WAYS_TO_OPEN.values(), ids=WAYS_TO_OPEN.keys())
@pytest.mark.parametrize(("why", "make"), cases(NO_FILE))
def test_what_is_no_file_of_gpclis_own_is_refused_and_stays(tmp_path, why, make, flags):
    path = tmp_path / "journal.jsonl"
    make(path)
    before = [(each, each.lstat()) for each in sorted(tmp_path.iterdir())]

    with pytest.raises(ConfigError) as raised:
        open_and_close(path, flags)

    assert raised.value.message.startswith(f"{path} {why}")
    assert "GPCLI_CONFIG_DIR" in raised.value.hint
    assert [(each, each.lstat()) for each in sorted(tmp_path.iterdir())] == before


@posix
@pytest.mark.parametrize(
    "used", [make_private_directory, lambda path: open_and_close(path / "x", 0)]
)
@pytest.mark.parametrize(("why", "make"), cases(NO_DIRECTORY))
def test_what_is_no_directory_of_gpclis_own_is_refused_and_stays(tmp_path, why, make, used):
    path = tmp_path / "gpcli"
    make(path)
    before = [(each, each.lstat()) for each in sorted(tmp_path.iterdir())]

    with pytest.raises(ConfigError) as raised:
        used(path)

    assert raised.value.message.startswith(f"{path} {why}")
    assert "GPCLI_CONFIG_DIR" in raised.value.hint
    assert [(each, each.lstat()) for each in sorted(tmp_path.iterdir())] == before


@posix
@pytest.mark.parametrize("flags", WAYS_TO_OPEN.values(), ids=WAYS_TO_OPEN.keys())
@pytest.mark.parametrize("loose", [0o604, 0o606, 0o640, 0o644, 0o666, 0o677, 0o777])
def test_what_others_could_use_is_theirs_no_more(tmp_path, loose, flags):
    path = tmp_path / "gpcli" / "journal.jsonl"
    path.parent.mkdir()
    path.touch()
    path.chmod(loose)
    path.parent.chmod(loose | 0o700)

    open_and_close(path, flags)

    assert (mode(path), mode(path.parent)) == (loose & 0o700, 0o700)


@posix
@pytest.mark.parametrize("strict", [0o400, 0o440, 0o444])
def test_a_file_that_its_owner_made_read_only_is_read_and_never_written(tmp_path, strict):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"kept")
    path.chmod(strict)

    for flags in (os.O_WRONLY, os.O_RDWR | os.O_APPEND | os.O_CREAT):
        with pytest.raises(PermissionError, match="Permission denied"):
            open_and_close(path, flags)
    open_and_close(path, os.O_RDONLY)

    assert (path.read_bytes(), mode(path)) == (b"kept", 0o400)


def test_a_new_file_is_for_its_owner_only_and_no_program_inherits_it(tmp_path):
    path = tmp_path / "journal.jsonl"

    descriptor = open_private_file(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)

    inherited = os.get_inheritable(descriptor)
    os.close(descriptor)
    assert (mode(path), inherited) == (0o600, False)


@pytest.mark.parametrize("place", [Path("journal.jsonl"), Path("gone", "journal.jsonl")])
def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path, place):
    with pytest.raises(FileNotFoundError):
        open_private_file(tmp_path / place, os.O_RDONLY)


def test_directories_are_made_for_their_owner_only(tmp_path):
    made = make_private_directory(tmp_path / "gpcli", "a", "b")

    assert made == tmp_path / "gpcli" / "a" / "b"
    assert [mode(each) for each in (made, made.parent, made.parent.parent)] == [0o700] * 3


@posix
def test_what_leads_to_the_directory_may_be_a_link(tmp_path):
    (tmp_path / "other disk").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "other disk")

    make_private_directory(tmp_path / "state" / "gpcli", "locks")

    assert mode(tmp_path / "other disk" / "gpcli" / "locks") == 0o700


@posix
def test_each_directory_on_the_way_down_is_checked(tmp_path):
    make_private_directory(tmp_path / "gpcli", "locks")
    for each in (tmp_path / "gpcli", tmp_path / "gpcli" / "locks"):
        each.chmod(0o777)

    make_private_directory(tmp_path / "gpcli", "locks")

    assert [mode(tmp_path / "gpcli"), mode(tmp_path / "gpcli" / "locks")] == [0o700] * 2


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

    with pytest.raises(ConfigError, match="is not a file"):
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


def change(path, content):
    with edit_private_file(path) as file:
        file.content = content


def change_config(path, content):
    with edit_config_file(path) as file:
        file.content = content


CHANGES = [
    lambda path: write_private_file(path, "new"),
    lambda path: change(path, b"new"),
    lambda path: change_config(path, b"new"),
]
CHANGE_NAMES = ["write", "edit", "edit config"]


@posix
@pytest.mark.parametrize("act", CHANGES, ids=CHANGE_NAMES)
@pytest.mark.parametrize("strict", [0o400, 0o440, 0o444])
def test_a_file_that_its_owner_made_read_only_is_not_replaced(tmp_path, strict, act):
    path = tmp_path / "file"
    path.write_bytes(b"kept")
    path.chmod(strict)

    with pytest.raises(PermissionError, match="Permission denied"):
        act(path)

    assert (path.read_bytes(), mode(path) & 0o700) == (b"kept", 0o400)


@posix
@pytest.mark.parametrize("act", CHANGES, ids=CHANGE_NAMES)
def test_a_file_keeps_what_its_owner_may_do_with_it(tmp_path, act):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o200 if act is CHANGES[0] else 0o700)

    act(path)

    assert (path.stat().st_size, mode(path)) == (3, 0o200 if act is CHANGES[0] else 0o700)


@pytest.mark.parametrize("edit", [edit_private_file, edit_config_file])
def test_a_change_that_fails_changes_nothing(tmp_path, edit):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with suppress(ZeroDivisionError), edit(path) as file:
        file.content = b"new"
        raise ZeroDivisionError

    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("edit", [edit_private_file, edit_config_file])
def test_a_file_that_is_not_there_has_no_content_and_stays_away_unless_it_is_given_some(
    tmp_path, edit
):
    path = tmp_path / "gpcli" / "file"
    with edit(path) as file:
        before = file.content
    assert (before, path.exists()) == (None, False)

    with edit(path) as file:
        file.content = b"new"

    lock = path.with_name("file.lock")
    assert path.read_bytes() == b"new"
    assert [mode(each) for each in (path, lock, path.parent)] == [0o600, 0o600, 0o700]


def test_whoever_can_not_have_the_lock_is_told_which_file_it_is(tmp_path):
    path = tmp_path / "file"

    with (
        edit_private_file(path),
        pytest.raises(TimedOut) as raised,
        edit_private_file(path, timeout=0),
    ):
        pytest.fail("two have the lock")

    assert (raised.value.message, raised.value.hint) == (
        f"Another gpcli is changing {path} and did not finish in time: {path}.lock is locked.",
        "Try again.",
    )


@posix
@pytest.mark.parametrize("edit", [edit_private_file, edit_config_file])
@pytest.mark.parametrize(("why", "make"), cases(NO_FILE))
def test_a_lock_file_has_to_be_gpclis_own(tmp_path, why, make, edit):
    lock = tmp_path / "file.lock"
    make(lock)

    with pytest.raises(ConfigError) as raised, edit(tmp_path / "file") as file:
        file.content = b"new"

    assert raised.value.message.startswith(f"{lock} {why}")
    assert not (tmp_path / "file").exists()


@posix
def test_a_lock_file_that_others_could_lock_is_theirs_no_more(tmp_path):
    (tmp_path / "file.lock").touch()
    (tmp_path / "file.lock").chmod(0o666)

    change_config(tmp_path / "file", b"new")

    assert mode(tmp_path / "file.lock") == 0o600


@posix
@pytest.mark.parametrize("loose", [0o755, 0o775, 0o777])
def test_a_configuration_may_be_read_by_others_and_written_by_nobody_else(tmp_path, loose):
    path = tmp_path / "gpcli" / "config.toml"
    path.parent.mkdir()
    path.write_bytes(b"old")
    path.chmod(loose & 0o666)
    path.parent.chmod(loose)

    read = read_config_file(path), mode(path)
    path.chmod(loose & 0o666)
    change_config(path, b"new")

    assert read == (b"old", 0o644)
    assert (path.read_bytes(), mode(path), mode(path.parent)) == (b"new", 0o644, 0o755)


@posix
@pytest.mark.parametrize("chain", [["config.toml"], ["config.toml", "second link"]])
def test_a_configuration_that_is_a_link_stays_one_and_what_it_points_to_is_changed(tmp_path, chain):
    target = tmp_path / "dotfiles" / "gpcli.toml"
    target.parent.mkdir()
    target.write_bytes(b"old")
    places = [tmp_path / "gpcli" / name for name in chain]
    places[0].parent.mkdir(mode=0o700)
    for link, aim in zip(places, [*places[1:], Path("..", "dotfiles", "gpcli.toml")], strict=True):
        link.symlink_to(aim)

    change_config(places[0], b"new")

    assert (read_config_file(places[0]), target.read_bytes()) == (b"new", b"new")
    assert all(link.is_symlink() for link in places)
    assert sorted(each.name for each in target.parent.iterdir()) == [
        "gpcli.toml",
        "gpcli.toml.lock",
    ]
    assert sorted(places[0].parent.iterdir()) == sorted(places)


@posix
def test_a_configuration_in_a_directory_that_is_a_link_is_changed_there(tmp_path):
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "gpcli").symlink_to(tmp_path / "dotfiles")

    change_config(tmp_path / "gpcli" / "config.toml", b"new")

    assert (tmp_path / "gpcli").is_symlink()
    assert (tmp_path / "dotfiles" / "config.toml").read_bytes() == b"new"


@posix
def test_a_configuration_that_points_to_nothing_is_made_there(tmp_path):
    (tmp_path / "config.toml").symlink_to(tmp_path / "gpcli.toml")

    change_config(tmp_path / "config.toml", b"new")

    assert (tmp_path / "config.toml").is_symlink()
    assert mode(tmp_path / "gpcli.toml") == 0o600


@posix
@pytest.mark.parametrize("act", [read_config_file, lambda path: change_config(path, b"new")])
@pytest.mark.parametrize(("why", "make"), cases({"is not a file": NO_FILE["is not a file"]}))
def test_a_configuration_has_to_be_a_file(tmp_path, why, make, act):
    make(tmp_path / "config.toml")

    with pytest.raises(ConfigError, match=why):
        act(tmp_path / "config.toml")


@posix
def test_a_configuration_of_somebody_else_is_read_and_not_written(tmp_path):
    make_someone_elses_file(tmp_path / "config.toml")

    assert read_config_file(tmp_path / "config.toml") == b""
    with pytest.raises(ConfigError, match="belongs to another user"):
        change_config(tmp_path / "config.toml", b"new")


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.ENOSPC, "Make room on the disk"),
        (errno.EROFS, "Make the directory writable"),
        (errno.EACCES, "Make the directory writable"),
    ],
)
def test_the_cure_of_a_file_that_cannot_be_written_fits_the_cause(number, cure):
    assert build_cure(OSError(number, "")) == f"{cure}, or set GPCLI_CONFIG_DIR."
