"""`options.json` that people have edited and disks have damaged."""

import copy
import json

import pytest

from deeplab import run_description
from deeplab.options import ModelOptions
from deeplab.run_description import RunDescription

DESCRIPTION = RunDescription(
    model=ModelOptions(num_classes=3, atrous_rates=(6, 12), decoder_output_stride=(4,)),
    dataset_name="tiny",
    class_names=("a", "b", "c"),
    palette=((0, 0, 0), (1, 2, 3), (255, 255, 255)),
    ignore_label=255,
    train_crop_size=(33, 49),
)
ODD_VALUES = ["21", None, True, -1, 10**17, 10**30, 1.5, [], [["a"]], {"a": 1}, float("nan")]


def _places(value, place=()):
    """Yields the keys and indices that lead to each value of a JSON object."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*place, key)
        if isinstance(item, dict | list):
            yield from _places(item, (*place, key))


def _mutations(text: str):
    """Yields some 700 contents: each value replaced or removed, and the text cut or overwritten."""
    content = json.loads(text)
    for place in _places(content):
        for value in [*ODD_VALUES, "removed"]:
            changed = copy.deepcopy(content)
            parent = changed
            for key in place[:-1]:
                parent = parent[key]
            if value == "removed":
                del parent[place[-1]]
            else:
                parent[place[-1]] = value
            yield json.dumps(changed).encode()
    data = text.encode()
    for index in range(0, len(data), 17):
        yield data[:index]
        yield data[:index] + b"\xff" + data[index + 1 :]
        yield data[:index] + b"{" + data[index + 1 :]


def test_any_damage_is_one_line_that_names_the_file(tmp_path):
    path = run_description.write_description(DESCRIPTION, str(tmp_path))
    with open(path, encoding="utf-8") as file:
        text = file.read()
    num_refused = num_read = 0
    for data in _mutations(text):
        with open(path, "wb") as file:
            file.write(data)
        try:
            description = run_description.read_description(str(tmp_path))
        except ValueError as error:
            message = str(error)
            assert message.startswith(path), message
            assert message.isprintable()
            assert len(message) < 800
            num_refused += 1
        else:
            # What passes is whole: it can be written, and is the same when it is read again.
            description.validate()
            run_description.write_description(description, str(tmp_path))
            assert run_description.read_description(str(tmp_path)) == description
            num_read += 1
    assert num_refused > 600
    assert 20 < num_read < 100, "defaults may be left out, and other values are good, too"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_classes": "3"}, "'model.num_classes' is '3'; expected a whole number."),
        ({"num_classes": 10**9}, "num_classes is 1000000000; expected at most 65536."),
        ({"num_classes": 4}, "class_names has 3 items; expected one for each of the 4 classes"),
        ({"model_variant": "resnet"}, "model_variant is 'resnet'; expected one of "),
        ({"image_pooling_crop_size": [0, 3]}, "image_pooling_crop_size is (0, 3); expected"),
        ({"divisible_by": 0}, "divisible_by is 0; expected 1 or more."),
        (
            {"atrous_rates": 6},
            "'model.atrous_rates' is 6; expected a list of whole numbers or null",
        ),
    ],
)
def test_an_option_that_cannot_be_is_named_with_its_value(tmp_path, change, message):
    path = run_description.write_description(DESCRIPTION, str(tmp_path))
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    content["model"].update(change)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file)
    with pytest.raises(ValueError, match=r"options\.json") as raised:
        run_description.read_description(str(tmp_path))
    assert message in str(raised.value)


def test_a_description_without_what_has_a_default_is_read(tmp_path):
    content = {
        "format_version": 1,
        "model": {"num_classes": 3, "depth_multiplier": 1},
        "dataset_name": "",
        "class_names": [],
        "palette": [],
        "ignore_label": 255,
        "train_crop_size": [33, 33],
    }
    (tmp_path / "options.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(content).encode())
    assert run_description.read_description(str(tmp_path)) == RunDescription(
        model=ModelOptions(num_classes=3),
        dataset_name="",
        class_names=(),
        palette=(),
        ignore_label=255,
        train_crop_size=(33, 33),
    )
