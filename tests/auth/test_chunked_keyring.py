import pytest
from hypothesis import given
from hypothesis import strategies as some

from gpcli.auth.keyring_vault import MAX_PIECE_LENGTH, ChunkedKeyring


class SmallKeyring:
    """A keyring whose items are short; it can fail after some writes."""

    def __init__(self, writes: int = 10_000) -> None:
        self.items: dict[str, str] = {}
        self.writes = writes

    def get_password(self, service, username):
        return self.items.get(username)

    def set_password(self, service, username, password):
        assert len(password) <= MAX_PIECE_LENGTH
        if self.writes == 0:
            raise OSError("full")
        self.writes -= 1
        self.items[username] = password

    def delete_password(self, service, username):
        del self.items[username]


def chunked(backend: SmallKeyring) -> ChunkedKeyring:
    generations = iter(f"g{number}" for number in range(1, 1000))
    return ChunkedKeyring(backend, lambda: next(generations))


def test_a_long_item_is_kept_in_pieces_behind_a_pointer():
    backend = SmallKeyring()
    chunked(backend).set_password("gpcli", "ada", "x" * 3000)
    assert backend.items == {
        "ada#g1.0": "x" * 1280,
        "ada#g1.1": "x" * 1280,
        "ada#g1.2": "x" * 440,
        "ada": '{"generation": "g1", "pieces": 3}',
    }


@given(some.text(max_size=4 * MAX_PIECE_LENGTH))
def test_what_is_written_is_read(item):
    store = chunked(SmallKeyring())
    store.set_password("gpcli", "ada", item)
    assert store.get_password("gpcli", "ada") == item


def test_a_new_item_replaces_the_old_pieces():
    backend = SmallKeyring()
    store = chunked(backend)
    store.set_password("gpcli", "ada", "x" * 5000)
    store.set_password("gpcli", "ada", "short")
    assert backend.items == {"ada#g2.0": "short", "ada": '{"generation": "g2", "pieces": 1}'}


@pytest.mark.parametrize("writes", [3, 4, 5])
def test_a_write_that_breaks_off_anywhere_leaves_the_old_item(writes):
    backend = SmallKeyring(writes)
    store = chunked(backend)
    store.set_password("gpcli", "ada", "old" * 500)
    with pytest.raises(OSError, match="full"):
        store.set_password("gpcli", "ada", "new" * 1000)
    assert store.get_password("gpcli", "ada") == "old" * 500


def test_deleting_leaves_nothing():
    backend = SmallKeyring()
    store = chunked(backend)
    store.set_password("gpcli", "ada", "x" * 5000)
    store.delete_password("gpcli", "ada")
    assert backend.items == {}


@pytest.mark.parametrize(
    "pointer", ["not json", "[]", "{}", '{"generation": "g1"}', '{"generation": 1, "pieces": "x"}']
)
def test_a_pointer_that_makes_no_sense_points_to_nothing(pointer):
    backend = SmallKeyring()
    backend.items["ada"] = pointer
    assert chunked(backend).get_password("gpcli", "ada") is None


def test_an_item_with_a_missing_piece_is_no_item():
    backend = SmallKeyring()
    store = chunked(backend)
    store.set_password("gpcli", "ada", "x" * 3000)
    del backend.items["ada#g1.1"]
    assert store.get_password("gpcli", "ada") is None


def test_nothing_is_read_where_nothing_was_written():
    assert chunked(SmallKeyring()).get_password("gpcli", "ada") is None
