"""The way of frames through the threads: how many are held, and how it ends."""

import contextlib
import dataclasses
import gc
import itertools
import threading
import time
import weakref

import numpy as np
import pytest

from serving import memory
from serving.deeplab_model import DeepLabModel
from serving.results import ResultOptions
from serving.video import sources, video_inference
from serving.video.reading import Frame
from serving.video.video_inference import VideoOptions
from tests.support import drawn_videos, toy_export

WRITTEN = ResultOptions(legend=False)
BUDGET = memory.Budget(1 << 40)


@pytest.fixture
def model(tmp_path):
    with DeepLabModel(toy_export.write(tmp_path / "model")) as model:
        yield model


@dataclasses.dataclass
class FakeReader:
    """Frames without a file; the `VideoReader` of these tests."""

    made: object  # Called with the number of a frame.
    number: int | None
    is_live: bool = False
    height: int = 40
    width: int = 60
    rate: float = 10.0
    is_uneven: bool = False
    num_seen: int = 0
    num_frames: int | None = None
    source: sources.Source = dataclasses.field(default_factory=lambda: sources.of_file("x"))

    def frames(self, sampler):
        for index in itertools.count() if self.number is None else range(self.number):
            self.num_seen += 1
            if sampler.takes(index / self.rate):
                yield Frame(self.made(index), index / self.rate)

    def ends_early(self):
        return False


def segment(model, folder, reader, written=WRITTEN, budget=BUDGET, interrupted=None, **options):
    folder.mkdir(exist_ok=True)
    return video_inference.segment_video(
        model,
        reader,
        "x",
        str(folder),
        written,
        VideoOptions(**options),
        budget,
        interrupted or (lambda: False),
    )


def scene(index: int) -> np.ndarray:
    return np.full([40, 60, 3], (10, 200, index % 200), np.uint8)


@pytest.mark.parametrize("smoothing", [0.0, 0.5])
@pytest.mark.parametrize("slow_part", ["network", "writer"])
def test_a_longer_video_holds_no_more_frames(tmp_path, model, monkeypatch, slow_part, smoothing):
    living: set[int] = set()
    most = 0
    lock = threading.Lock()

    class Tracked(np.ndarray):
        pass

    def make(index):
        nonlocal most
        frame = scene(index).view(Tracked)
        with lock:
            living.add(index)
            most = max(most, len(living))
        weakref.finalize(frame, living.discard, index)
        return frame

    if slow_part == "network":
        predict = model.predict_batch
        monkeypatch.setattr(
            model, "predict_batch", lambda *a, **k: (time.sleep(0.005), predict(*a, **k))[1]
        )
    else:
        write = video_inference.ResultWriter.write
        monkeypatch.setattr(
            video_inference.ResultWriter, "write", lambda *a: (time.sleep(0.003), write(*a))[1]
        )
    gc.disable()  # Nothing may wait for it.
    try:
        segment(model, tmp_path / "out", FakeReader(make, 30), batch_size=3, smoothing=smoothing)
        first = most
        outcome = segment(
            model, tmp_path / "out", FakeReader(make, 300), batch_size=3, smoothing=smoothing
        )
    finally:
        gc.enable()
    assert outcome.num_frames == outcome.num_seen == 300
    assert len(drawn_videos.read(tmp_path / "out" / "x_overlay.mp4")[0]) == 300
    # Three before the network, in it and behind it, and those in the hands of other threads.
    expected = 9 + 2 + video_inference._NUM_PAINTERS
    assert first <= expected
    assert most <= expected
    assert not living


def test_a_live_source_is_not_waited_for(tmp_path, model, monkeypatch):
    predict = model.predict_batch
    calls = []

    def predict_slowly(*arguments, **how):
        calls.append(arguments)
        time.sleep(0.05)
        return predict(*arguments, **how)

    monkeypatch.setattr(model, "predict_batch", predict_slowly)

    def make(index):
        time.sleep(0.002)
        return scene(index)

    reader = FakeReader(make, None, is_live=True)
    outcome = segment(
        model,
        tmp_path / "out",
        reader,
        batch_size=2,
        interrupted=lambda: len(calls) > 8,
    )
    assert outcome.num_dropped > outcome.num_frames > 4
    assert not outcome.is_partial
    assert outcome.paths == [str(tmp_path / "out" / "x_overlay.mp4")]
    assert len(drawn_videos.read(tmp_path / "out" / "x_overlay.mp4")[0]) == outcome.num_frames


