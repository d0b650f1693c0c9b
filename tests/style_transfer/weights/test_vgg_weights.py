"""style_transfer.weights.vgg_weights: a VGG from the files that people have."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from style_transfer.weights import vgg_weights
from tests.support import tiny_vgg


def matconvnet_layers(form: str, variant: str) -> list[dict]:
    """Returns the layers of one of MatConvNet's forms."""
    found = []
    for name, (kernel, biases) in tiny_vgg.layers(variant).items():
        fields = {"weights": [kernel, biases[:, np.newaxis]], "name": name, "type": "conv"}
        if form == "first":
            fields = {"filters": kernel, "biases": biases[np.newaxis], "name": name}
        elif form == "new":
            fields = {"name": name, "type": "conv", "weights": fields["weights"]}
        found += [fields, {"name": name.replace("conv", "relu"), "type": "relu"}]
    return [*found, {"name": "fc6", "weights": [np.ones([2, 2]), np.ones([2, 1])]}]


def check(weights, variant: str) -> None:
    assert (weights.variant, weights.depths) == (variant, tiny_vgg.DEPTHS)
    expected = tiny_vgg.layers(variant)
    assert {*weights.layers} == {*expected}
    for name, pair in expected.items():
        for found, value in zip(weights.layers[name], pair, strict=True):
            np.testing.assert_array_equal(found, value)
            assert found.dtype == np.float32


@pytest.mark.parametrize("form", ["first", "old", "new"])
@pytest.mark.parametrize("variant", ["vgg_16", "vgg_19"])
def test_all_forms_of_matconvnet_are_read(tmp_path, form, variant):
    mean = np.broadcast_to(np.array([120.0, 110.0, 100.0]), (4, 4, 3)).copy()
    normalization = {"averageImage": mean[:1, :1] if form == "new" else mean}
    variables = {"layers": matconvnet_layers(form, variant), "normalization": normalization}
    if form == "new":
        variables["meta"] = {"normalization": variables.pop("normalization")}
    weights = vgg_weights.read(tiny_vgg.save_mat(tmp_path / "a.mat", variables))
    check(weights, variant)
    assert weights.mean_color == (120.0, 110.0, 100.0)


def test_npz_files_and_checkpoints_are_read(tmp_path):
    path = tiny_vgg.save_npz(tmp_path / "a.npz", "vgg_19")
    weights = vgg_weights.read(path)
    check(weights, "vgg_19")
    assert weights.mean_color == vgg_weights.MEAN_COLOR
    with tf.Graph().as_default(), tf.Session() as session:
        with np.load(path) as arrays:
            for name in arrays.files:
                tf.get_variable(name, initializer=arrays[name])
        tf.get_variable("vgg_19/fc8/weights", [3])
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(tmp_path / "run" / "model.ckpt"), 3)
    check(vgg_weights.read(str(tmp_path / "run")), "vgg_19")
    check(vgg_weights.read(str(tmp_path / "run" / "model.ckpt-3")), "vgg_19")


def test_a_file_that_ends_early_has_the_layers_before(tmp_path):
    kept = {
        name: value
        for name, value in np.load(tiny_vgg.save_npz(tmp_path / "a.npz")).items()
        if "conv5_3" not in name
    }
    np.savez(tmp_path / "b.npz", **kept)
    assert [*vgg_weights.read(str(tmp_path / "b.npz")).layers][-1] == "conv5_2"


def test_what_is_no_vgg_is_named(tmp_path):
    (tmp_path / "a.npz").write_text("text")
    with pytest.raises(ValueError, match=r"a\.npz is no \.npz file, or damaged"):
        vgg_weights.read(str(tmp_path / "a.npz"))
    np.savez(tmp_path / "a.npz", other=np.ones(3))
    with pytest.raises(ValueError, match=r"a\.npz has no layer conv1_1: it has no layer of a VGG"):
        vgg_weights.read(str(tmp_path / "a.npz"))
    wrong = {"vgg_16/conv2/conv2_1/weights": np.ones([3, 3, 5, 6], np.float32)}
    path = tiny_vgg.save_npz(tmp_path / "a.npz", **wrong)
    with pytest.raises(ValueError, match=r"layer conv2_1 has weights 3x3x5x6 and .* 3x3x4xN"):
        vgg_weights.read(path)
    layers = [{"name": "conv1_1", "weights": [np.ones([3, 3, 3, 2]), np.ones([2, 1])]}]
    path = tiny_vgg.save_mat(tmp_path / "a.mat", {"layers": layers})
    with pytest.raises(ValueError, match=r"a\.mat has no normalization\.averageImage"):
        vgg_weights.read(path)
    with pytest.raises(FileNotFoundError):
        vgg_weights.read(str(tmp_path / "none.npz"))
    with pytest.raises(ValueError, match=r"none does not exist"):
        vgg_weights.read(str(tmp_path / "none"))


def test_the_reference_file_of_matconvnets_form_is_read(shared):
    path = shared / "conformance-siblings" / "vgg19_tiny.mat"
    if not path.is_file():
        pytest.skip("the reference outputs are not here")
    weights = vgg_weights.read(str(path))
    assert (weights.variant, weights.depths) == ("vgg_19", (4, 8, 12, 16, 16))
    assert weights.mean_color == pytest.approx(vgg_weights.MEAN_COLOR)
