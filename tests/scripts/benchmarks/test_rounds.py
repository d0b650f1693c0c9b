"""Contenders in turn: arithmetic, order, and contenders that cannot go on."""

import sys
import textwrap

import pytest

from scripts.benchmarks import contender_process, report, rounds
from scripts.benchmarks.report import Table
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


def test_contender_environment_is_added():
    code = "channel.serve(lambda: None, value=os.environ['ADDED'], has_path='PATH' in os.environ)"
    (result,) = rounds.measure([fake("it", code, environment={"ADDED": "x"})], 1)
    assert result.facts == {"value": "x", "has_path": True}


def test_table_compares_with_the_first_and_with_the_fastest_peer():
    table = Table(
        "key",
        "Title",
        "ms",
        1000 / 2,
        [
            Result("plain", False, (0.4, 0.4), 512 << 20, {"equal": "100 %", "versions": {}}),
            Result("ours", False, (0.1, 0.1)),
            Result("slow peer", True, (0.8, 0.8)),
            Result("fast peer", True, (0.2, 0.2)),
            Result("absent peer", True, reason="no <module> | here"),
        ],
    )
    assert report.format_table(table).splitlines() == [
        "**Title**",
        "",
        "| contender | ms | time / plain | time / fastest peer | peak memory, MiB | equal |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| plain | 200 | 1.00 | 2.00 | 512 | 100 % |",
        "| ours | 50 | 0.25 | 0.50 | ? |  |",
        "| slow peer | 400 | 2.00 | 4.00 | ? |  |",
        "| fast peer | 100 | 0.50 | 1.00 | ? |  |",
        "",
        "- absent peer: could not run. no &lt;module> \\| here",
    ]


def test_rate_is_what_an_iteration_does_over_its_time():
    result = Result("ours", False, (0.5, 0.5))
    table = Table("key", "Title", "images/s", 100, [result], is_rate=True)
    assert table.value(result) == 200


def test_section_of_a_document_is_replaced():
    text = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n<!-- begin y -->\n<!-- end y -->\n"
    assert report.replace_section(text, "x", r"new \1") == text.replace("old", r"new \1")
    with pytest.raises(ValueError, match="no section <!-- begin z -->"):
        report.replace_section(text, "z", "new")


def test_section_tells_rounds_and_versions():
    results = [
        Result("ours", False, (1.0, 1.0), facts={"versions": {"B": "2.0", "A": "1.0"}}),
        Result("absent", True, reason="no such package"),
    ]
    section = report.format_section([Table("key", "Title", "s", 1.0, results)], "make bench")
    assert "`make bench`; 2 rounds; " in section
    assert section.endswith("; A 1.0, B 2.0.")


def test_missing_section_is_found_before_measuring(tmp_path):
    document = tmp_path / "document.md"
    document.write_text("<!-- begin x -->\n<!-- end x -->\n")
    report.check_sections(str(document), ["x"])
    with pytest.raises(ValueError, match="no section <!-- begin y -->"):
        report.check_sections(str(document), ["x", "y"])
