"""ProgramSignals: interrupts at any moment of a program, and the second signal."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

PRELUDE = """
import os, signal, sys, time
from ctcbench.processes import program_signals
program_signals._SLOW_SECONDS, program_signals._PATIENCE_SECONDS = 0.2, 60.0
signals = program_signals.ProgramSignals()
signals.install()
signals.watch()
def say(*words):
    print(*words, flush=True)
def send(number=signal.SIGTERM):
    os.kill(os.getpid(), number)
"""
# A mutex that is locked twice: unlike other waits of C code, a signal does not end this one.
DEADLOCK = """
import ctypes, threading
for seconds in {delays}:
    threading.Timer(seconds, send).start()
libc, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
libc.pthread_mutex_lock(mutex)
libc.pthread_mutex_lock(mutex)
"""
SLOW = "ctcbench: stopping after the current operation; once more to stop at once\n"


@pytest.fixture
def start(tmp_path):
    """Return ``start(code)``, which starts a program with the handlers installed."""
    started = []

    def start(code, **options):
        # Ignored signals are inherited: SIGHUP is one if the tests themselves were started under nohup.
        options.setdefault("preexec_fn", lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
        script = tmp_path / "script.py"
        script.write_text(PRELUDE + textwrap.dedent(code))
        process = subprocess.Popen(
            [sys.executable, script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])},
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ending(process):
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_interrupts_and_the_second_ends_the_process(start, number):
    code = f"""
    try:
        send({number:d})
    except KeyboardInterrupt:
        say("cleaning up", signals.requested)
        time.sleep(0.2)
        send({number:d})
        say("never reached")
    """
    assert ending(start(code)) == (130, "cleaning up True\n", "ctcbench: stopped at once\n")


def test_a_signal_that_arrives_twice_at_once_is_one_request(start):
    code = """
    try:
        send()
    except KeyboardInterrupt:
        send()
        say("cleaned up")
    """
    assert ending(start(code)) == (0, "cleaned up\n", "")


def test_an_interrupt_waits_for_the_end_of_an_import(start, tmp_path):
    (tmp_path / "slow_module.py").write_text(
        "import __main__, time\n__main__.send()\ntime.sleep(0.2)\nvalue = 1\n"
    )
    code = """
    try:
        import slow_module
        time.sleep(30)
    except KeyboardInterrupt:
        say(sys.modules["slow_module"].value)
    """
    assert ending(start(code)) == (0, "1\n", "")


def test_an_interrupt_that_a_destructor_lost_is_raised_again(start):
    code = """
    class Loser:
        def __del__(self):
            send()
    loser = Loser()
    try:
        del loser
        say("lost")
        time.sleep(30)
    except KeyboardInterrupt:
        say("raised again")
    """
    assert ending(start(code)) == (0, "lost\nraised again\n", "")


def test_sighup_stays_ignored_under_nohup(start):
    code = """
    send(signal.SIGHUP)
    say("alive")
    """
    ignored = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    assert ending(start(code, **ignored)) == (0, "alive\n", "")


def test_when_the_command_is_done_a_signal_keeps_its_exit_code(start):
    code = """
    signals.finish(7)
    send()
    say("never reached")
    """
    assert ending(start(code)) == (7, "", "")


@pytest.mark.skipif(sys.platform != "linux", reason="a mutex of zeros is unlocked on Linux only")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGALRM])
def test_a_signal_while_python_frees_its_memory_keeps_the_exit_code(start, number):
    process = start(f"""
        class Last:
            def __del__(self, kill=os.kill, process=os.getpid(), say=os.write):
                kill(process, {int(number)})
                say(1, b"sent")
        last = Last()
        last.itself = last  # so that it is freed when the modules are
        signals.finish(3)
        sys.exit(3)
    """)
    assert process.communicate(timeout=30) == ("sent", "") and process.returncode == 3


def test_a_second_signal_ends_a_call_of_c_code(start):
    process = start(DEADLOCK.format(delays=[0.2, 1.0]))
    assert ending(process) == (130, "", f"{SLOW}ctcbench: stopped at once\n")


@pytest.mark.skipif(sys.platform != "linux", reason="a mutex of zeros is unlocked on Linux only")
def test_a_call_of_c_code_is_cut_short_after_a_while(start):
    process = start("program_signals._PATIENCE_SECONDS = 0.3\n" + DEADLOCK.format(delays=[0.2]))
    assert ending(process) == (130, "", f"{SLOW}ctcbench: stopped at once\n")


def test_a_forked_process_has_the_handlers_of_python(start):
    code = """
    child = os.fork()
    if not child:
        say(program_signals.program_signals())
        time.sleep(30)
    time.sleep(0.3)
    os.kill(child, signal.SIGTERM)
    say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), signals.requested)
    """
    assert ending(start(code)) == (0, "None\n-15 False\n", "")


def test_a_stop_request_of_the_program_is_followed_by_its_interrupt(start):
    code = """
    from ctcbench.processes.signals import stop_on_signals
    with stop_on_signals(say) as stop:
        send()
        say(stop.requested, signals.requested)
        time.sleep(0.2)
        try:
            send()
        except KeyboardInterrupt:
            say("interrupted")
    """
    notice = "stopping after this step; once more to stop at once"
    assert ending(start(code)) == (0, f"{notice}\nTrue True\ninterrupted\n", "")


def test_a_process_that_hangs_after_the_second_signal_is_ended(start):
    code = """
    program_signals._GRACE_SECONDS = 0.3
    from ctcbench.processes.signals import stop_on_signals
    with stop_on_signals(say):
        send()
        time.sleep(0.2)
        try:
            send()
        except KeyboardInterrupt:
            time.sleep(30)
    """
    began = time.monotonic()
    assert ending(start(code))[0] == 130
    assert time.monotonic() - began < 30
