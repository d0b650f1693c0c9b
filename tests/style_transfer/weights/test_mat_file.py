"""style_transfer.weights.mat_file: MATLAB files without MATLAB."""

import numpy as np
import pytest

from style_transfer.weights import mat_file
from tests.support import tiny_vgg

CONTENT = {
    "numbers": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "bytes": np.array([[1, 2, 3]], np.uint8),
    "deep": {"name": "conv1_1", "weights": [np.ones([2, 2]), "relu"], "empty": []},
    "text": "naïve",
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compresses", [False, True])
def test_what_was_written_is_read(tmp_path, order, compresses):
    path = tiny_vgg.save_mat(tmp_path / "a.mat", CONTENT, order, compresses)
    found = mat_file.read(path)
    assert {*found} == {*CONTENT}
    np.testing.assert_array_equal(found["numbers"], CONTENT["numbers"])
    assert found["numbers"].dtype.newbyteorder("=") == np.float32
    assert found["bytes"].tolist() == [[1, 2, 3]]
    assert found["deep"]["name"] == "conv1_1"
    assert found["deep"]["weights"][0].tolist() == [[1, 1], [1, 1]]
    assert found["deep"]["weights"][1] == "relu"
    assert found["deep"]["empty"] == []
    assert found["text"] == "naïve"


def test_other_and_damaged_files_are_named(tmp_path):
    path = tiny_vgg.save_mat(tmp_path / "a.mat", CONTENT, compresses=False)
    content = (tmp_path / "a.mat").read_bytes()
    for end in (len(content) - 9, 140, 200):
        (tmp_path / "b.mat").write_bytes(content[:end])
        with pytest.raises(ValueError, match=r"b\.mat is a MATLAB file that is cut off or damaged"):
            mat_file.read(str(tmp_path / "b.mat"))
    (tmp_path / "b.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(200))
    with pytest.raises(ValueError, match=r"b\.mat is a MATLAB file of version 7\.3; save it with"):
        mat_file.read(str(tmp_path / "b.mat"))
    (tmp_path / "b.mat").write_bytes(b"<html>")
    with pytest.raises(ValueError, match=r"b\.mat is not a MATLAB file"):
        mat_file.read(str(tmp_path / "b.mat"))
    with pytest.raises(FileNotFoundError):
        mat_file.read(path + "x")
