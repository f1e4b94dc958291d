"""The reader of LMDBs: what the library reads, and no crash on damaged files."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("lmdb", reason="the package lmdb is not installed")

from ctcbench.builtin.picture_sets.lmdb_pages import DamagedLmdb, LmdbPages
from ctcbench.contract.errors import UsageError


def written(folder, pairs, removed=()):
    import lmdb

    folder.mkdir()
    with lmdb.open(str(folder), map_size=1 << 27) as environment:
        # In several transactions, so that pages are freed and used again.
        for start in range(0, len(pairs), 300):
            with environment.begin(write=True) as transaction:
                for key, value in pairs[start : start + 300]:
                    transaction.put(key, value)
        with environment.begin(write=True) as transaction:
            for key in removed:
                transaction.delete(key)
        with environment.begin() as transaction:
            return folder / "data.mdb", list(transaction.cursor())


def random_pairs(number):
    chance = random.Random(0)
    sizes = [0, 1, 10, 500, 2000, 2030, 4096, 9000, 70_000]
    keys = {
        b"%s-%09d" % (chance.choice([b"image", b"label", b"x"]), chance.randrange(10**6))
        for _ in range(number)
    }
    return [
        (key, chance.randbytes(chance.choice(sizes[: 6 if chance.random() < 0.9 else 9])))
        for key in sorted(keys)
    ]


@pytest.mark.parametrize("number", [0, 1, 2, 40, 1500])
def test_keys_and_values_are_those_of_the_library(tmp_path, number):
    pairs = random_pairs(number)
    file, expected = written(tmp_path / "x", pairs, [key for key, _ in pairs[::5]])
    pages = LmdbPages(file)
    assert pages.entries == len(expected)
    assert list(pages.items(b"")) == expected
    for prefix in (b"label-", b"image-0", b"x", b"a", b"zz", b"label-00000"):
        assert list(pages.items(prefix)) == [pair for pair in expected if pair[0].startswith(prefix)]
    for key, value in expected:
        assert pages.get(key) == value
    for key in (
        b"",
        b"label",
        b"zzz",
        *(key + b"0" for key, _ in expected[:50]),
        *(key for key, _ in pairs[::5]),
    ):
        assert pages.get(key) is None


def test_what_is_no_lmdb(tmp_path):
    file, _ = written(tmp_path / "x", random_pairs(300))
    data = file.read_bytes()
    for content, message in (
        (b"", "is empty"),
        (b"hello" * 9000, "is no LMDB, or one of another version"),
        (data[: len(data) // 2], "is cut off: it has"),
        (data[:4096], "is cut off: it has"),
        (data[:100], "is no LMDB"),
    ):
        (tmp_path / "y").write_bytes(content)
        with pytest.raises(UsageError, match=message):
            LmdbPages(tmp_path / "y")
    with pytest.raises(UsageError, match="can't be read"):
        LmdbPages(tmp_path / "nowhere")


def test_damaged_files_are_errors(tmp_path):
    file, expected = written(tmp_path / "x", random_pairs(300))
    data, chance = file.read_bytes(), random.Random(0)
    kinds = {"same": 0, "other": 0, "damaged": 0, "none": 0}
    for trial in range(200):
        content = bytearray(data)
        for _ in range(chance.choice([1, 4, 30])):
            # Heads of pages, where the structure is; in one of three trials, the meta pages.
            page = chance.randrange(2) if trial % 3 == 0 else chance.randrange(len(data) // 4096)
            content[page * 4096 + chance.randrange(152)] = chance.randrange(256)
        (tmp_path / "y").write_bytes(content)
        try:
            pages = LmdbPages(tmp_path / "y")
            found = list(pages.items(b""))
            values = [pages.get(key) for key, _ in expected[:20]]
            kinds["same" if found == expected and values else "other"] += 1
        except DamagedLmdb:
            kinds["damaged"] += 1
        except UsageError:
            kinds["none"] += 1
    assert kinds["damaged"] > 30
    assert kinds["same"] > 20


def test_a_tree_with_a_page_in_two_places_ends(tmp_path):
    file, _ = written(tmp_path / "x", random_pairs(1500))
    data = bytearray(file.read_bytes())
    root = LmdbPages(file)._used.root
    # Every node of the root is the root itself.
    start = root * 4096
    nodes = (int.from_bytes(data[start + 12 : start + 14], "little") - 16) // 2
    for at in range(nodes):
        node = start + int.from_bytes(data[start + 16 + 2 * at : start + 18 + 2 * at], "little")
        data[node : node + 4] = root.to_bytes(4, "little")
    (tmp_path / "y").write_bytes(data)
    with pytest.raises(DamagedLmdb, match="its tree has no end"):
        list(LmdbPages(tmp_path / "y").items(b""))
    with pytest.raises(DamagedLmdb, match="its tree has no end"):
        LmdbPages(tmp_path / "y").get(b"label-000000001")
