"""The queue between two threads."""

import threading

import pytest

from serving.video.channel import Channel


def in_thread(function, *arguments) -> threading.Thread:
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def test_items_come_in_order_and_the_sender_waits_for_room():
    channel: Channel[int] = Channel(2)
    highest = 0

    def send():
        nonlocal highest
        for item in range(1, 50):
            channel.put(item)
            highest = item
        channel.close()

    thread = in_thread(send)
    for expected in range(1, 50):
        assert channel.get() == expected
        assert highest <= expected + 2
    assert channel.get() is None
    assert channel.is_over
    thread.join(10)
    assert channel.num_dropped == 0


def test_the_newest_take_the_place_of_the_oldest():
    channel: Channel[int] = Channel(2, keeps_newest=True)
    for item in range(1, 6):
        assert channel.put(item)
    channel.close()
    assert [channel.get(), channel.get(), channel.get()] == [4, 5, None]
    assert channel.num_dropped == 3


def test_errors_reach_the_other_side():
    channel: Channel[int] = Channel(2)
    channel.put(1)
    channel.close(ValueError("broken"))
    assert channel.get() == 1
    with pytest.raises(ValueError, match="broken"):
        channel.get()

    channel = Channel(1)
    channel.put(1)
    thread = in_thread(channel.abandon, OSError("full"))
    with pytest.raises(OSError, match="full"):  # Whether it waits for room by then or not.
        channel.put(2)
    thread.join()


def test_a_receiver_that_leaves_frees_the_sender():
    channel: Channel[int] = Channel(1)
    channel.put(1)
    answers: list[bool] = []
    thread = in_thread(lambda: answers.append(channel.put(2)))
    channel.abandon()
    thread.join(10)
    assert answers == [False]
    assert channel.get() is None


def test_waiting_ends_in_time():
    channel: Channel[int] = Channel(1)
    assert channel.get(0.01) is None
    assert not channel.is_over
