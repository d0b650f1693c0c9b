"""What is told of images, one line for each, whatever the task."""

import pytest
from PIL import Image

from commands import told_images
from commands.shared_options import ToldImagesOptions
from commands.told_images import Telling, Told

COLORS = ("red", "green", "blue")


class FakeModel:
    """Names the color of images; fails after so many batches."""

    def __init__(self, error: BaseException | None = None, num_good: int = 0):
        self.error, self.left = error, num_good
        self.batches: list[list[str]] = []

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def run(self, images) -> list[list[str]]:
        if self.error is not None and len(self.batches) == self.left:
            raise self.error
        self.batches.append([path for path, _ in images])
        pixels = [image.getpixel((0, 0)) for _, image in images]
        return [[COLORS[pixel.index(255)]] * (1 + pixel.index(255)) for pixel in pixels]


def telling(model: FakeModel) -> Telling:
    def as_text(told: list[Told]) -> str:
        return "".join(f"{each.path}={each.answer or each.error}\n" for each in told)

    return Telling(
        lambda num_images: model,
        lambda model, images: model.run(images),
        lambda answer: answer,
        {".txt": as_text},
        "looking",
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with an image of each color, and a broken one among them."""
    for index, color in enumerate(COLORS):
        pixel = tuple(255 if place == index else 0 for place in range(3))
        Image.new("RGB", (8, 8), pixel).save(tmp_path / f"{2 * index}_{color}.png")
    (tmp_path / "1_broken.jpg").write_bytes(b"\xff\xd8\xff\xe0no image")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_answers_are_told_in_order_and_broken_images_beside_them(folder, capsys):
    model = FakeModel()
    options = ToldImagesOptions(output="out.txt", batch_size=2)
    assert told_images.tell(["."], options, telling(model)) == 1
    captured = capsys.readouterr()
    names = ["./0_red.png", "./2_green.png", "./4_blue.png"]
    assert captured.out == (
        f"{names[0]}: red\n{names[1]}:\n  green\n  green\n{names[2]}:\n  blue\n  blue\n  blue\n"
        "out.txt\n"
    )
    assert captured.err.startswith("error: ./1_broken.jpg: ")
    assert model.batches == [names[:1], names[1:]]
    lines = (folder / "out.txt").read_text().splitlines()
    assert [line.split("=")[0] for line in lines] == sorted([*names, "./1_broken.jpg"])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no more memory")])
def test_what_is_known_when_the_end_comes_is_written(folder, capsys, error):
    options = ToldImagesOptions(output="out.txt", batch_size=2)
    with pytest.raises(type(error)):
        told_images.tell(["."], options, telling(FakeModel(error, num_good=1)))
    assert "out.txt: 2 of 4 images, those before the end came" in capsys.readouterr().err
    assert len((folder / "out.txt").read_text().splitlines()) == 2


def test_a_former_output_stays_when_nothing_is_known(folder):
    (folder / "out.txt").write_text("of yesterday")
    options = ToldImagesOptions(output="out.txt")
    with pytest.raises(KeyboardInterrupt):
        told_images.tell(["."], options, telling(FakeModel(KeyboardInterrupt())))
    assert (folder / "out.txt").read_text() == "of yesterday"


def test_what_cannot_be_done_is_said_before_the_model_is_loaded(folder):
    def must_not_load(num_images: int):
        raise AssertionError("the model was loaded")

    how = telling(FakeModel())
    how = Telling(must_not_load, how.answer, how.lines, how.formats, how.verb)
    for output, message in (
        ("out.png", r"expected the name of a \.txt file"),
        ("0_red.png/out.txt", "choose another --output"),
    ):
        with pytest.raises(ValueError, match=message):
            told_images.tell(["."], ToldImagesOptions(output=output), how)
    with pytest.raises(ValueError, match="which images"):
        told_images.tell([], ToldImagesOptions(), how)
    assert told_images.tell(["none.jpg"], ToldImagesOptions(), how) == 1
    with pytest.raises(
        ValueError, match=r"--sheet_dir=0_red\.png/x: .* choose another --sheet_dir"
    ):
        told_images.check_writable("sheet_dir", "0_red.png/x")
