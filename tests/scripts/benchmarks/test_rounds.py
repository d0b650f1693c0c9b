"""Contenders in turn: arithmetic, order, and contenders that cannot go on."""

import json
import sys
import textwrap

import pytest

from scripts.benchmarks import contender_process, rounds
from scripts.benchmarks.rounds import Contender, Result

# A contender of a few lines; it must not wait for anything heavy to be imported.
_HEAD = """
import os, sys, time
from scripts.benchmarks.contender import Channel
channel = Channel()
"""


def fake(name: str, code: str, **fields) -> Contender:
    return Contender(name, (sys.executable, "-c", _HEAD + textwrap.dedent(code)), **fields)


def answering(name: str, *seconds: float, **fields) -> Contender:
    """A contender that says these seconds in its rounds, whatever it was asked for."""
    return fake(
        name,
        f"""
        channel.say_ready(versions={{"{name}": "1.0"}})
        for seconds in {list(seconds)}:
            channel.wait()
            channel.say_seconds(seconds)
        channel.wait()
        """,
        **fields,
    )


def test_first_round_does_not_count():
    slow, fast = rounds.measure(
        [answering("slow", 9.0, 2.0, 4.0, 3.0), answering("fast", 9.0, 1.0, 1.0, 2.0)], 3
    )
    assert slow.seconds == (2.0, 4.0, 3.0)
    assert fast.seconds == (1.0, 1.0, 2.0)
    assert slow.median_seconds == 3.0
    assert slow.facts == {"versions": {"slow": "1.0"}}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="known on Linux only")
def test_the_memory_of_a_command_is_its_own():
    """It has ended when the memory is read, and the contender that runs it takes next to none."""
    command = [sys.executable, "-c", "b'x' * (300 << 20)"]
    contender = Contender(
        "command",
        (
            sys.executable,
            "-m",
            "scripts.benchmarks.whole_command",
            json.dumps({"command": command}),
        ),
    )
    (result,) = rounds.measure([contender], 1, round_secs=0.1)
    assert result.reason is None
    assert 300 << 20 < result.peak_bytes < 400 << 20


def test_ratio_is_the_median_of_the_ratios_within_a_round():
    ours = Result("ours", False, (2.0, 4.0, 30.0))
    theirs = Result("theirs", True, (1.0, 8.0, 10.0))
    # 2, 0.5 and 3; the ratio of the medians would be 0.5.
    assert ours.ratio_to(theirs) == 2.0
    assert theirs.ratio_to(ours) == 0.5
    assert ours.ratio_to(Result("absent", True)) is None


def test_contenders_work_in_turn(tmp_path):
    log = tmp_path / "log"
    code = """
    channel.say_ready()
    while channel.wait() is not None:
        with open({path!r}, "a") as file:
            file.write({name!r})
        channel.say_seconds(1.0)
    """
    contenders = [fake(name, code.format(path=str(log), name=name)) for name in "ABC"]
    rounds.measure(contenders, 2)
    assert log.read_text() == "ABCABCABC"


def test_short_iterations_are_repeated():
    counting = fake(
        "counting",
        """
        channel.say_ready()
        while (iterations := channel.wait()) is not None:
            channel.say_seconds(0.25 if iterations == 1 else float(iterations))
        """,
    )
    (result,) = rounds.measure([counting], 2, round_secs=1.0)
    assert result.seconds == (4.0, 4.0)
    assert rounds.count_iterations(7.0, 1.0) == 1
    assert rounds.count_iterations(0.0, 1.0) == 50


def test_served_time_is_that_of_one_iteration():
    sleeping = fake("sleeping", "channel.serve(lambda: time.sleep(0.02))")
    (result,) = rounds.measure([sleeping], 1, round_secs=0.1)
    assert 0.02 <= result.seconds[0] < 0.1


def test_missing_contender_has_a_reason_and_others_are_measured():
    missing, absent, present = rounds.measure(
        [
            Contender("missing", ("unused",), missing="there is no such package"),
            Contender("absent", ("/nonexistent/python",)),
            answering("present", 1.0, 1.0),
        ],
        1,
    )
    assert missing.reason == "there is no such package"
    assert missing.seconds == ()
    assert "No such file" in absent.reason
    assert present.seconds == (1.0,)
    assert present.reason is None


@pytest.mark.parametrize(
    "code",
    [
        "raise ImportError('no module named peer')",
        """
        channel.say_ready()
        channel.wait()
        channel.say_seconds(1.0)
        channel.wait()
        raise ImportError('no module named peer')
        """,
    ],
)
def test_contender_that_dies_tells_its_last_line(code):
    dying, living = rounds.measure([fake("dying", code), answering("living", 1.0, 2.0, 3.0)], 2)
    assert dying.reason == "ended with status 1: ImportError: no module named peer"
    assert dying.seconds == ()
    assert living.seconds == (2.0, 3.0)


def test_silent_contender_is_ended(monkeypatch):
    monkeypatch.setattr(contender_process, "_READY_SECS", 0.2)
    (result,) = rounds.measure([fake("silent", "time.sleep(60)")], 1)
    assert result.reason == "no answer within 0.2 s"


def test_what_libraries_print_is_no_answer():
    chatty = fake(
        "chatty",
        """
        os.write(1, b"{not an answer\\n")
        print("importing", flush=True)
        channel.say_ready()
        channel.wait()
        print("working", flush=True)
        channel.say_seconds(1.0)
        channel.wait()
        channel.say_seconds(2.0)
        channel.wait()
        """,
    )
    (result,) = rounds.measure([chatty], 1)
    assert result.seconds == (2.0,)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_peak_memory_counts_what_was_given_back_and_children():
    mebibytes = 64
    allocate = f"bytearray({mebibytes} << 20)"
    plain, large, parent = rounds.measure(
        [
            answering("plain", 1.0, 1.0),
            fake("large", f"{allocate}\nchannel.serve(lambda: None)"),
            fake(
                "parent",
                f"""
                import subprocess
                code = "import sys; {allocate}; print(flush=True); sys.stdin.read()"
                child = subprocess.Popen(
                    [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
                child.stdout.readline()
                channel.serve(lambda: None)
                child.stdin.close()
                child.wait()
                """,
            ),
        ],
        1,
        round_secs=0.0,
    )
    for result in (large, parent):
        assert result.peak_bytes - plain.peak_bytes > 0.9 * mebibytes * 2**20


def test_contender_environment_is_added_and_taken_away(monkeypatch):
    monkeypatch.setenv("KEPT", "k")
    monkeypatch.setenv("TAKEN", "t")
    code = """
    names = "KEPT", "TAKEN", "ADDED"
    channel.serve(lambda: None, **{name: os.environ.get(name) for name in names})
    """
    contender = fake("it", code, environment={"ADDED": "a", "TAKEN": None})
    (result,) = rounds.measure([contender], 1)
    assert result.facts == {"KEPT": "k", "TAKEN": None, "ADDED": "a"}
