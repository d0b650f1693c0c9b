"""The command `infer.py`, in processes of its own."""

import functools
import importlib.util
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from datasets.segmentation import sources
from tests.support import command_runs, toy_export


@pytest.fixture
def infer(tmp_path):
    """Runs the command with an empty folder as the current one."""
    return functools.partial(command_runs.run, "infer.py", cwd=tmp_path)


def save(path: pathlib.Path, seed: int, size: tuple[int, int] = (20, 30)) -> np.ndarray:
    """Saves an image without loss and returns the class ids that the toy graph sees in it."""
    image = toy_export.image(*size, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return image.argmax(axis=2)


def files(folder: pathlib.Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_files_folders_and_patterns_with_the_newest_export(tmp_path, infer):
    toy_export.write(tmp_path / "runs" / "demo" / "export")
    ids = {
        "one": save(tmp_path / "one.png", 1),
        "a_same": save(tmp_path / "a" / "same.png", 2, (100, 90)),
        "b_same": save(tmp_path / "b" / "same.png", 3),
        "deep": save(tmp_path / "c" / "d" / "deep.png", 4),
    }
    (tmp_path / "a" / "broken.jpg").write_bytes(b"\xff\xd8 cut")
    result = infer(
        "one.png", "a", "b/*.png", "c/**/*.png", "--save_ids=npy", "--save_probabilities"
    )
    assert result.returncode == 1
    assert "error: a/broken.jpg: not an image file" in result.stderr
    assert "Traceback" not in result.stderr
    assert "4 of 5 images" in result.stdout

    endings = ("_ids.npy", "_mask.png", "_overlay.jpg", "_probabilities.npz")
    assert files(tmp_path / "masks") == sorted(name + ending for name in ids for ending in endings)
    for name in ("one", "b_same", "deep"):
        np.testing.assert_array_equal(
            Image.open(tmp_path / "masks" / f"{name}_mask.png"), ids[name]
        )
        np.testing.assert_array_equal(np.load(tmp_path / "masks" / f"{name}_ids.npy"), ids[name])
    assert Image.open(tmp_path / "masks" / "a_same_mask.png").size == (90, 100)
    share = np.mean(ids["one"] == 1)
    assert f"grass {100 * share:.1f}%" in result.stdout


def test_results_among_the_images_are_neither_read_nor_written_over(tmp_path, infer):
    toy_export.write(tmp_path / "model")
    save(tmp_path / "in" / "x.png", 1)
    for _ in range(2):
        result = infer("in", "--model=model", "--output=in")
        assert result.returncode == 0, result.stderr
        assert files(tmp_path / "in") == ["x.png", "x_mask.png", "x_overlay.jpg"]

    save(tmp_path / "in" / "x_mask.png", 2)
    before = (tmp_path / "in" / "x_mask.png").read_bytes()
    result = infer("in/x.png", "in/x_mask.png", "--model=model", "--output=in")
    assert result.returncode == 1
    assert "would overwrite the image in/x_mask.png; choose another --output" in result.stderr
    assert (tmp_path / "in" / "x_mask.png").read_bytes() == before


def test_labels_for_labelling_tools_are_records_of_the_same_ids(tmp_path, infer):
    toy_export.write(tmp_path / "model")
    ids = {name: save(tmp_path / "in" / f"{name}.png", seed) for seed, name in enumerate("ab")}
    ids["large"] = save(tmp_path / "in" / "large.png", 5, (100, 90))
    for label_format, dataset, output in (
        ("labelme", "labelme", "out"),
        ("coco", "coco_json", "in"),
    ):
        result = infer("in", "--model=model", f"--output={output}", f"--save_labels={label_format}")
        assert result.returncode == 0, result.stderr
        name = "out/NAME.json" if label_format == "labelme" else "in/coco_predictions.json"
        assert f"{output}/NAME_overlay.jpg, {name}\n" in result.stdout
        assert sources.find_source(str(tmp_path / output)) == dataset
        source = sources.open_source(dataset, str(tmp_path / output), val_fraction=0.4)
        assert source.class_names[1:] == toy_export.CLASS_NAMES[1:]
        samples = [sample for samples in source.splits.values() for sample in samples]
        assert sorted(sample.name for sample in samples) == sorted(ids)
        for sample in samples:
            np.testing.assert_array_equal(source.read_mask(sample), ids[sample.name])

    again = infer("in", "--model=model", "--output=out", "--save_labels=labelme")
    assert again.returncode == 0, again.stderr
    (tmp_path / "out" / "a.json").write_text('{"shapes": []}')
    before = files(tmp_path / "out")
    refused = infer("in", "--model=model", "--output=out", "--save_labels=labelme")
    assert refused.returncode == 1
    assert (
        "out/a.json. What people have corrected is not written over: choose another --output"
        in refused.stderr
    )
    assert files(tmp_path / "out") == before


def test_wrong_input_is_one_line(tmp_path):
    save(tmp_path / "x.png", 1)
    (tmp_path / "bad.pb").write_bytes(b"no graph")
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    toy_export.write(tmp_path / "old.pb", published=True)
    cases = (
        ([], 1, "which images?"),
        (["x.png"], 1, "run python export_model.py"),
        (["nothing*.png", "--model=old.pb"], 1, "no image or video matches 'nothing*.png'"),
        (["x.png", "--model=bad.pb"], 1, "bad.pb is truncated or no"),
        (["x.png", "--model=old.pb", "--save_probabilities"], 1, "gives no probabilities"),
        (["x.png", "--model=old.pb", "--output=x.png"], 1, "x.png is not a folder; choose another"),
        (["x.png", "--model=old.pb", "--output=x.png/sub"], 1, "x.png is not a folder; choose"),
        (
            ["x.png", "--model=old.pb", "--output=/proc/x"],
            1,
            "/proc/x: /proc cannot be written",
        ),
        (["x.png", "--model=old.pb", "--memory_limit_mb=50"], 1, "x.png: 20x30 pixels (height"),
        (["x.png", "--model=old.pb", "--save_labels=coco", "--runner=DirectRunner"], 1, "--runner"),
        (["clip.mp4", "--model=old.pb", "--save_labels=coco"], 1, "clip.mp4 is a video; labels"),
        (["x.png", "--modle=old.pb"], 2, "Did you mean --model"),
    )
    inputs = [arguments for arguments, _, _ in cases]
    results = command_runs.run_series("infer", inputs, cwd=tmp_path)
    for (arguments, status, message), result in zip(cases, results, strict=True):
        assert result.returncode == status, (arguments, result.stderr)
        assert message in result.stderr
        assert "Traceback" not in result.stderr
    assert files(tmp_path) == ["bad.pb", "clip.mp4", "masks", "old.pb", "x.png"]
    assert files(tmp_path / "masks") == []


def test_images_larger_than_the_model_takes_are_told_once(tmp_path, infer):
    toy_export.write(tmp_path / "model")
    for number, size in enumerate([(20, 30), (100, 90), (50, 70)]):
        save(tmp_path / "in" / f"{number}.png", number, size)
    result = infer("in", "--model=model", "--tile=off")
    assert result.returncode == 0
    warnings = result.stderr.splitlines()
    assert warnings == [
        "warning: in/1.png is 100x90 (height x width), and the model takes at most 48x64: it was "
        "shrunk to 48x43, so small objects are lost. Run it in tiles with --tile=48, or export the "
        "checkpoint again with --crop_size=129,97.",
        "warning: 2 of 3 images are larger than the model takes and were shrunk for it; see above",
    ]
    assert infer("in/0.png", "--model=model").stderr == ""


def test_the_crop_that_is_advised_holds_what_fitted_before(tmp_path, infer):
    toy_export.write(tmp_path / "model")
    save(tmp_path / "upright.png", 0, (50, 30))
    result = infer("upright.png", "--model=model", "--tile=off")
    assert result.stderr.endswith("or export the checkpoint again with --crop_size=65,65.\n")


def test_much_larger_images_run_in_tiles(tmp_path, infer):
    toy_export.write(tmp_path / "model")
    sizes = [(20, 30), (100, 90), (150, 70), (50, 70)]
    ids = [save(tmp_path / "in" / f"{n}.png", n, size) for n, size in enumerate(sizes)]
    result = infer("in", "--model=model")
    assert result.returncode == 0
    assert result.stderr.splitlines() == [
        "note: in/1.png is 100x90 (height x width), and the model takes at most 48x64: it runs in "
        "8 overlapping tiles, which takes the time of 8 images. --tile=off shrinks it, "
        "a smaller --overlap takes fewer.",
        "warning: in/3.png is 50x70 (height x width), and the model takes at most 48x64: it was "
        "shrunk to 45x64, so small objects are lost. Run it in tiles with --tile=48, or export the "
        "checkpoint again with --crop_size=65,97.",
        "note: 2 of 4 images are larger than the model takes and ran in tiles",
    ]
    for number in (1, 2):
        mask = Image.open(tmp_path / "masks" / f"{number}_mask.png")
        np.testing.assert_array_equal(mask, ids[number])
    result = infer("in/3.png", "--model=model", "--tile=32", "--overlap=0", "--save_probabilities")
    assert "runs in 6 overlapping tiles" in result.stderr
    assert "--tile=off shrinks it." in result.stderr
    np.testing.assert_array_equal(Image.open(tmp_path / "masks" / "3_mask.png"), ids[3])
    for flag, message in (
        ("--tile=on", "tile=on: expected auto, off, or the side of tiles in pixels."),
        ("--tile=600", "tile is 600; expected 16 to 64 pixels"),
        ("--overlap=1", "--overlap"),
    ):
        result = infer("in/3.png", "--model=model", flag)
        assert result.returncode in (1, 2)
        assert message in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("is_installed", [False, True])
def test_georeferenced_images(tmp_path, infer, is_installed):
    if is_installed:
        pytest.importorskip("rasterio")
    elif importlib.util.find_spec("rasterio"):
        pytest.skip("rasterio is installed")
    toy_export.write(tmp_path / "model")
    image = toy_export.image(20, 30)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags.tagtype.update({33550: 12, 33922: 12, 34735: 3})
    tags[33550] = (0.5, 0.5, 0.0)
    tags[33922] = (0.0, 0.0, 0.0, 400_000.0, 5_900_000.0, 0.0)
    tags[34735] = (1, 1, 0, 2, 1024, 0, 1, 1, 3072, 0, 1, 32633)  # UTM zone 33 north.
    Image.fromarray(image).save(tmp_path / "x.tif", tiffinfo=tags)
    Image.fromarray(image).save(tmp_path / "y.tif")
    result = infer("x.tif", "y.tif", "--model=model")
    assert result.returncode == 0
    if is_installed:
        assert result.stderr == ""
        names = ["x_mask.tif", "x_overlay.jpg", "y_mask.png", "y_overlay.jpg"]
    else:
        assert result.stderr == (
            "note: x.tif is georeferenced, and its mask will not be: make setup-geo installs what "
            "that needs.\n"
        )
        names = ["x_mask.png", "x_overlay.jpg", "y_mask.png", "y_overlay.jpg"]
    assert files(tmp_path / "masks") == names
    mask = Image.open(tmp_path / "masks" / names[0])
    np.testing.assert_array_equal(mask, image.argmax(axis=2))


def test_the_limit_on_pixels_is_memory_not_a_number(tmp_path, infer):
    """190 million pixels are not too many by themselves, and the others go on."""
    toy_export.write(tmp_path / "model")
    save(tmp_path / "x.png", 1)
    Image.new("1", (20_000, 9_500)).save(tmp_path / "scan.png")
    result = infer("scan.png", "x.png", "--model=model", "--memory_limit_mb=1500")
    assert result.returncode == 1
    assert "scan.png: 9500x20000 pixels (height x width) take about 1631 MB" in result.stderr
    assert "Allow " in result.stderr
    assert "--memory_limit_mb" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "1 of 2 images" in result.stdout
    assert files(tmp_path / "masks") == ["x_mask.png", "x_overlay.jpg"]


def test_nothing_is_said_of_masks_where_there_are_none(tmp_path, infer):
    toy_export.write(tmp_path / "model")
    (tmp_path / "broken.png").write_bytes(b"x")
    result = infer("broken.png", "--model=model")
    assert result.returncode == 1
    assert result.stdout == "0 of 1 images\n"
    assert files(tmp_path / "masks") == []


def test_odd_names_reach_neither_the_terminal_nor_the_end_of_the_run(tmp_path, infer):
    toy_export.write(
        tmp_path / "model", metadata={"class_names": ["a\x1b[31m", "gr\u00fcn\nrot", "道路"]}
    )
    folder = tmp_path / "in"
    names = ["x" * 246 + ".png", "a\nb\x1b[2J.png", "[1]*.png", "ü.png"]
    for number, name in enumerate(names):
        save(folder / name, number)
    os.rename(folder / "ü.png", os.fsencode(folder) + b"/\xff\xfe.png")
    (folder / "bro\rken.png").write_bytes(b"x")
    (folder / "p\thone.heic").write_bytes(b"x")
    result = infer("in", "in/[1]*.png", "--model=model")
    assert result.returncode == 1
    for line in (result.stdout + result.stderr).splitlines():
        assert line.isprintable()
    assert "4 of 5 images" in result.stdout
    assert "a\\x1b[31m" in result.stdout
    assert "道路 " in result.stdout
    assert result.stderr.splitlines() == [
        "note: folder in: cannot read p\\thone.heic (a HEIC file, as phones take them). Convert "
        "what you need to JPEG or PNG.",
        "error: in/bro\\rken.png: not an image file that can be read.",
    ]
    masks = {name for name in os.listdir(tmp_path / "masks") if name.endswith("_mask.png")}
    assert {"a\nb\x1b[2J_mask.png", "[1]*_mask.png", "\udcff\udcfe_mask.png"} < masks
    assert len(masks) == 4


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(tmp_path):
    toy_export.write(tmp_path / "model")
    for number in range(6):
        noise = np.random.RandomState(number).randint(0, 256, [40, 60, 3], np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
    program = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
sys.argv = ["infer.py", *(f"{n}.png" for n in range(6)), "--model=model"]
runpy.run_path(sys.path[0] + "/infer.py", run_name="__main__")
"""
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(command_runs.ROOT)!r})\n{program}",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: masks/")
    assert line.endswith("_overlay.jpg cannot be written: File too large")
    for name in files(tmp_path / "masks"):
        assert name.endswith("_mask.png")
        Image.open(tmp_path / "masks" / name).load()


def test_what_a_killed_run_left_is_gone_after_the_next(tmp_path, infer):
    toy_export.write(tmp_path / "model")
    save(tmp_path / "x.png", 1)
    (tmp_path / "masks").mkdir()
    left = tmp_path / "masks" / "x_overlay.jpg.4194000.tmp"
    left.write_bytes(b"half")
    assert infer("x.png", "--model=model").returncode == 0
    assert files(tmp_path / "masks") == ["x_mask.png", "x_overlay.jpg"]


def test_home_in_arguments_and_flags(tmp_path, infer):
    toy_export.write(tmp_path / "model")
    save(tmp_path / "x.png", 1)
    result = infer(
        "~/x.png", "--model=~/model", "--output=~/out", environment={"HOME": str(tmp_path)}
    )
    assert result.returncode == 0, result.stderr
    assert files(tmp_path / "out") == ["x_mask.png", "x_overlay.jpg"]


@pytest.mark.slow
def test_memory_stays_below_its_limit(tmp_path):
    """Images of 36 million pixels in tiles, of which two fit into the limit at once."""
    toy_export.write(tmp_path / "model", metadata={"crop_size": [513, 513]})
    save(tmp_path / "small.png", 1)
    smooth = Image.fromarray(toy_export.image(12, 12)).resize((6000, 6000), Image.BICUBIC)
    for number, how in enumerate([{}, {"progressive": True}, {}, {}]):
        smooth.save(tmp_path / f"{number}.jpg", **how)
    smooth.save(tmp_path / "4.webp", method=0)
    del smooth
    program = f"""
import re, runpy, sys
sys.argv = ["infer.py", *{[str(tmp_path)]!r}, "--model={tmp_path}/model", "--output={tmp_path}/out",
            "--memory_limit_mb=2000", "--batch_size=8", "--overlap=0"]
try:
    runpy.run_path("infer.py", run_name="__main__")
finally:
    print("peak", re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=command_runs.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "6 of 6 images" in result.stdout, result.stderr
    peak = int(result.stdout.split("peak ")[1])
    assert peak < 2000 * 1024
