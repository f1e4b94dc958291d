"""Standard output and error in any encoding, closed, without a reader, on a full disk; noisy components."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forked_python
from tests.cli.cli_cases import TINY, Plugins

ROOT = Path(__file__).parents[2]
# The imports of the program itself take longer than what is tested.
LIGHT = """
import os, sys
from ctcbench.cli.standard_streams import take_standard_streams
take_standard_streams()
"""


def light(code, shell, **environment):
    """Run a script whose streams are the program's; `shell` are redirections of the shell."""
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {shell}', sys.executable, LIGHT + code],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=False,
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437", "gbk", "ascii:strict"])
def test_what_an_encoding_lacks_is_replaced(encoding):
    code = "print('ctcbench run … 0.1 – 0.2 ± 3 × \\u4e00 \\udcff 😀'); print('…\\udcff', file=sys.stderr)"
    done = light(code, "", PYTHONIOENCODING=encoding)
    name = encoding.partition(":")[0]
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode(name)
    assert text.startswith("ctcbench run ") and text.endswith(" \\udcff \\U0001f600\n")
    assert name != "ascii" or text == "ctcbench run ... 0.1 - 0.2 +- 3 x \\u4e00 \\udcff \\U0001f600\n"
    assert done.stderr.decode(name).endswith("\\udcff\n")


def test_the_c_locale_without_utf_8_mode():
    done = light(r"print('0.1 \u2013 \xe9')", "", LC_ALL="C", PYTHONUTF8="0")
    assert (done.returncode, done.stdout) == (0, b"0.1 - \\xe9\n")


@pytest.mark.parametrize("shell", [">&-", ">&- <&-", ">&- 2>&- <&-", "2>&-"])
def test_closed_descriptors_are_never_given_to_a_file(shell, tmp_path):
    code = f"""
file = open({str(tmp_path / "file")!r}, "w")
print("output"); print("error", file=sys.stderr); os.write(1, b"stray")
assert file.fileno() > 2, file.fileno()
assert sys.stdin.read() == ""
file.write("kept")
"""
    done = light(code, shell if "<" in shell else f"{shell} </dev/null")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1"])
def test_the_file_of_standard_output_is_the_programs_output(path, tmp_path):
    code = f"""
from pathlib import Path
from ctcbench.cli.output import output_stream, standard_output_reserved
from ctcbench.files.output_files import require_output, write_output
with standard_output_reserved():
    require_output(Path({path!r}))
    print("before", file=output_stream())
    write_output(Path({path!r}), b"document\\n")
    print("message")
"""
    (tmp_path / "log").write_text("earlier\n")
    done = light(code, f">{tmp_path}/out 2>>{tmp_path}/log")
    assert done.returncode == 0
    assert (tmp_path / "out").read_text() == "before\ndocument\n"
    assert (tmp_path / "log").read_text() == "earlier\nmessage\n"


def test_it_is_known_whether_a_pipe_has_a_reader():
    code = """
from ctcbench.cli.standard_streams import has_reader
print(has_reader(sys.stdout), file=sys.stderr)
sys.stdin.read()
print("nobody reads it", flush=True)
print(has_reader(sys.stdout), file=sys.stderr)
"""
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", LIGHT + code], env=environment, text=True, **pipe
    ) as program:
        assert program.stderr.readline() == "True\n"
        program.stdout.close()
        program.stdin.close()
        assert program.stderr.readline() == "False\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_once_for_output_and_none_for_notices():
    code = """
try:
    print("output", flush=True)
except OSError as error:
    print("notice:", error, file=sys.stderr)
print("more output")
"""
    done = light(code, ">/dev/full")
    assert done.returncode == 0
    assert done.stderr == b"notice: [Errno 28] No space left on device: 'standard output'\n"
    assert light("print('notice', file=sys.stderr)", "2>/dev/full").returncode == 0


def program(*arguments, folder, cache, site=None, **environment):
    paths = [str(ROOT), *([str(site)] if site else []), os.environ.get("PYTHONPATH", "")]
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "CTCBENCH_CACHE": str(cache)}
    return forked_python.ForkedPython("ctcbench", *arguments, env={**found, **environment}, cwd=folder)


