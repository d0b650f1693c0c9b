"""Signals during a training."""

import os
import signal
import threading

import pytest

from training.interruption import Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_is_noted_and_the_second_left_to_the_system(number):
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    interruption, lines = Interruption(), []

    with interruption.listening(lines.append):
        assert interruption.exit_status == 0
        os.kill(os.getpid(), number)
        assert interruption.signal_number == number
        assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL

    assert interruption.exit_status == 128 + number
    assert len(lines) == 1
    assert lines[0].startswith(signal.Signals(number).name)
    assert {each: signal.getsignal(each) for each in before} == before


def test_threads_other_than_the_main_one_train_without_signals():
    interruption = Interruption()
    entered = []

    def train():
        with interruption.listening(entered.append):
            entered.append("training")

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()

    assert entered == ["training"]
