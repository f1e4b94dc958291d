"""Rendered help on disk, good for as long as nothing that went into it has changed.

``ctcbench run --help`` lists every installed component with its options, which takes pydantic, typer,
rich and every plugin: some twenty times as long as Python itself takes to start. The text is kept
with the signature (path, time, size) of every file and folder that it came from, and printed again
while all of these hold. This module is imported at each start, so it imports nothing but os and sys.
"""

import os
import sys

# What the terminal's looks depend on, and which plugins are loaded.
_ENVIRONMENT = (
    "COLUMNS", "TERMINAL_WIDTH", "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "PY_COLORS",
    "GITHUB_ACTIONS", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "TYPER_USE_RICH", "_TYPER_FORCE_DISABLE_TERMINAL",
    "LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE", "CTCBENCH_PLUGINS",
)  # fmt: skip
_TELLING = (".dist-info", ".egg-info", ".toml")
_KEPT = 64


def replay(arguments: "list[str]") -> bool:
    """Print the help that these arguments ask for, if a text that still holds is there."""
    if not _is_help(arguments):
        return False
    key = _key(arguments)
    try:
        with open(_path(key), encoding="utf-8", newline="") as file:  # noqa: PTH123 (pathlib takes 10 ms)
            if file.readline() != key + "\n":
                return False
            for _ in range(int(file.readline())):
                signature, _space, path = file.readline()[:-1].partition(" ")
                if signature != _signature(path):
                    return False
            text = file.read()
    except (OSError, ValueError):
        return False
    sys.stdout.write(text)
    sys.stdout.flush()
    return True


class Recording:
    """A context that keeps what is printed in it, if it is help and nothing went wrong."""

    def __init__(self, arguments: "list[str]") -> None:
        self._arguments = arguments if _is_help(arguments) else None

    def __enter__(self) -> None:
        """Begin to listen."""
        if self._arguments:
            self._tee = _Tee(sys.stdout)
            sys.stdout = self._tee

    def __exit__(self, kind: object, *_: object) -> None:
        """Put the text into the cache; where that can't be written, there is none."""
        if not self._arguments:
            return
        sys.stdout = self._tee.stream
        if kind is None and _complete():
            _store(_key(self._arguments), "".join(self._tee.parts))


class _Tee:
    """Standard output that remembers."""

    def __init__(self, stream) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 (`typing` takes 7 ms)
        self.stream = stream
        self.parts: list[str] = []

    def write(self, text: str) -> int:
        written: int = self.stream.write(text)
        self.parts.append(text)
        return written

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)


def _is_help(arguments: "list[str]") -> bool:
    """Say whether it is words and then --help; with options before it, --help may be their value."""
    return arguments[-1:] == ["--help"] and not any(word.startswith("-") for word in arguments[:-1])


def _complete() -> bool:
    """Say whether every plugin loaded; one that did not may come to life by a file we don't know of."""
    from ctcbench.cli.installed_plugins import registry

    return not (registry.cache_info().currsize and registry().failed)


def _key(arguments: "list[str]") -> str:
    width = 0
    for descriptor in (0, 1, 2):
        try:
            width = os.get_terminal_size(descriptor).columns
            break
        except OSError:
            continue
    looks = (width, sys.stdout.isatty(), sys.stdout.encoding, [os.environ.get(n) for n in _ENVIRONMENT])
    return ascii((arguments, looks, sys.version, sys.path))


def _path(key: str) -> str:
    import zlib  # a checksum will do, as the whole key stands in the file; hashlib takes 3 ms

    return os.path.join(_folder(), f"{zlib.crc32(key.encode()):08x}.txt")  # noqa: PTH118


def _folder() -> str:
    """Return the folder for help in the cache folder, which `ctcbench.data.cache` finds the same way."""
    base = os.environ.get("CTCBENCH_CACHE")
    if not base:
        cache = os.environ.get("XDG_CACHE_HOME", "")
        base = os.path.join(cache if os.path.isabs(cache) else "~/.cache", "ctcbench")  # noqa: PTH117, PTH118
    base = os.path.expanduser(base)  # noqa: PTH111
    if base.startswith("~"):
        raise OSError("no home folder")
    return os.path.join(base, "help")  # noqa: PTH118


def _signature(path: str) -> str:
    """Return what changes when a file does, or when a folder gets or loses a package or a preset."""
    try:
        status = os.stat(path)  # noqa: PTH116
        if status.st_mode & 0o170000 != 0o040000:
            return f"{status.st_mtime_ns}:{status.st_size}:{status.st_ino}"
        # Not the folder's time: with `python -m` it is the working folder, where much comes and goes.
        return "+".join(sorted(name for name in os.listdir(path) if name.endswith(_TELLING))).replace(" ", "")  # noqa: PTH208
    except OSError:
        return "-"


def _sources() -> "list[str]":
    """Return every file and folder that the text came from."""
    paths = set(sys.path)
    for folder in sys.path:
        try:
            for name in os.listdir(folder):  # noqa: PTH208
                if name.endswith((".dist-info", ".egg-info")):
                    paths.add(os.path.join(folder, name, "entry_points.txt"))  # noqa: PTH118
        except OSError:
            continue
    for module in list(sys.modules.values()):
        if file := getattr(module, "__file__", None):
            paths.add(file)
    from ctcbench.config.presets import PRESETS, STUDIES

    for shipped in (PRESETS, STUDIES):
        paths.add(str(shipped))
        paths.update(str(path) for path in shipped.glob("*.toml"))
    return sorted(path for path in paths if path and path.isprintable())


def _store(key: str, text: str) -> None:
    sources = [f"{_signature(source)} {source}\n" for source in _sources()]
    try:
        path = _path(key)
        temporary = f"{path}.{os.getpid()}"
        os.makedirs(_folder(), exist_ok=True)  # noqa: PTH103
        with open(temporary, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
            file.writelines([f"{key}\n{len(sources)}\n", *sources, text])
        os.replace(temporary, path)  # noqa: PTH105
        _prune()
    except (OSError, ValueError):
        pass  # help without a cache is slower, not wrong


def _prune() -> None:
    with os.scandir(_folder()) as entries:
        oldest = sorted((entry for entry in entries if entry.is_file()), key=lambda e: e.stat().st_mtime_ns)
    for entry in oldest[:-_KEPT]:
        os.unlink(entry.path)  # noqa: PTH108
