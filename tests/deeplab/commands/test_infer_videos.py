"""The command `infer.py` with videos, cameras and addresses, in processes of its own."""

import functools
import io
import os
import pathlib
import signal
import time

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.support import command_runs, drawn_videos, toy_export, web_server

SOUND = "note: sound is not carried over to the overlays of videos\n"


@pytest.fixture
def infer(tmp_path):
    """Runs the command beside an export that takes frames of 60x200, too small for a legend."""
    toy_export.write(tmp_path / "model", metadata={"crop_size": [60, 200]})
    return functools.partial(
        command_runs.run, "infer.py", "--model=model", "--nolegend", cwd=tmp_path
    )


def files(folder: pathlib.Path) -> list[str]:
    return sorted(os.listdir(folder))


def ids_in(folder: pathlib.Path) -> list[np.ndarray]:
    return [np.asarray(Image.open(folder / name)) for name in files(folder)]


def assert_ids(folder: pathlib.Path, drawn) -> None:
    """Checks that a folder holds the class ids of frames, in their order."""
    assert files(folder) == [f"{number:06d}.png" for number in range(1, len(drawn) + 1)]
    np.testing.assert_array_equal(ids_in(folder), [frame.argmax(axis=2) for frame in drawn])


def test_a_video_becomes_one_of_as_many_frames(tmp_path, infer):
    drawn = drawn_videos.frames(11, (60, 200))
    drawn_videos.write(tmp_path / "my cl\u00efp 日本.mkv", drawn, 30000 / 1001)
    result = infer("my cl\u00efp 日本.mkv", "--save_ids=png", "--batch_size=3")
    assert result.returncode == 0, result.stderr
    assert result.stderr == SOUND
    assert "11 frames at 29.97 a second" in result.stdout
    name = "my cl\u00efp 日本"
    assert files(tmp_path / "masks") == [f"{name}_ids", f"{name}_overlay.mp4"]
    assert_ids(tmp_path / "masks" / f"{name}_ids", drawn)
    overlay, rate = drawn_videos.read(tmp_path / "masks" / f"{name}_overlay.mp4")
    assert len(overlay) == 11
    assert rate == pytest.approx(30000 / 1001, abs=0.01)
    assert overlay[0].shape == (60, 200, 3)


