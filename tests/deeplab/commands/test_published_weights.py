"""Published weights by name in every command of segmentation: one small archive, a server here."""

import dataclasses
import json
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from datasets.segmentation import specs
from datasets.segmentation.sources import voc2012
from deeplab import published_networks
from deeplab.commands import checkpoint_run, export_model, infer
from deeplab.commands.export_model_flags import ExportOptions
from deeplab.network import model
from deeplab.options import ModelOptions
from published import cache, catalogue
from reference import comparison
from serving.deeplab_model import DeepLabModel
from tests.support import command_calls, published_export, published_files, sessions, tiny_dataset
from training import checkpoints

NAME = "mobilenetv2_dm05_coco_voc_trainaug"
WEIGHTS = catalogue.CATALOGUE[NAME]
OPTIONS = ModelOptions(num_classes=21, model_variant="mobilenet_v2", depth_multiplier=0.5)
XCEPTION = catalogue.CATALOGUE["xception65_coco_voc_trainaug"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> bytes:
    """A checkpoint and a frozen graph as research/deeplab's, of the network that the name means."""
    folder = tmp_path_factory.mktemp("made")
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        model.multi_scale_logits({"image": tf.zeros([1, 33, 33, 3])}, OPTIONS)
        comparison.fill_variables(session)
        tf.train.Saver().save(session, str(folder / "model.ckpt-30000"), write_meta_graph=False)
    os.remove(folder / "checkpoint")
    published_export.write(folder / "frozen_inference_graph.pb", OPTIONS, (65, 65))
    return published_files.archive_of(folder, top="deeplabv3_mnv2_dm05")


@pytest.fixture
def server(archive, monkeypatch, tmp_path):
    """The server; the current folder, and the cache in it, are empty."""
    monkeypatch.chdir(tmp_path)
    with published_files.serving({WEIGHTS.file: archive}) as server:
        published_files.use_cache(monkeypatch, tmp_path / "cache", server.address)
        yield server


def test_a_frozen_graph_gives_a_mask_with_names_of_classes(server, tmp_path, capfd):
    Image.fromarray(np.random.RandomState(0).randint(0, 255, [40, 50, 3], np.uint8)).save("a.png")
    flags = command_calls.flags("infer", f"--model={NAME}", "--save_ids=npy")
    assert infer.main(flags, ["a.png"]) == 0
    ids = np.load("masks/a_ids.npy")
    graph = tmp_path / "cache" / NAME / "files" / "deeplabv3_mnv2_dm05"
    with DeepLabModel(str(graph)) as network:
        assert network.class_names == voc2012.CLASS_NAMES
        assert network.palette == voc2012.PALETTE
        np.testing.assert_array_equal(network.segment("a.png"), ids)
    assert "class " not in capfd.readouterr().out
    assert cache.verify(WEIGHTS) == []


def test_export_takes_the_network_from_the_catalogue(server, tmp_path):
    command_calls.call("export_model", f"--checkpoint_path={NAME}", "--crop_size=65,65")
    folder = tmp_path / "runs" / NAME / "export"
    content = json.loads((folder / "inference_graph.json").read_text())
    assert content["model"]["depth_multiplier"] == 0.5
    assert content["model"]["output_stride"] == 16
    assert content["class_names"] == list(voc2012.CLASS_NAMES)
    assert content["checkpoint"] == "model.ckpt-30000"
    image = np.random.RandomState(1).randint(0, 255, [65, 65, 3], np.uint8)
    published = tmp_path / "cache" / NAME / "files" / "deeplabv3_mnv2_dm05"
    with DeepLabModel(str(folder)) as ours, DeepLabModel(str(published)) as theirs:
        np.testing.assert_array_equal(ours.segment(image), theirs.segment(image))


def describe(weights, *arguments: str):
    prefix = os.path.join(cache.folder_of(weights), "files", "model.ckpt")
    flags = command_calls.flags("export_model", *arguments)
    return export_model.describe(flags, flags.options(ExportOptions), prefix)[0]


def test_flags_say_otherwise_than_the_catalogue(server):
    assert describe(XCEPTION).model.atrous_rates == (6, 12, 18)
    assert describe(XCEPTION, "--output_stride=8").model.atrous_rates == (12, 24, 36)
    changed = describe(XCEPTION, "--atrous_rates=2", "--noadd_image_level_feature").model
    assert (changed.atrous_rates, changed.add_image_level_feature) == ((2,), False)
    assert changed.decoder_output_stride == (4,)
    with pytest.raises(ValueError, match="--num_classes is 19, but the published network has 21"):
        describe(XCEPTION, "--num_classes=19")
    with pytest.raises(ValueError, match=r"published for pascal_voc_seg\. Omit the flag"):
        describe(XCEPTION, "--dataset=ade20k")


def test_images_of_ade20k_are_resized_and_crops_follow_the_dataset(server):
    ade = describe(catalogue.CATALOGUE["mobilenetv2_ade20k_train"])
    assert (ade.min_resize_value, ade.max_resize_value) == (257, 257)
    assert export_model.choose_crop_size(ExportOptions(), ade, is_published=True) == (257, 257)
    streets = describe(catalogue.CATALOGUE["xception65_cityscapes_trainfine"])
    assert export_model.choose_crop_size(ExportOptions(), streets, True) == (1025, 2049)
    assert streets.min_resize_value is None


@pytest.mark.parametrize(
    "name", [each.name for each in catalogue.CATALOGUE.values() if each.kind == "segmentation"]
)
def test_every_network_is_described(name):
    weights = catalogue.CATALOGUE[name]
    path = os.path.join(cache.folder_of(weights), "files")
    assert published_networks.weights_of(path) is weights
    published_networks.describe(weights).validate()


@pytest.mark.parametrize("command", ["eval", "vis", "report", "export_model"])
def test_an_encoder_is_refused_before_its_download(server, command):
    with pytest.raises(ValueError, match="xception_65_imagenet is no segmentation network but an"):
        command_calls.call(command, "--checkpoint_path=xception_65_imagenet")
    assert server.requests == []


def test_an_encoder_among_several_checkpoints_is_refused_before_any_download(server):
    with pytest.raises(ValueError, match="xception_65_imagenet is no segmentation network but an"):
        command_calls.call("eval", f"--checkpoint_path={NAME},xception_65_imagenet")
    assert server.requests == []


def test_what_is_no_whole_network_is_said_to_be_one_for_training():
    path = cache.folder_of(catalogue.CATALOGUE["xception_65_imagenet"])
    with pytest.raises(ValueError, match=r"encoder without a head.*--tf_initial_checkpoint=xcept"):
        published_networks.weights_of(path)
    assert published_networks.weights_of("runs/demo") is None


def dataset(tmp_path, **changes):
    """One image of 33x33 in data/tfrecords/voc2012."""
    folder = tmp_path / "data" / "tfrecords" / "voc2012"
    folder.mkdir(parents=True)
    spec = tiny_dataset.write(
        folder,
        [("a", *tiny_dataset.random_image(0, 33, 33))],
        split="val",
        num_classes=21,
        with_gradient=False,
    )
    classes = specs.published_classes("pascal_voc_seg")
    values = {"class_names": classes.names, "palette": classes.palette, **changes}
    spec = dataclasses.replace(spec, name="voc2012", **values)
    specs.write_spec(spec)
    return spec


def test_evaluation_finds_network_dataset_and_a_place_for_results(server, tmp_path):
    dataset(tmp_path)
    command_calls.call("eval", f"--checkpoint_path={NAME}", "--eval_crop_size=33,33")
    (path,) = (tmp_path / "runs" / NAME / "eval").glob("eval-*.json")
    results = json.loads(path.read_text())
    assert results["options"]["model"]["depth_multiplier"] == 0.5
    assert cache.verify(WEIGHTS) == []


def test_a_dataset_of_other_classes_is_refused(server, tmp_path):
    names = ("zebra", *voc2012.CLASS_NAMES[1:])
    dataset(tmp_path, class_names=names)
    flags = command_calls.flags("eval")
    folder = os.path.dirname(checkpoints.find_checkpoint(NAME))
    with pytest.raises(ValueError, match=rf"the catalogue of published weights \({NAME}\) says"):
        checkpoint_run.resolve(flags, folder, "val", None)
