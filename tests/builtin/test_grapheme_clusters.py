"""Grapheme clusters as characters: data sets, alphabets, and a run from drawing to decoding."""

from __future__ import annotations

import pytest

pytest.importorskip("regex", reason="the package regex is not installed")

from ctcbench.builtin.alphabets import read_alphabet
from ctcbench.builtin.grapheme_clusters import clusters_of
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alphabet
from tests.builtin.labelling.folder_cases import fill, whole, write


@pytest.mark.parametrize(
    ("text", "clusters"),
    [
        ("abc", ["a", "b", "c"]),
        ("e\u0301x\u0323\u0307", ["e\u0301", "x\u0323\u0307"]),
        ("किताब", ["कि", "ता", "ब"]),
        ("क्षि", ["क्षि"]),
        ("שָׁל", ["שָׁ", "ל"]),
        ("👨\u200d👩\u200d👧x", ["👨\u200d👩\u200d👧", "x"]),
    ],
)
def test_clusters(text, clusters):
    assert list(clusters_of(text)) == clusters


def test_a_typed_alphabet_has_the_clusters_that_were_typed():
    assert read_alphabet("digits+[किताब]", clusters=True) == Alphabet((*"0123456789", "कि", "ता", "ब"))
    with pytest.raises(UsageError, match="has 'कि' more than once"):
        read_alphabet("[किकि]", clusters=True)
    # Of single code points it is the same alphabet as without.
    assert read_alphabet("[abé]", clusters=True) == read_alphabet("[abé]")


@pytest.mark.parametrize("unicode", ["NFC", "NFD"])
def test_a_data_set_of_clusters(tmp_path, unicode):
    texts = {"0.png": "किताब", "1.png": "बता e\u0301", "2.png": "x\u0323\u0307"}
    fill(tmp_path, *texts)
    write(tmp_path, labels_csv="file,label\n" + "".join(f"{name},{text}\n" for name, text in texts.items()))
    source = whole(tmp_path, characters="clusters", unicode=unicode)
    assert set(source.alphabet.characters) >= {"कि", "ता", "ब"}
    assert source.alphabet.num_classes == 1 + 3 + 1 + 2
    for index in range(3):
        text = source.draw("train", index).text
        assert source.alphabet.decode(source.alphabet.encode(text)) == text
    lengths = sorted(len(source.alphabet.encode(source.draw("train", i).text)) for i in range(3))
    assert lengths == [1, 3, 4]
    points = whole(tmp_path, unicode=unicode)
    assert points.alphabet.num_classes > source.alphabet.num_classes
    assert points.fingerprint("train") != source.fingerprint("train")


def test_clusters_of_right_to_left_text(tmp_path):
    fill(tmp_path, "0.png", "1.png")
    write(tmp_path, labels_csv="file,label\n0.png,שָׁל 12\n1.png,לשָׁ\n")
    source = whole(tmp_path, characters="clusters", direction="rtl")
    assert set(source.alphabet.characters) == {"שָׁ", "ל", " ", "1", "2"}
    for index in range(2):
        text = source.draw("train", index).text
        assert source.alphabet.decode(source.alphabet.encode(text)) == text


@pytest.mark.landing
def test_a_run_on_clusters_is_trained_decoded_and_read(tmp_path):
    import ctcbench
    from ctcbench.evaluation.log_probs import parse_log_probs
    from ctcbench.training.runtime import Runtime
    from tests.tiny_config import tiny

    names = [f"{split}/{i}.png" for split in ("train", "val", "test") for i in range(8)]
    fill(tmp_path, *names)
    texts = ("e\u0323\u0301ब", "किता")
    rows = "".join(f"{name},{texts[i % 2]}\n" for i, name in enumerate(names))
    write(tmp_path, labels_csv=f"file,label\n{rows}")
    samples = {f"{split}_samples": 8 for split in ("train", "val", "test")}
    dataset = f"folder:path={tmp_path},characters=clusters,width=60,height=24"
    result = ctcbench.run(
        tiny(dataset=dataset, epochs=1, batch_size=8, **samples), Runtime(tmp_path / "runs")
    )
    characters = ("किता"[:2], "किता"[2:], "ब", "ẹ\u0301")
    (folder,) = (tmp_path / "runs").iterdir()
    recogniser = ctcbench.load(folder)
    alphabet = recogniser.reader.alphabet
    assert set(alphabet.characters) == set(characters)
    assert alphabet.num_classes == 5
    (read,) = recogniser.predict([tmp_path / "test" / "0.png"])
    assert set(alphabet.split(read.text)) <= set(characters)
    stored = folder / "log_probs" / "test.safetensors"
    log_probs = parse_log_probs(stored.read_bytes(), stored)
    assert log_probs.alphabet == alphabet
    assert {len(log_probs.alphabet.encode(text)) for text in log_probs.texts} == {2}
    assert result.score.images == 8
