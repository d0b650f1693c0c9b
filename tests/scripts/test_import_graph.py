"""Frozen graphs into checkpoints: values one to one, options, and what is refused."""

import dataclasses
import pathlib
import subprocess
import tarfile

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from deeplab import inference_graph
from deeplab.options import ModelOptions
from deeplab.run_description import RunDescription, read_description
from export import freeze
from reference import comparison
from scripts.weight_import import importing
from scripts.weight_import.frozen_graph import FrozenGraph
from serving import contract
from serving.deeplab_model import DeepLabModel
from tests.support import command_runs, published_export
from training import checkpoints

CROP = (33, 49)
OPTIONS = ModelOptions(
    num_classes=21,
    model_variant="xception_tiny",
    atrous_rates=(2, 3),
    aspp_convs_filters=16,
    decoder_output_stride=(8, 4),
    decoder_filters=24,
)


def run_import(source: pathlib.Path, target: pathlib.Path, options: ModelOptions = OPTIONS) -> None:
    file = FrozenGraph(str(source))
    description = file.description or importing.describe_file(file, options, dataset=None)
    importing.import_file(file, description, [], str(target))


def check_values(target: pathlib.Path, num_variables: int | None = None) -> None:
    """Compares every variable with the reference weight of its name."""
    reader = checkpoints.Reader(checkpoints.find_checkpoint(str(target)))
    weights = reader.weights
    for name in weights:
        expected = comparison.weight(name, list(reader.shapes[name]))
        np.testing.assert_array_equal(reader.value(name), expected, err_msg=name)
    assert reader.value("global_step") == 0
    assert len(weights) == num_variables or num_variables is None


def count_variables(options: ModelOptions) -> int:
    with tf.Graph().as_default():
        published_export.build(options, CROP)
        return len(tf.global_variables())


@pytest.fixture(scope="module")
def graph(tmp_path_factory) -> pathlib.Path:
    """An export of 2018, which says nothing of itself."""
    path = tmp_path_factory.mktemp("google") / "frozen_inference_graph.pb"
    published_export.write(path, OPTIONS, CROP, year=2018)
    return path


@pytest.fixture(scope="module")
def imported(graph, tmp_path_factory) -> pathlib.Path:
    target = tmp_path_factory.mktemp("imported") / "out"
    run_import(graph, target)
    return target


def test_description_names_network_and_classes(imported):
    description = read_description(str(imported))
    assert description.model == OPTIONS
    assert description.train_crop_size == CROP
    assert description.dataset_name == "pascal_voc_seg"
    assert description.class_names[15] == "person"
    assert len(description.palette) == 21


def test_variables_are_copied(imported):
    check_values(imported, count_variables(OPTIONS))


