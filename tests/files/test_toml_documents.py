"""TOML files of the user: a byte order mark, deep nesting, huge numbers, and bytes that are no text."""

import math

import pytest

from ctcbench.config.presets import line_of
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.toml_documents import read_toml_document


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfepochs = 1\r\n")
    assert read_toml_document(path) == ("epochs = 1\n", {"epochs": 1})


def test_only_the_settings_of_a_run_are_compared_with_a_manifest(tmp_path):
    (tmp_path / "manifest.json").write_text('{"name": "an app"}')
    for name in ("my.toml", "config.toml"):
        (tmp_path / name).write_text("epochs = 1")
    assert read_toml_document(tmp_path / "my.toml")[1] == {"epochs": 1}
    with pytest.raises(CtcbenchError, match=r"manifest\.json: format: missing"):
        read_toml_document(tmp_path / "config.toml")


def test_a_line_of_a_million_spaces_is_refused_at_once(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(f'a = b{" " * 1_000_000}"')
    with pytest.raises(UsageError, match="not TOML"):
        read_toml_document(path)
    assert line_of(["b"], f"x = 1\n[{' ' * 500_000}\nx {' ' * 500_000}\nb  = 2") == 4
    assert line_of(["a", "b"], f"[ a ] {' ' * 500_000}x\n[ a ]{' ' * 9} # x\n 'b' = 2") == 3


def test_the_bounds_of_64_bits_are_allowed_and_a_huge_float_is_infinite(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(f"a = {2**63 - 1}\nb = {-(2**63)}\nc = 1e999\n")
    assert read_toml_document(path)[1] == {"a": 2**63 - 1, "b": -(2**63), "c": math.inf}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"x = " + b"[" * 5000 + b"]" * 5000, "nested too deeply"),
        (b"x = " + b"{a=" * 5000 + b"1" + b"}" * 5000, "nested too deeply"),
        (b"a." * 5000 + b"b = 1", "nested too deeply"),
        (b"epochs = " + b"9" * 5000, "at most 64 bits"),
        (b"epochs = 0x" + b"f" * 5000, "epochs is an integer of more than 64 bits"),
        (b"[axes]\nlr = [1, {a = 0xffffffffffffffff}]", "axes.lr.a is an integer of more than 64 bits"),
        (b"epochs = 1 # \xff", "'utf-8' codec can't decode byte 0xff"),
        ("epochs = 1".encode("utf-16"), "'utf-8' codec can't decode"),
        (b"epochs = 1\0", "line 1"),
        (b"epochs = ", "Invalid value"),
    ],
    ids=["arrays", "tables", "keys", "digits", "hexadecimal", "inner", "bytes", "utf-16", "nul", "no-value"],
)
def test_what_is_no_toml_is_refused_with_a_reason(tmp_path, content, reason):
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_toml_document(path)
    assert str(caught.value).startswith(f"{path}: not TOML: ")
    assert reason in str(caught.value)


def test_a_file_that_can_not_be_read_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"missing\.toml: can't be read \(No such file"):
        read_toml_document(tmp_path / "missing.toml")


@pytest.mark.parametrize(
    ("line", "correction"),
    [
        ("backbone = cnn3", 'did you mean backbone = "cnn3"'),
        ("backbone = cnn3:width=8,norm=group", 'did you mean backbone = "cnn3:width=8,norm=group"'),
        ("epochs: 3", "did you mean epochs = 3"),
        ("dataset: captcha", 'did you mean dataset = "captcha"'),
        ("lr = 0,1", "did you mean lr = 0.1"),
        ("lr = .1", "did you mean lr = 0.1"),
        ("epochs = 03", "did you mean epochs = 3"),
        ("skip_bad = True", "did you mean skip_bad = true"),
        ("seed = 2", None),  # a second time
        ("lr = ", None),
        ("axes = [", None),
        ("x = C:\\q", None),
    ],
)
def test_a_line_without_quotes_or_an_equals_sign_is_corrected(tmp_path, line, correction):
    (path := tmp_path / "my.toml").write_text(f"seed = 1\n{line}\n")
    with pytest.raises(UsageError) as caught:
        read_toml_document(path)
    message = str(caught.value)
    assert message.endswith(f"; {correction}") if correction else "did you mean" not in message
