"""Options that name a file whose content belongs to the component, such as a decoder's list of words.

The value in a component string is ``words.txt#1f2e3d4c5b6a7988``: the path as the user wrote it, and a digest
of the content, which is added when the option is checked. A run folder and an ONNX file contain the files of
their decoder by digest, so the path is opened only where the user typed it. The content of a binary language
model of KenLM is that of its ARPA file.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Annotated

from pydantic import AfterValidator

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.components import Component
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.paths import expand_home
from ctcbench.files.plain_files import read_named_file

MOST_BYTES = 2**28
_DIGEST_BYTES = 8
# While a component from a run folder or an ONNX file is built: its files by digest. No other one is opened.
_stored: ContextVar[Mapping[str, bytes] | None] = ContextVar("stored", default=None)


class _Attached:
    """The mark of an option of this kind among the annotations."""


def _with_digest(text: str | None) -> str | None:
    if text is None or _DIGEST.search(text):
        return text
    if _stored.get() is not None:
        raise UsageError(
            f"{text}: not opened, because the model names the file without a digest, which no command "
            "stores; choose a decoder yourself"
        )
    return f"{text}#{digest_of(_read(text))}"


AttachedFile = Annotated[str | None, AfterValidator(_with_digest), _Attached()]
"""Type of an option that names a file; None if there is none. `attached_content` returns the content."""

_DIGEST = re.compile(rf"#([0-9a-f]{{{2 * _DIGEST_BYTES}}})$")


@contextlib.contextmanager
def only_stored_files(files: Mapping[str, bytes]) -> Iterator[None]:
    """Let components be resolved and built with these files alone, by digest: none is opened by its path."""
    token = _stored.set(files)
    try:
        yield
    finally:
        _stored.reset(token)


def attached_content(text: str) -> bytes:
    """Return the content of the file of an option: the stored one, or that of the path.

    Raises:
        UsageError: it can't be read, or its content has another digest; or a stored one is missing.
    """
    path, digest = _split(text)
    stored = _stored.get()
    if stored is None:
        content = _read(path)
        if digest and digest_of(content) != digest:
            raise UsageError(
                f"{text}: the file has changed: its digest is {digest_of(content)}; leave out #{digest} to "
                "take the file as it is now"
            )
        return content
    if digest not in stored:
        raise UsageError(
            f"{text}: not stored with the model, and no other file is opened; choose a decoder yourself, "
            f"with {path} if you have it"
        )
    return stored[digest]


def attached_name(text: str) -> str:
    """Return the path in the value of an option as the user wrote it, without the digest, for messages."""
    return _split(text)[0]


def attached_digests(component: Component, text: str) -> dict[str, str]:
    """Return the options of a component string that name files, by the digest of each.

    Raises:
        UsageError: the text can't be parsed, or a file has no digest.
    """
    found = {}
    for name, value in ComponentString.parse(text).options.items():
        option = component.options.get(name)
        if option is not None and value != "none" and _is_attached(option.annotation):
            digest = _split(value)[1]
            if not digest:
                raise UsageError(f"{name}={value}: a file without a digest")
            found[digest] = value
    return found


def digest_of(content: bytes) -> str:
    """Return the digest of a file's content, 16 hexadecimal digits."""
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()


def require_digest(content: bytes, digest: str, where: object) -> bytes:
    """Return `content` if it has a digest.

    Raises:
        CtcbenchError: it has another one; the message begins with `where`.
    """
    if digest_of(content) != digest:
        raise CtcbenchError(f"{where}: damaged: the digest of the file {digest} is another one")
    return content


def packed(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the contents of files by digest as texts for JSON: compressed (zlib), in base64."""
    return {digest: base64.b64encode(zlib.compress(content)).decode() for digest, content in files.items()}


def unpacked(texts: Mapping[str, str], where: object) -> dict[str, bytes]:
    """Return the contents that `packed` wrote; errors begin with `where`.

    Raises:
        UsageError: one is damaged, has another digest, or is larger than such a file may be.
    """
    return {digest: _unpacked(text, digest, where) for digest, text in texts.items()}


def _unpacked(text: str, digest: str, where: object) -> bytes:
    # A few bytes can be packed gigabytes: no more is unpacked than may be.
    unpack = zlib.decompressobj()
    try:
        content = unpack.decompress(base64.b64decode(text, validate=True), MOST_BYTES)
    except (ValueError, zlib.error) as error:
        raise UsageError(f"{where}: its metadata is damaged (file {digest[:40]}: {error})") from None
    if not unpack.eof or digest_of(content) != digest:
        raise UsageError(f"{where}: its metadata is damaged (file {digest[:40]} is too large or another one)")
    return content


def _is_attached(annotation: object) -> bool:
    return any(isinstance(mark, _Attached) for mark in getattr(annotation, "__metadata__", ()))


def _read(path: str) -> bytes:
    # Here, because it loads numpy, for which --help must not wait.
    from ctcbench.decoding.lm.model_reader import kenlm_to_arpa

    # KenLM must not read files from elsewhere, so that no run folder or ONNX file has its binary files.
    read = read_named_file(expand_home(path, ""), MOST_BYTES)
    try:
        content = kenlm_to_arpa(read, path)
    except UsageError as error:  # InputError is a ValueError, to which pydantic adds what an option allows
        raise UsageError(str(error)) from None
    if len(content) > MOST_BYTES:
        raise UsageError(f"{path}: its ARPA file has more than {MOST_BYTES:,} bytes; prune the model")
    return content


def _split(text: str) -> tuple[str, str]:
    found = _DIGEST.search(text)
    return (text[: found.start()], found[1]) if found else (text, "")