def test_export_of_the_checkpoint_says_what_the_graph_says(imported, graph, tmp_path):
    export = tmp_path / "again.pb"
    arguments = (f"--checkpoint_path={imported}", f"--export_path={export}", "--crop_size=33,49")
    result = command_runs.run("export_model.py", *arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    image = np.random.RandomState(3).randint(0, 256, [30, 41, 3], np.uint8)
    labels = []
    for path in (export, graph):
        with DeepLabModel(str(path)) as served:
            labels.append(served.segment(image))
    np.testing.assert_array_equal(*labels)
    assert len(np.unique(labels)) > 1


def test_archive_with_several_scales(tmp_path, capsys):
    options = dataclasses.replace(OPTIONS, decoder_output_stride=(), decoder_filters=256)
    path = tmp_path / "frozen_inference_graph.pb"
    published_export.write(path, options, (65, 65), scales=(0.5, 1.0), add_flipped=True)
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        archive.add(path, "deeplab/frozen_inference_graph.pb")
    run_import(tmp_path / "model.tar.gz", tmp_path / "out", options)
    check_values(tmp_path / "out")
    description = read_description(str(tmp_path / "out"))
    assert description.model == options
    assert description.train_crop_size == (65, 65)
    assert "100.000% of the pixels" in capsys.readouterr().out


def test_own_export_keeps_its_description(tmp_path):
    options = dataclasses.replace(
        OPTIONS,
        num_classes=3,
        multi_grid=(1, 2, 4),
        decoder_output_stride=(4,),
        decoder_use_gradient=True,
    )
    description = RunDescription(
        model=options,
        dataset_name="shapes",
        class_names=("ground", "disc", "ring"),
        palette=((0, 0, 0), (9, 0, 0), (0, 9, 0)),
        ignore_label=7,
        train_crop_size=CROP,
    )
    with tf.Graph().as_default(), tf.Session() as session:
        inference_graph.build_inference_graph(options, crop_size=CROP)
        comparison.fill_variables(session)
        checkpoint = tf.train.Saver().save(session, str(tmp_path / "model.ckpt"))
    fields = dataclasses.asdict(description)
    freeze.freeze(
        lambda: inference_graph.build_inference_graph(options, crop_size=CROP),
        checkpoint,
        str(tmp_path / "frozen_inference_graph.pb"),
        input_name=contract.INPUT,
        output_names=contract.OUTPUTS,
        metadata={**fields, "crop_size": fields.pop("train_crop_size")},
        optimize=False,
    )
    run_import(tmp_path, tmp_path / "out")
    check_values(tmp_path / "out")
    assert read_description(str(tmp_path / "out")) == description


def edited(graph: pathlib.Path, path: pathlib.Path, rename: dict[str, str]) -> pathlib.Path:
    """Writes a graph in which parts of names are replaced."""
    graph_def = tf.GraphDef.FromString(graph.read_bytes())
    for node in graph_def.node:
        node.attr.pop("_class", None)  # Names of nodes, too, that no one needs any more.
        for old, new in rename.items():
            node.name = node.name.replace(old, new)
            for number, name in enumerate(node.input):
                node.input[number] = name.replace(old, new)
    path.write_bytes(graph_def.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        ({"BatchNorm/": "folded/"}, "holds no batch norm: a tool has folded it"),
        (
            {"xception_tiny/": "vgg_16/"},
            r"--model_variant is xception_tiny, but .* has no layer in .*vgg_16\.$",
        ),
        ({"aspp0/": "aspp_zero/"}, "aspp0/weights is missing in the file"),
    ],
)
def test_graph_with_other_layers_is_refused(graph, tmp_path, rename, message):
    path = edited(graph, tmp_path / "other.pb", rename)
    with pytest.raises(ValueError, match=message):
        run_import(path, tmp_path / "out")
    assert [each.name for each in tmp_path.iterdir()] == ["other.pb"]


def test_damaged_graph_is_refused(graph, tmp_path):
    path = tmp_path / "cut.pb"
    path.write_bytes(graph.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"cut\.pb is truncated or no"):
        run_import(path, tmp_path / "out")


def test_multi_grid_has_to_be_given(tmp_path):
    options = dataclasses.replace(OPTIONS, multi_grid=(1, 2, 1))
    path = tmp_path / "grid.pb"
    published_export.write(path, options, CROP)
    with pytest.raises(ValueError, match="conv2_depthwise has rate 4 in the file and 2 in the"):
        run_import(path, tmp_path / "out")


def test_command_takes_flags_and_images(graph, tmp_path):
    Image.new("RGB", (40, 30), (200, 10, 90)).save(tmp_path / "image.png")
    network = (
        *("--model_variant=xception_tiny", "--atrous_rates=2,3", "--aspp_convs_filters=16"),
        *("--decoder_output_stride=8,4", "--decoder_filters=24"),
    )
    images = f"--calibration_images={tmp_path / '*.png'}"
    assert command(graph, tmp_path / "out", *network, images, "--dataset=ade20k").stderr == (
        "error: --dataset is ade20k, which has 151 classes, but the file has 21. Omit the flag.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["image.png"]
    result = command(graph, tmp_path / "out", *network, images)
    assert result.returncode == 0, result.stderr
    assert read_description(str(tmp_path / "out")).model == OPTIONS
    assert "on each of 1 images" in result.stdout


def test_network_has_to_be_described(graph, tmp_path):
    result = command(graph, tmp_path / "out")
    assert result.returncode == 1
    assert "does not say which network it holds: describe it with --model_variant" in result.stderr


def command(*arguments) -> subprocess.CompletedProcess:
    script = "scripts/import_graph.py"
    return command_runs.run(script, *map(str, arguments), cwd=command_runs.ROOT)
