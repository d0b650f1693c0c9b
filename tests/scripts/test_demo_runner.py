"""Running the commands of a demo: their order, and those that run at the same time."""

import re

from scripts import demo_runner

# Prints when it began and ended, after it has waited for another to begin.
BESIDE = """
import pathlib, sys, time
mine, other = map(pathlib.Path, sys.argv[1:3])
mine.touch()
for _ in range(200):
    if other.exists():
        break
    time.sleep(0.05)
else:
    sys.exit(9)
print("said", mine.name)
"""


def test_steps_run_in_order_up_to_the_first_failure(capfd):
    commands = [["-c", f"print('step', {n}); raise SystemExit({n % 3})"] for n in (3, 6, 8, 9)]
    assert demo_runner.run(commands) == 2
    output = capfd.readouterr()
    assert re.findall(r"^step \d", output.out, re.MULTILINE) == ["step 3", "step 6", "step 8"]
    assert output.out.count("[1/4] python -c") == 1
    assert output.err == "error: step 3 of the demo ended with status 2\n"


def test_steps_run_together_and_print_one_after_the_other(tmp_path, capfd):
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    commands = [["-c", BESIDE, a, b], ["-c", BESIDE, b, a], ["-c", "print('last')"]]
    assert demo_runner.run(commands, together=(2,)) == 0
    words = re.findall(r"^(?:\[\d/3\]|said \w|last)", capfd.readouterr().out, re.MULTILINE)
    assert words == ["[1/3]", "said a", "[2/3]", "said b", "[3/3]", "last"]


def test_a_failure_of_one_of_several_ends_the_demo(capfd):
    commands = [["-c", ""], ["-c", "raise SystemExit(5)"], ["-c", "print('never')"]]
    assert demo_runner.run(commands, together=(2,)) == 5
    output = capfd.readouterr()
    assert "never" not in output.out
    assert output.err == "error: step 2 of the demo ended with status 5\n"