def test_an_interruption_while_no_frame_comes(tmp_path, model):
    """A server that is silent does not keep the command from ending."""
    released = threading.Event()
    silent_since = []

    def make(index):
        if index == 5:
            silent_since.append(time.monotonic())
            released.wait(60)
        return scene(index)

    start = time.monotonic()
    try:
        outcome = segment(
            model,
            tmp_path / "out",
            FakeReader(make, None),
            batch_size=4,
            interrupted=lambda: silent_since and time.monotonic() > silent_since[0] + 1,
        )
    finally:
        released.set()
    assert time.monotonic() - start < 20
    assert outcome.is_partial
    assert outcome.num_frames == 5
    assert outcome.paths == [str(tmp_path / "out" / "x_partial_overlay.mp4")]
    with pytest.raises(ValueError, match="x: interrupted before its first frame was done"):
        segment(model, tmp_path / "other", FakeReader(make, None), interrupted=lambda: True)
    assert list((tmp_path / "other").iterdir()) == []


def test_a_file_whose_frames_are_all_done_is_complete_in_spite_of_an_interruption(
    tmp_path, model, monkeypatch
):
    is_done = threading.Event()
    predict = model.predict_batch

    def predict_last(*arguments, **how):
        time.sleep(0.3)  # The reader ends meanwhile.
        is_done.set()
        return predict(*arguments, **how)

    monkeypatch.setattr(model, "predict_batch", predict_last)
    outcome = segment(
        model, tmp_path / "out", FakeReader(scene, 6), batch_size=6, interrupted=is_done.is_set
    )
    assert not outcome.is_partial
    assert outcome.num_frames == 6
    assert outcome.paths == [str(tmp_path / "out" / "x_overlay.mp4")]


@pytest.mark.parametrize("part", ["reader", "network", "writer"])
def test_an_error_of_any_part_ends_all_of_them(tmp_path, model, monkeypatch, part):
    before = threading.active_count()
    reader = FakeReader(scene, None)

    def fail(*_, **__):
        raise OSError(f"the {part} fails")

    if part == "reader":
        reader.made = lambda index: scene(index) if index < 20 else fail()
    elif part == "network":
        calls = itertools.count()
        predict = model.predict_batch
        monkeypatch.setattr(
            model, "predict_batch", lambda *a, **k: fail() if next(calls) > 4 else predict(*a, **k)
        )
    else:
        write = video_inference.ResultWriter.write
        monkeypatch.setattr(
            video_inference.ResultWriter,
            "write",
            lambda self, *a: fail() if self.num_frames > 20 else write(self, *a),
        )
    with pytest.raises(OSError, match=f"the {part} fails"):
        segment(model, tmp_path / "out", reader)
    assert list((tmp_path / "out").iterdir()) == []
    with contextlib.suppress(TimeoutError):
        end = time.monotonic() + 10
        while threading.active_count() > before and time.monotonic() < end:
            time.sleep(0.01)
    assert threading.active_count() <= before


def test_memory_decides_how_many_frames_run_together(tmp_path, model, monkeypatch):
    sizes: list[int] = []
    predict = model.predict_batch
    monkeypatch.setattr(
        model,
        "predict_batch",
        lambda frames, **k: (sizes.append(len(frames)), predict(frames, **k))[1],
    )
    budget = memory.Budget(1 << 40)
    num_pixels = 40 * 60
    fixed = 50 + 30 * video_inference._NUM_PAINTERS
    budget.for_images = num_pixels * (fixed + 3 * 14)
    segment(model, tmp_path / "out", FakeReader(scene, 9), budget=budget, batch_size=50)
    assert sizes == [3, 3, 3]
    budget.for_images = num_pixels * fixed
    with pytest.raises(ValueError, match=r"x: frames of 40x60 \(height x width\) take about 1 MB"):
        segment(model, tmp_path / "out", FakeReader(scene, 9), budget=budget)
