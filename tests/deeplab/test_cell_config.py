"""Dense prediction cells as JSON: what they say, what they leave out, and what is wrong."""

import json

import pytest

from deeplab import cell_config
from deeplab.cell_config import Branch

CELL = [
    {"op": "conv", "input": -1, "kernel": 1},
    {"op": "conv", "input": 0, "kernel": [3, 5], "rate": [6, 12]},
    {"op": "pyramid_pooling", "input": 1, "grid_size": [2, 4]},
    {"op": "conv", "input": -1, "kernel": 3, "rate": 2},
]


def test_branches_have_what_the_file_says_and_one_for_the_rest(tmp_path):
    path = tmp_path / "cell.json"
    path.write_text(json.dumps(CELL))
    assert cell_config.parse(cell_config.read_json(str(path))) == [
        Branch("conv", -1),
        Branch("conv", 0, kernel=(3, 5), rate=(6, 12)),
        Branch("pyramid_pooling", 1, grid_size=(2, 4)),
        Branch("conv", -1, kernel=(3, 3), rate=(2, 2)),
    ]


@pytest.mark.parametrize(
    ("branch", "message"),
    [
        (7, "is 7; expected a mapping with 'op' and 'input'"),
        ({"op": "conv", "kernal": 1}, "has 'kernal'; expected grid_size, input, kernel, op, rate"),
        ({"op": "pool", "input": -1}, "has op 'pool'; expected 'conv' or 'pyramid_pooling'"),
        ({"op": "conv", "input": 1, "kernel": 1}, "has input 1; expected -1 for the encoder's"),
        ({"op": "conv", "input": -2, "kernel": 1}, "has input -2; expected -1"),
        ({"op": "conv", "input": False, "kernel": 1}, "has input False; expected -1"),
        ({"op": "conv", "input": 0}, "lacks 'kernel', which its operation needs"),
        ({"op": "conv", "input": 0, "kernel": 3}, "lacks 'rate', which its operation needs"),
        ({"op": "pyramid_pooling", "input": 0}, "lacks 'grid_size'"),
        ({"op": "conv", "input": 0, "kernel": 0}, "has kernel 0; expected one or two numbers"),
        ({"op": "conv", "input": 0, "kernel": [3, 3, 3]}, r"has kernel \[3, 3, 3\]; expected one"),
        ({"op": "conv", "input": 0, "kernel": True}, "has kernel True; expected one or two"),
        ({"op": "conv", "input": 0, "kernel": 3, "rate": 65537}, "has rate 65537; expected"),
    ],
)
def test_a_branch_that_cannot_be_is_named_with_its_value(branch, message):
    with pytest.raises(ValueError, match=f"^branch 1 of the dense prediction cell {message}"):
        cell_config.parse([CELL[0], branch])


@pytest.mark.parametrize("config", [[], {}, "conv"])
def test_a_cell_is_a_list_of_branches(config):
    with pytest.raises(ValueError, match="is a list of one or more branches"):
        cell_config.parse(config)


def test_a_file_that_holds_no_cell_is_named(tmp_path):
    path = tmp_path / "cell.json"
    for write, message in (
        (lambda: None, "No such file or directory."),
        (lambda: path.write_text("[1"), "is not valid JSON"),
        (lambda: path.write_text("[1]"), "branch 0 of the dense prediction cell is 1;"),
    ):
        write()
        with pytest.raises(ValueError, match=r"^dense_prediction_cell_json ") as caught:
            cell_config.read_json(str(path))
        assert str(path) in str(caught.value)
        assert message in str(caught.value)