def test_the_overlay_is_painted_and_has_a_legend(tmp_path):
    toy_export.write(tmp_path / "model", metadata={"crop_size": [240, 400]})
    green = np.full([240, 400, 3], (60, 200, 60), np.uint8)
    blue = np.full([240, 400, 3], (60, 60, 200), np.uint8)
    drawn_videos.write(tmp_path / "x.mkv", [green, blue])
    result = command_runs.run("infer.py", "x.mkv", "--model=model", "--opacity=1", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "x.mkv: grass 50.0%, water 50.0%" in result.stdout
    overlay, _ = drawn_videos.read(tmp_path / "masks" / "x_overlay.mp4")
    assert overlay[0].shape == (300, 400, 3)  # Two rows of names.
    for frame, color in zip(overlay, toy_export.PALETTE[1:], strict=True):
        np.testing.assert_allclose(frame[100, 200], color, atol=6)
        strip = frame[240:]
        assert (np.abs(strip.astype(int) - color).max(axis=2) < 40).sum() > 60  # Its swatch.
        assert (strip.min(axis=2) > 240).mean() > 0.6
    result = command_runs.run("infer.py", "x.mkv", "--model=model", "--nolegend", cwd=tmp_path)
    overlay, _ = drawn_videos.read(tmp_path / "masks" / "x_overlay.mp4")
    assert overlay[0].shape == (240, 400, 3)


def test_frames_per_second_takes_frames_by_time(tmp_path, infer):
    drawn = drawn_videos.frames(20, (60, 200))
    drawn_videos.write(tmp_path / "x.mkv", drawn, 10)
    result = infer("x.mkv", "--save_ids=png", "--frames_per_second=4")
    assert result.returncode == 0, result.stderr
    assert "8 of 20 frames at 4 a second" in result.stdout
    # The nearest to 0, 0.25, 0.5 … seconds; the earlier of two.
    taken = [drawn[index] for index in (0, 2, 5, 7, 10, 12, 15, 17)]
    assert_ids(tmp_path / "masks" / "x_ids", taken)
    overlay, rate = drawn_videos.read(tmp_path / "masks" / "x_overlay.mp4")
    assert (len(overlay), rate) == (8, 4)

    # Fewer frames than those of the run before, and no more than there are.
    drawn_videos.write(tmp_path / "x.mkv", drawn[:3], 10)
    result = infer("x.mkv", "--save_ids=png", "--frames_per_second=60")
    assert "3 frames at 10 a second" in result.stdout
    assert_ids(tmp_path / "masks" / "x_ids", drawn[:3])
    assert infer("x.mkv", "--frames_per_second=0").returncode == 2


def test_videos_among_images_and_broken_files(tmp_path, infer):
    folder = tmp_path / "in"
    folder.mkdir()
    drawn = drawn_videos.frames(3, (60, 200))
    drawn_videos.write(folder / "a.mkv", drawn)
    drawn_videos.write(folder / "b.mp4", drawn, codec=drawn_videos.MOTION_JPEG)  # Really an AVI.
    Image.fromarray(drawn[0]).save(folder / "c.png")
    Image.fromarray(drawn[1]).save(folder / "d.mp4", "PNG")
    (folder / "e.mp4").write_bytes(b"")
    (folder / "f.mov").write_bytes(b"#EXTM3U\nfile:///etc/passwd\n")
    whole = drawn_videos.write(folder / "g.mp4", drawn, codec=drawn_videos.MPEG4).read_bytes()
    (folder / "g.mp4").write_bytes(whole[: len(whole) // 2])
    empty = cv2.VideoWriter(str(folder / "h.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    empty.release()
    (folder / "notes.txt").write_text("x")
    result = infer("in", "--output=in")
    assert result.returncode == 1
    cannot = (
        "the video cannot be read: it is truncated or damaged, holds no frames, or has a codec "
        "that OpenCV does not know."
    )
    assert result.stderr.splitlines() == [
        "note: folder in: skipped files without the name of an image or video: notes.txt.",
        SOUND.strip(),
        "error: in/e.mp4: the file is empty. Copy it again, or remove it.",
        "error: in/f.mov: not a video file that can be read.",
        f"error: in/g.mp4: {cannot}",
        f"error: in/h.mp4: {cannot}",
    ]
    made = {name for name in files(folder) if "_" in name}
    assert made == {
        *("a_overlay.mp4", "b_overlay.mp4"),
        *("c_mask.png", "c_overlay.jpg", "d_mask.png", "d_overlay.jpg"),
    }
    assert "2 of 2 images" in result.stdout
    # Results are not read, and the same run makes the same files.
    infer("in", "--output=in")
    assert {name for name in files(folder) if "_" in name} == made


def test_wrong_input_is_one_line(tmp_path, infer):
    drawn_videos.write(tmp_path / "x.mkv", drawn_videos.frames(2, (60, 200)))
    drawn_videos.write(tmp_path / "x_overlay.mp4", drawn_videos.frames(2), codec=drawn_videos.MPEG4)
    before = (tmp_path / "x_overlay.mp4").read_bytes()
    (tmp_path / "masks" / "x_ids").mkdir(parents=True)
    Image.new("L", (4, 4)).save(tmp_path / "masks" / "x_ids" / "000001.png")
    toy_export.write(tmp_path / "old.pb", published=True)
    with web_server.serving({"/page": web_server.content(b"<html>hello", "text/html")}) as address:
        for arguments, message in (
            (["x.mkv", "x_overlay.mp4", "--output=."], "would overwrite x_overlay.mp4; choose"),
            (
                ["x.mkv", "masks/x_ids/000001.png", "--save_ids=png"],
                "would overwrite masks/x_ids/000001.png; choose another --output",
            ),
            (["x.mkv", "--save_probabilities"], "x.mkv is a video, whose probabilities are not"),
            (["x.mkv", "--max_pixels=100"], "x.mkv: frames of 60x200 (height x width) have 12000"),
            (["x.mkv", "--memory_limit_mb=50"], "x.mkv: frames of 60x200 (height x width) take "),
            (
                ["x.mkv", "--model=old.pb", "--temporal_smoothing=0.5"],
                "x.mkv: old.pb gives no probabilities, which --temporal_smoothing averages.",
            ),
            (["camera:77"], "camera:77: the camera cannot be read"),
            (["/dev/video77"], "/dev/video77: the camera cannot be read"),
            (["camera:77", "rtsp://a/b"], "rtsp://a/b: camera:77 goes on until Ctrl-C"),
            (["ftp://host/x.mp4"], "ftp://host/x.mp4: addresses with ftp:// are not read"),
            (["http:///x.mp4"], "http:///x.mp4: the address names no host"),
            ([f"{address}/no.mp4"], f"{address}/no.mp4: the server answers 404 (Not Found)."),
            ([f"{address}/page"], f"{address}/page: neither an image nor a video (a web page)."),
            (["http://127.0.0.1:9/x"], "http://127.0.0.1:9/x: it cannot be read (Connection ref"),
            (["nothing.mp4"], "nothing.mp4: no such file or folder"),
        ):
            result = infer(*arguments)
            assert result.returncode == 1, arguments
            lines = [line for line in result.stderr.splitlines() if not line.startswith("note:")]
            assert any(message in line for line in lines), (message, lines)
            assert all(line.startswith("error: ") for line in lines), lines
    assert (tmp_path / "x_overlay.mp4").read_bytes() == before
    assert files(tmp_path / "masks") == ["x_ids"]


def test_a_file_that_ends_early_keeps_what_could_be_read(tmp_path, infer):
    drawn = drawn_videos.frames(60, (60, 200))
    path = drawn_videos.write(tmp_path / "x.avi", drawn, codec=drawn_videos.MOTION_JPEG)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = infer("x.avi")
    assert result.returncode == 1
    overlay, _ = drawn_videos.read(tmp_path / "masks" / "x_overlay.mp4")
    assert 20 < len(overlay) < 32
    assert result.stderr == (
        f"{SOUND}error: x.avi: truncated or damaged: it ends after {len(overlay)} frames, and says "
        "that it has more. The results hold those that can be read.\n"
    )


def test_turned_videos_single_frames_and_varying_rates(tmp_path, infer):
    drawn = drawn_videos.frames(8, (40, 60))
    drawn_videos.write(tmp_path / "turned.mp4", drawn, codec=drawn_videos.MPEG4)
    drawn_videos.turn(tmp_path / "turned.mp4")
    drawn_videos.write(tmp_path / "uneven.mp4", drawn, codec=drawn_videos.MPEG4)
    drawn_videos.space_unevenly(tmp_path / "uneven.mp4", [1024, 1024, 9000, 1024, 400, 9000, 4, 99])
    drawn_videos.write(tmp_path / "single.mkv", drawn[:1], 0.5)
    result = infer("turned.mp4", "uneven.mp4", "single.mkv", "--save_ids=png")
    assert result.returncode == 0, result.stderr
    note = "the frames of uneven.mp4 are not evenly spaced in time; those of its overlay are"
    assert result.stderr == f"{SOUND}note: {note}\n"
    overlay, _ = drawn_videos.read(tmp_path / "masks" / "turned_overlay.mp4")
    assert (len(overlay), overlay[0].shape) == (8, (60, 40, 3))
    upright = np.rot90(drawn[0].argmax(axis=2), -1)
    assert np.mean(ids_in(tmp_path / "masks" / "turned_ids")[0] == upright) > 0.9  # It has a loss.
    assert len(drawn_videos.read(tmp_path / "masks" / "uneven_overlay.mp4")[0]) == 8
    overlay, rate = drawn_videos.read(tmp_path / "masks" / "single_overlay.mp4")
    assert (len(overlay), rate) == (1, 0.5)
    assert_ids(tmp_path / "masks" / "single_ids", drawn[:1])


def wait_for(condition, secs: float = 60) -> None:
    end = time.monotonic() + secs
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_file_leaves_what_is_finished_as_partial(tmp_path, infer, number):
    drawn = drawn_videos.frames(1500, (60, 200))
    drawn_videos.write(tmp_path / "x.mkv", drawn)
    partial = tmp_path / "masks" / "x_partial_ids"
    with command_runs.started(
        "infer.py", "x.mkv", "y.mkv", "--model=model", "--save_ids=png", cwd=tmp_path
    ) as command:
        drawn_videos.write(tmp_path / "y.mkv", drawn[:2])
        wait_for(lambda: partial.is_dir() and len(files(partial)) > 20)
        os.kill(command.process.pid, number)
        command.process.join(60)
        assert command.process.exitcode == 128 + number, command.stderr()
        assert "interrupted: x.mkv: the results end there, and are named so" in command.stderr()
        assert " of 1500 frames at 10 a second" in command.stdout()
    assert files(tmp_path / "masks") == ["x_partial_ids", "x_partial_overlay.mp4"]
    overlay, _ = drawn_videos.read(tmp_path / "masks" / "x_partial_overlay.mp4")
    assert 20 < len(overlay) < 1500
    assert_ids(partial, drawn[: len(overlay)])

    # A complete run takes the place of both.
    drawn_videos.write(tmp_path / "x.mkv", drawn[:4])
    assert infer("x.mkv", "--save_ids=png").returncode == 0
    assert files(tmp_path / "masks") == ["x_ids", "x_overlay.mp4"]
    assert_ids(tmp_path / "masks" / "x_ids", drawn[:4])


def jpeg(image: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "JPEG", quality=95)
    return content.getvalue()


def test_a_stream_ends_with_ctrl_c_and_is_complete(tmp_path, infer):
    """Its frames change their size, and have odd sides."""
    images = [jpeg(toy_export.image(33, 51)), jpeg(toy_export.image(21, 37, 1))]
    answer = web_server.jpegs(images, 0.02)
    partial = tmp_path / "masks" / "camera_partial_ids"
    with (
        web_server.serving({"/camera": answer}) as address,
        command_runs.started(
            "infer.py",
            f"{address}/camera?token=secret",
            "--model=model",
            "--save_ids=png",
            cwd=tmp_path,
        ) as command,
    ):
        wait_for(lambda: partial.is_dir() and len(files(partial)) > 10)
        os.kill(command.process.pid, signal.SIGINT)
        command.process.join(60)
        assert command.process.exitcode == 0, command.stderr()
        assert f"{address}/camera: 33x51 (height x width); Ctrl-C ends it" in command.stderr()
        assert "secret" not in command.stdout() + command.stderr()
    assert files(tmp_path / "masks") == ["camera_ids", "camera_overlay.mp4"]
    overlay, _ = drawn_videos.read(tmp_path / "masks" / "camera_overlay.mp4")
    ids = ids_in(tmp_path / "masks" / "camera_ids")
    assert len(overlay) == len(ids) > 10
    assert {each.shape for each in ids} == {(33, 51)}
    assert overlay[0].shape == (34, 52, 3)  # Colors are stored for two by two pixels.
    np.testing.assert_allclose(overlay[0][33], overlay[0][32], atol=25)


def test_addresses_of_images_and_videos(tmp_path, infer):
    drawn = drawn_videos.frames(5, (60, 200))
    video = drawn_videos.write(tmp_path / "v.mkv", drawn).read_bytes()
    png = io.BytesIO()
    Image.fromarray(drawn[0]).save(png, "PNG")
    image = web_server.content(png.getvalue(), "application/octet-stream")
    answers = {
        "/a%20b.png": image,
        "/clip.mkv": web_server.content(video, "application/octet-stream"),
        "/bare.mjpeg": web_server.content(b"".join(map(jpeg, 30 * drawn)), "video/x-jpeg"),
        "/locked.png": web_server.with_password("me", "pa ss", image),
        "/cut.png": web_server.content(png.getvalue()[: len(png.getvalue()) // 2], "image/png"),
        "/short.png": web_server.content(png.getvalue()[:-9], "image/png", len(png.getvalue())),
    }
    with web_server.serving(answers) as address:
        locked = address.replace("//", "//me:pa%20ss@")
        result = infer(
            f"{address}/a%20b.png?x=1",
            f"{address}/clip.mkv",
            f"{address}/bare.mjpeg",
            f"{locked}/locked.png",
            f"{address}/locked.png",
            f"{address}/cut.png",
            f"{address}/short.png",
            "--save_ids=png",
        )
    assert result.returncode == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 3
    assert errors[0] == f"error: {address}/locked.png: the server answers 401 (Unauthorized)."
    total = len(png.getvalue())
    ended = f"the connection ended after {total - 9} of {total} bytes."
    assert errors[1] == f"error: {address}/short.png: {ended}"
    assert errors[2].startswith(f"error: {address}/cut.png: truncated or damaged")
    assert "pa" not in "".join(line for line in result.stderr.splitlines() if "me:" in line)
    assert f"{address}/a%20b.png: " in result.stdout
    ids = np.asarray(Image.open(tmp_path / "masks" / "a b_ids.png"))
    np.testing.assert_array_equal(ids, drawn[0].argmax(axis=2))
    assert (tmp_path / "masks" / "locked_mask.png").is_file()
    assert_ids(tmp_path / "masks" / "clip_ids", drawn)
    # Nothing says how many frames it has, and yet it has an end, and is waited for.
    assert "150 frames at 25 a second" in result.stdout
    assert len(files(tmp_path / "masks" / "bare_ids")) == 150


def test_a_full_disk_leaves_no_half_a_video(tmp_path, infer):
    noise = np.random.RandomState(0).randint(0, 256, [40, 60, 200, 3], np.uint8)
    drawn_videos.write(tmp_path / "x.mkv", noise)
    result = infer("x.mkv", max_file_bytes=60_000)
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert lines[0] + "\n" == SOUND
    assert len(lines) == 2
    assert lines[1].startswith("error: masks/x_partial_overlay.mp4 cannot be written: ")
    assert files(tmp_path / "masks") == []


def test_smoothing_removes_what_flickers(tmp_path, infer):
    steady = np.full([60, 200, 3], (60, 100, 60), np.uint8)
    flash = steady.copy()
    flash[20:30, 50:60] = (60, 100, 104)
    drawn = [steady, steady, flash, steady]
    drawn_videos.write(tmp_path / "x.mkv", drawn)
    infer("x.mkv", "--save_ids=png")
    assert [np.unique(ids).tolist() for ids in ids_in(tmp_path / "masks" / "x_ids")] == [
        [1],
        [1],
        [1, 2],
        [1],
    ]
    result = infer("x.mkv", "--save_ids=png", "--temporal_smoothing=0.6")
    assert result.returncode == 0, result.stderr
    ids = ids_in(tmp_path / "masks" / "x_ids")
    assert [np.unique(each).tolist() for each in ids] == [[1]] * 4
