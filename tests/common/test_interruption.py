"""Signals that ask a process to end."""

import signal
import threading

import pytest

from common.interruption import Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_is_noted_and_the_second_left_to_the_system(number):
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    interruption, names = Interruption(), []

    with interruption.listening(lambda: names.append(interruption.signal_name)):
        assert not interruption
        assert interruption.exit_status == 0
        signal.raise_signal(number)
        assert interruption
        assert interruption.signal_number == number
        assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL

    assert interruption.exit_status == 128 + number
    assert names == [signal.Signals(number).name]
    assert {each: signal.getsignal(each) for each in before} == before


def test_threads_other_than_the_main_one_do_without_signals():
    entered = []

    def work():
        with Interruption().listening():
            entered.append("working")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert entered == ["working"]
