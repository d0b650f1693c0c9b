"""What the arguments of infer.py stand for."""

import pytest
from PIL import Image

from deeplab.commands import infer_images, infer_inputs, infer_videos
from serving import results
from tests.support import drawn_videos


def test_content_decides_what_is_a_video(tmp_path):
    drawn = drawn_videos.frames(2)
    videos = [
        drawn_videos.write(tmp_path / name, drawn, codec=codec)
        for name, codec in (
            ("a.mkv", drawn_videos.LOSSLESS),
            ("b.jpg", drawn_videos.MPEG4),
            ("c", drawn_videos.MOTION_JPEG),
            ("d.ts", ("mp4v", ".ts")),
            ("e.webm", ("VP80", ".webm")),
        )
    ]
    (tmp_path / "f.mp4").write_bytes(b"unknown")
    Image.fromarray(drawn[0]).save(tmp_path / "g.mp4", "JPEG")
    Image.fromarray(drawn[0]).save(tmp_path / "h.png")
    Image.fromarray(drawn[0]).save(tmp_path / "i.avif")
    for path in [*videos, tmp_path / "f.mp4"]:
        assert infer_inputs.is_video(str(path)), path
    for name in ("g.mp4", "h.png", "i.avif", "missing.png"):
        assert not infer_inputs.is_video(str(tmp_path / name)), name
    inputs = infer_inputs.find([str(tmp_path), str(videos[2]), str(videos[0])], str(tmp_path))
    assert [source.address for source in inputs.videos] == [
        *(str(tmp_path / name) for name in ("a.mkv", "b.jpg", "d.ts", "e.webm", "f.mp4", "c")),
    ]
    assert inputs.images == [str(tmp_path / name) for name in ("g.mp4", "h.png", "i.avif")]


def test_class_ids_of_an_earlier_run_are_not_taken_for_images(tmp_path):
    for folder in ("x_ids", "y_ids"):
        (tmp_path / folder).mkdir()
        Image.new("L", (4, 3)).save(tmp_path / folder / "000001.png")
    (tmp_path / "x_overlay.mp4").write_bytes(b"")
    mine = str(tmp_path / "y_ids" / "000001.png")
    inputs = infer_inputs.find([str(tmp_path / "**")], str(tmp_path))
    assert inputs.images == [mine]  # It is beside no overlay.
    assert inputs.notes[-1] == "skipped the class ids of 1 frames of videos."
    result = str(tmp_path / "x_ids" / "000001.png")
    assert infer_inputs.find([result], str(tmp_path)).images == [result]


def test_what_has_no_end_comes_last_and_alone(tmp_path):
    path = drawn_videos.write(tmp_path / "x.mkv", drawn_videos.frames(1))
    inputs = infer_inputs.find(["camera:3", "rtsp://a/b", str(path), "camera:3"], str(tmp_path))
    assert [source.shown for source in inputs.videos] == [str(path), "camera:3"]
    assert inputs.problems == [
        "rtsp://a/b: camera:3 goes on until Ctrl-C ends the command; give one camera or stream at "
        "a time."
    ]


@pytest.mark.parametrize(
    ("read", "ids_format", "is_refused"),
    [
        ("out/x_overlay.mp4", None, True),
        ("out/x_partial_overlay.mp4", None, True),
        ("other/x_overlay.mp4", None, False),
        ("out/x_ids/000001.png", "png", True),
        ("out/x_ids/000001.png", None, False),
        ("out/x_partial_ids/000007.png", "npy", True),
        ("out/x_ids/photo.png", "png", False),
    ],
)
def test_no_result_of_a_video_is_written_over_what_is_read(
    tmp_path, monkeypatch, read, ids_format, is_refused
):
    monkeypatch.chdir(tmp_path)
    inputs = infer_inputs.Inputs(videos=[infer_inputs.sources.of_file("x.mp4")], images=[read])
    options = results.ResultOptions(ids_format=ids_format)
    if not is_refused:
        infer_videos.check_results(inputs, ["x"], "out", options)
        return
    with pytest.raises(ValueError, match=f"the result of x.mp4 would overwrite {read}; choose"):
        infer_videos.check_results(inputs, ["x"], "out", options)


def test_no_result_of_an_image_is_written_over_a_video(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    video = infer_inputs.sources.of_file("out/x_overlay.jpg")  # By its content.
    inputs = infer_inputs.Inputs(["x.png"], ["x.png"], videos=[video])
    with pytest.raises(ValueError, match=r"the result of x\.png would overwrite the image out/x_o"):
        infer_images.check_results(inputs, ["x"], "out", results.ResultOptions())