NOISY = '''
    import os, subprocess
    from ctcbench import backbone, decoder, hookimpl

    MESSAGE = "odd \\x1b[31m \\udcff\\n\\x07"

    def noise():
        os.write(1, b"NOISE")
        print("NOISE")
        subprocess.run(["echo", "NOISE"])

    noise()

    @backbone
    def noisy(image):
        """A backbone."""
        from torch import nn
        noise()
        return nn.Sequential(nn.Conv2d(image.channels, 4, 3, stride=2, padding=1), nn.MaxPool2d(2))

    @decoder
    def noisy_greedy(alphabet, *, fails: bool = False):
        """A decoder."""
        from ctcbench.decoding import greedy_search
        noise()
        if fails:
            raise ValueError(MESSAGE)
        return lambda log_probs: (noise(), greedy_search(log_probs.values_NTK, log_probs.lengths_N))[1]

    @hookimpl
    def ctcbench_components():
        return [noisy, noisy_greedy]

    @hookimpl
    def ctcbench_run_finished(run, result):
        raise ValueError(MESSAGE)
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    Plugins(folder).add("noisy", NOISY)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, site, cache):
    """A run whose components write on every standard descriptor, and what the program printed."""
    folder = tmp_path_factory.mktemp("noisy")
    words = [*TINY, "--backbone", "noisy", "--decoder", "noisy_greedy", "--epochs", "1", "--json"]
    process = program("run", *words, folder=folder, cache=cache, site=site)
    return folder, *process.communicate(), process.returncode


def test_what_components_print_is_no_part_of_a_json_document(runs):
    _, out, err, code = runs
    assert code == 0, err
    assert json.loads(out)["config"]["backbone"] == "noisy"
    assert err.count("NOISE") > 6


def test_a_message_that_is_no_text_is_printed_with_escapes(runs, site, cache):
    assert r"ctcbench_run_finished raised ValueError('odd \x1b[31m \udcff\n\x07')" in runs[2]
    arguments = ["decode", next((runs[0] / "runs").iterdir()), "--decoder", "noisy_greedy:fails=true"]
    process = program(*arguments, folder=runs[0], cache=cache, site=site, PYTHONIOENCODING="latin-1")
    _, err = process.communicate()
    assert process.returncode == 1
    assert r"ValueError('odd \x1b[31m \udcff\n\x07')" in err and "\x1b" not in err


def test_a_failed_trial_with_such_a_message_is_recorded(runs, site, cache):
    words = [*TINY, "--backbone", "noisy", "--decoder", "noisy_greedy:fails=true", "--epochs", "1"]
    process = program("ablate", *words, "--out", "runs", folder=runs[0], cache=cache, site=site)
    _, err = process.communicate()
    assert process.returncode == 1, err
    assert "bug" not in err and "executor" not in err
    records = (runs[0] / "runs").glob("studies/*/trials/*.json")
    errors = [json.loads(path.read_text(encoding="utf-8"))["error"] for path in records]
    assert any(r"\udcff" in error for error in errors)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--help"],
        ["report", "runs"],
        ["report", "runs", "--json"],
        ["report", "runs", "--format", "csv"],
        ["plugins"],
        ["show", "--backbone", "noisy"],
    ],
    ids=" ".join,
)
def test_commands_print_in_ascii(runs, site, cache, arguments):
    process = program(
        *arguments, folder=runs[0], cache=cache, site=site, PYTHONIOENCODING="ascii:strict", COLUMNS="90"
    )
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert out and (out.isascii() or "--format" in arguments)
    assert "--json" not in arguments or json.loads(out)


def test_a_training_ends_although_nobody_reads_its_output(runs, site, cache):
    process = program(
        "run", *TINY, "--epochs", "1", "--out", "unread", folder=runs[0], cache=cache, site=site
    )
    process.stdout.close()
    process.stderr.close()
    process.communicate()
    assert process.returncode == 0
    assert len(list((runs[0] / "unread").glob("*/results/greedy.json"))) == 1


def test_a_terminal_gets_no_control_characters_of_a_file():
    code = r"""
import io
from ctcbench.cli import output

class Terminal(io.TextIOWrapper):
    def isatty(self):
        return True

stream = Terminal(io.BytesIO(), encoding="utf-8", newline="")
output.output_stream = lambda: stream
output.print_file("a\x1b[31m\x9b\u202e,é\r\nb\n".encode())
stream.flush()
print(ascii(stream.buffer.getvalue()))
"""
    done = light(code, "")
    assert done.stdout == rb"""b'a\\x1b[31m\\x9b\\u202e,\xc3\xa9\nb\n'""" + b"\n", done.stderr
