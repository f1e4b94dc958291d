"""SealedFolder: a folder of plain files in which every file is compared with the manifest when it is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ctcbench.files.manifest import (
    MANIFEST,
    SIZE_LIMIT,
    Digests,
    digest,
    digest_file,
    format_manifest,
    parse_manifest,
    require_match,
)
from ctcbench.files.plain_folder import NO_LIMIT, PlainFolder

_ATTEMPTS = 5


class SealedFolder(PlainFolder):
    """A folder that has a manifest once it is sealed; until then its files are not compared.

    Files are written by one process at a time, which holds a lock of the caller's. Readers need no lock.
    """

    @property
    def is_sealed(self) -> bool:
        """Whether the folder has a manifest.

        Raises:
            NotPlain: the manifest is not a plain file.
        """
        return self.has(MANIFEST)

    def read(self, name: str, limit: int) -> bytes:
        """Return the content of a file, compared with the manifest if the folder has one.

        Raises:
            NotPlain: it is not a plain file, or a folder of the name is a link.
            CtcbenchError: it does not exist, can't be read, is larger than `limit` bytes, or is not the
                file that was written; the message says how to accept it.
        """
        # A file is replaced after the manifest has its new digest, and the old digest is removed last. So a
        # file that was replaced between the two reads here matches the manifest that is read next.
        manifest = self._read_manifest()
        for _ in range(_ATTEMPTS):
            data = super().read(name, limit)
            if manifest is None or digest(data) in self._digests(manifest).get(name, ()):
                return data
            before, manifest = manifest, self._read_manifest()
            if manifest == before:
                break
        require_match(data, name, self.path, {} if manifest is None else self._digests(manifest))
        return data

    def require_unchanged(self, name: str, data: bytes) -> None:
        """Compare the content `data` of a file with the manifest, if there is one and it has the file.

        Raises:
            CtcbenchError: the content is not the one that was written, or the manifest is damaged.
        """
        manifest = self._read_manifest()
        if manifest is not None and name in (digests := self._digests(manifest)):
            require_match(data, name, self.path, digests)

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically; see `write_all`."""
        self.write_all({name: data})

    def write_all(self, files: Mapping[str, bytes], remove: Collection[str] = ()) -> None:
        """Remove files, write files in their order, and bring the manifest up to date if there is one.

        A process that is killed in between leaves a folder whose files match its manifest.

        Raises:
            NotPlain: something else than a plain file has one of the names.
            CtcbenchError: the folder was deleted or moved, or its manifest is damaged.
            UsageError: a file can't be written, or the disk is full.
        """
        manifest = self._read_manifest()
        if manifest is not None:
            digests = self._digests(manifest)
            after = {name: (digest(data),) for name, data in files.items()}
            before = {name: self._present(name, digests) for name in files}
            self._write_manifest(digests | {name: before[name] + after[name] for name in files})
        for name in remove:
            self.remove(name)
        for name, data in files.items():
            super().write(name, data)
        if manifest is not None:
            kept = {name: known for name, known in digests.items() if name not in remove}
            self._write_manifest(kept | after)

    def seal(self, names: Sequence[str], files: Mapping[str, bytes]) -> None:
        """Write a manifest of the existing files `names`, then `files`, which it covers as well.

        Raises:
            CtcbenchError: one of `names` can't be read, or the folder was deleted or moved.
            UsageError: a file can't be written.
        """
        digests = {name: (self._digest(name),) for name in names}
        self._write_manifest(digests | {name: (digest(data),) for name, data in files.items()})
        for name, data in files.items():
            super().write(name, data)

    def unseal(self) -> None:
        """Remove the manifest, so that files may change freely."""
        self.remove(MANIFEST)

    def differences(self, names: Sequence[str]) -> list[str]:
        """Return the names of the files that differ from the manifest, or are missing from it.

        Args:
            names: the existing files that the manifest should cover.

        Raises:
            CtcbenchError: there is no manifest, or it is damaged, or a file can't be read.
        """
        differing = list(names)
        # A process that decodes meanwhile writes files and the manifest: both are read again.
        for _ in range(_ATTEMPTS):
            digests = self._digests(super().read(MANIFEST, SIZE_LIMIT))
            differing = [name for name in differing if self._digest(name) not in digests.get(name, ())]
            if not differing or self._digests(super().read(MANIFEST, SIZE_LIMIT)) == digests:
                break
        return differing

    def missing(self, names: Collection[str]) -> list[str]:
        """Return the names in the manifest that are not among `names`, the existing files.

        Raises:
            CtcbenchError: there is no manifest, or it is damaged.
        """
        known = self._digests(super().read(MANIFEST, SIZE_LIMIT))
        # One may have been written since the names were listed.
        return sorted(name for name in known.keys() - names if not self.has(name))

    def limit(self, name: str) -> int:
        """Return how many bytes a file may have."""
        return NO_LIMIT

    def _digest(self, name: str) -> str:
        with self.open_to_read(name, self.limit(name)) as (file, _):
            return digest_file(file)

    def _present(self, name: str, digests: Digests) -> tuple[str, ...]:
        """Return the digest that the manifest has of a file's present content, if any."""
        known = digests.get(name, ())
        # Two digests: a process was killed while it replaced the file, which has either content.
        if len(known) > 1 and self.has(name):
            known = tuple({self._digest(name)} & set(known))
        return known[:1]

    def _read_manifest(self) -> bytes | None:
        return super().read(MANIFEST, SIZE_LIMIT) if self.is_sealed else None

    def _digests(self, manifest: bytes) -> dict[str, tuple[str, ...]]:
        return parse_manifest(manifest, self.path / MANIFEST)

    def _write_manifest(self, digests: Digests) -> None:
        super().write(MANIFEST, format_manifest(digests))
