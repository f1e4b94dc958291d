"""The cache: damaged sets, full disks, processes that draw the same set or die while drawing it."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.data import cache as caching
from ctcbench.data.built_dataset import build_dataset
from ctcbench.data.materialise import materialise

SCRIPT = """
import resource, sys
from pathlib import Path
from ctcbench.registry.discovery import load_registry
from ctcbench.contract.errors import UsageError
from ctcbench.data.built_dataset import build_dataset
from ctcbench.data.materialise import materialise
print("ready", flush=True)
try:
    s = materialise(build_dataset(load_registry(), {text!r}), "train", {count},
                    cache=Path({cache!r}), workers=2,
                    progress=lambda done, total: print("drawn", done, flush=True), notice=print)
    print("fingerprint", s.fingerprint, flush=True)
except UsageError as error:
    sys.exit(f"usage: {{error}}")
"""


def only_set(cache: Path) -> Path:
    (found,) = (path for path in cache.iterdir() if path.name != "locks")
    return found


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_the_cache_folder_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("CTCBENCH_CACHE", str(tmp_path / "here"))
    assert caching.cache_folder() == tmp_path / "here"
    monkeypatch.setenv("CTCBENCH_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert caching.cache_folder() == tmp_path / "ctcbench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert caching.cache_folder() == Path.home() / ".cache" / "ctcbench"
    monkeypatch.setenv("HOME", "")
    with pytest.raises(UsageError, match=r"no home folder .*; name one in CTCBENCH_CACHE"):
        caching.cache_folder()


def test_a_file_in_place_of_the_cache_folder_is_an_error(plugins, cache):
    cache.write_text("")
    with pytest.raises(UsageError, match=r"cache: .*it is a file.*CTCBENCH_CACHE"):
        materialise(build_dataset(plugins, "marks"), "train", 20, cache=cache)


def test_a_cache_folder_that_can_not_be_created_is_an_error(plugins):
    with pytest.raises(UsageError, match=r"/proc/nowhere: .*CTCBENCH_CACHE"):
        materialise(build_dataset(plugins, "marks"), "train", 20, cache=Path("/proc/nowhere"))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("marks", 150),  # too many images for the disk
        ("marks", 2_000),
        ("marks:height=1,width=1", 300),  # the texts are too much
    ],
)
def test_a_full_disk_leaves_no_partial_set(start_python, cache, text, count):
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))"
    process = start_python(limited + SCRIPT.format(text=text, count=count, cache=str(cache)))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"usage: {cache}: drawn images can't be kept in this folder (File too large)" in errors
    assert "CTCBENCH_CACHE" in errors
    assert [path.name for path in cache.iterdir()] == ["locks"]


def test_a_disk_that_is_full_for_a_worker_is_an_error(plugins, cache):
    with pytest.raises(UsageError, match=r"\(File too large\); free space there, or .*CTCBENCH_CACHE"):
        materialise(build_dataset(plugins, "marks:fault=full"), "train", 300, cache=cache, workers=2)
    assert [path.name for path in cache.iterdir()] == ["locks"]


def test_two_processes_draw_a_set_once(start_python, cache, tmp_path):
    log = tmp_path / "log"
    text = f"marks:delay=0.002,log={log}"
    code = SCRIPT.format(text=text, count=400, cache=str(cache))
    answers = [process.communicate(timeout=60) for process in [start_python(code) for _ in range(2)]]
    prints = {line for out, _ in answers for line in out.splitlines() if line.startswith("fingerprint")}
    assert len(prints) == 1, answers
    assert len(log.read_text().splitlines()) == 400
    assert sum("another process is drawing" in out for out, _ in answers) == 1
    only_set(cache)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(start_python, plugins, cache, tmp_path, number):
    log = tmp_path / "log"
    text = f"marks:delay=0.005,log={log}"
    process = start_python(SCRIPT.format(text=text, count=4_000, cache=str(cache)))

    def drawing() -> set[int]:
        return {int(line.split()[0]) for line in log.read_text().splitlines()}

    # On a busy machine the second worker starts long after the first has drawn.
    for line in process.stdout:
        if line.startswith("drawn") and len(drawing()) == 2:
            break
    process.send_signal(number)
    process.wait(timeout=20)
    pids = drawing()
    assert len(pids) == 2
    deadline = time.monotonic() + 10
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, pids))
    left = [path.name for path in cache.iterdir() if path.name != "locks"]
    assert len(left) == (1 if number == signal.SIGKILL else 0)
    # The next drawing removes the draft of the dead process.
    assert len(materialise(build_dataset(plugins, "marks:version=9"), "train", 20, cache=cache)) == 20
    only_set(cache)


def test_a_worker_killed_from_outside_is_an_error(start_python, cache, tmp_path):
    log = tmp_path / "log"
    text = f"marks:delay=0.005,log={log}"
    process = start_python(SCRIPT.format(text=text, count=4_000, cache=str(cache)))
    for line in process.stdout:
        if line.startswith("drawn"):
            break
    os.kill(int(log.read_text().split()[0]), signal.SIGKILL)
    _, errors = process.communicate(timeout=20)
    assert "killed by SIGKILL" in errors
    assert [path.name for path in cache.iterdir()] == ["locks"]


def test_a_draft_of_a_live_process_is_kept(cache):
    with caching.locked(cache, "a" * 32, print), caching.draft(cache, "a" * 32, 5) as draft:
        caching.remove_stale_drafts(cache)
        assert draft.is_dir()


@pytest.mark.landing
def test_drawing_keeps_the_images_out_of_memory(start_python, cache):
    code = f"""
import resource
from pathlib import Path
from ctcbench.registry.discovery import load_registry
from ctcbench.data.built_dataset import build_dataset
from ctcbench.data.materialise import materialise
def draw(count):
    return materialise(build_dataset(load_registry(), "marks:height=40,width=150"), "train", count,
                       cache=Path({str(cache)!r}), workers=2)
def peaks_kib():
    return [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
draw(300)
before = peaks_kib()
samples = draw(20_000)
print(samples.images_NCHW.nbytes / 1024, *(after - old for old, after in zip(before, peaks_kib())))
"""
    out, errors = start_python(code).communicate(timeout=120)
    assert out, errors
    file_kib, own_kib, worker_kib = map(float, out.split())
    assert file_kib > 100_000
    assert own_kib < file_kib / 5
    assert worker_kib < file_kib / 5


def test_a_set_that_another_program_removes_at_once_is_an_error(plugins, cache, monkeypatch):
    dataset = build_dataset(plugins, "marks")
    remove = lambda folder, key, count: shutil.rmtree(caching.set_folder(folder, key, count))  # noqa: E731
    monkeypatch.setattr(caching, "drop_smaller_sets", remove)
    with pytest.raises(UsageError, match=r"removed or changed by another program .*; try again$"):
        materialise(dataset, "train", 5, cache=cache)
