"""Freezing, with a network of two variables: values, metadata, and checkpoints that do not fit."""

import json
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common import export_names
from export import freeze


def build(channels: int = 2, device: str = "") -> None:
    with tf.device(device):
        inputs = tf.placeholder(tf.float32, [None, 3], name="input")
        weights = tf.get_variable("layer/weights", [3, channels], use_resource=False)
        biases = tf.get_variable("layer/biases", [channels], use_resource=False)
        dropped = tf.identity(inputs @ weights, "dropout/Identity")
        tf.identity(dropped + biases, "output")


def save(folder, extra: tuple[str, ...] = (), skip: tuple[str, ...] = ()) -> str:
    """Saves a checkpoint of `build` with further variables and without some."""
    folder.mkdir(exist_ok=True)
    with tf.Graph().as_default(), tf.Session() as session:
        build()
        tf.get_variable("global_step", [], tf.int64, initializer=tf.zeros_initializer())
        for name in extra:
            tf.get_variable(name, [3, 2])
        session.run(tf.global_variables_initializer())
        kept = [v for v in tf.global_variables() if v.op.name not in skip]
        return tf.train.Saver(kept).save(session, str(folder / "model.ckpt"))


def run_freeze(checkpoint, path, build_graph=build, metadata=None, saved_names=None) -> None:
    freeze.freeze(
        build_graph,
        str(checkpoint),
        str(path),
        input_name="input",
        output_names=["output"],
        metadata=metadata or {},
        saved_names=saved_names,
    )


def read(path) -> tf.GraphDef:
    return tf.GraphDef.FromString(path.read_bytes())


def test_frozen_graph_computes_with_the_checkpoints_values(tmp_path):
    checkpoint = save(tmp_path)
    path = tmp_path / "new" / "frozen.pb"
    run_freeze(checkpoint, path, lambda: build(device="/device:GPU:3"))
    reader = tf.train.load_checkpoint(checkpoint)
    inputs = np.random.RandomState(0).rand(4, 3).astype(np.float32)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(read(path), name="")
        with tf.Session() as session:
            outputs = session.run("output:0", {"input:0": inputs})
    assert not any(operation.type.startswith("Var") for operation in graph.get_operations())
    expected = inputs @ reader.get_tensor("layer/weights") + reader.get_tensor("layer/biases")
    # Products of numbers up to 1, which may add up to nearly nothing, are rounded as such.
    np.testing.assert_allclose(outputs, expected, atol=1e-6)


def test_nothing_but_inference_stays(tmp_path):
    run_freeze(save(tmp_path), tmp_path / "frozen.pb", lambda: build(device="/device:GPU:3"))
    frozen = read(tmp_path / "frozen.pb")
    assert {node.name for node in frozen.node if node.op != "Const"} == {
        "input",
        "matmul",
        "add",
        "output",
    }
    assert all(node.device == "" for node in frozen.node)
    assert frozen.versions.producer == tf.version.GRAPH_DEF_VERSION


def test_metadata_are_in_the_graph_and_beside_it(tmp_path):
    metadata = {"class_names": ["sky", "Bäume"], "crop_size": [33, 65]}
    checkpoint = save(tmp_path)
    run_freeze(checkpoint, tmp_path / "frozen.pb", metadata=metadata)
    inside = next(node for node in read(tmp_path / "frozen.pb").node if node.name == "input")
    described = json.loads(inside.attr[export_names.METADATA_ATTRIBUTE].s)
    assert json.loads((tmp_path / "frozen.json").read_text(encoding="utf-8")) == described
    fingerprint = described.pop("fingerprint")
    assert described == metadata
    run_freeze(checkpoint, tmp_path / "again.pb")
    assert json.loads((tmp_path / "again.json").read_text())["fingerprint"] == fingerprint
    run_freeze(save(tmp_path / "other weights"), tmp_path / "other.pb")
    assert json.loads((tmp_path / "other.json").read_text())["fingerprint"] != fingerprint


def test_optimizer_variables_do_not_matter(tmp_path):
    extra = (
        "layer/weights/Momentum",
        "layer/biases/Adam_1",
        "layer/weights/ExponentialMovingAverage",
    )
    run_freeze(save(tmp_path, extra=extra), tmp_path / "frozen.pb")
    assert (tmp_path / "frozen.pb").exists()


def test_values_saved_under_other_names_are_frozen(tmp_path):
    """The moving average of the weights; the biases have none."""
    checkpoint = save(tmp_path, extra=("layer/weights/ExponentialMovingAverage",))
    names = {"layer/weights": "layer/weights/ExponentialMovingAverage"}
    run_freeze(checkpoint, tmp_path / "frozen.pb", saved_names=names)
    reader = tf.train.load_checkpoint(checkpoint)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(read(tmp_path / "frozen.pb"), name="")
        outputs = session.run("output:0", {"input:0": np.eye(3)})
    expected = reader.get_tensor(names["layer/weights"]) + reader.get_tensor("layer/biases")
    np.testing.assert_allclose(outputs, expected, rtol=1e-6)
    with pytest.raises(ValueError, match=r"layer/weights is \[3, 2\] .* \[3, 5\] in the net"):
        run_freeze(checkpoint, tmp_path / "x.pb", lambda: build(5), saved_names=names)


@pytest.mark.parametrize(
    ("channels", "extra", "skip", "message"),
    [
        (5, (), (), r"layer/weights is \[3, 2\] in the checkpoint and \[3, 5\] in the network"),
        (2, (), ("layer/biases",), "missing from the checkpoint: layer/biases"),
        (2, ("decoder/weights",), (), "unknown to the network: decoder/weights"),
    ],
)
def test_checkpoint_of_another_network_is_refused(tmp_path, channels, extra, skip, message):
    checkpoint = save(tmp_path / "checkpoint", extra, skip)
    path = tmp_path / "export" / "frozen.pb"
    with pytest.raises(ValueError, match=message):
        run_freeze(checkpoint, path, lambda: build(channels))
    assert not path.parent.exists()


def test_missing_and_damaged_checkpoints_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere/model\.ckpt does not exist"):
        run_freeze(tmp_path / "nowhere" / "model.ckpt", tmp_path / "frozen.pb")
    checkpoint = save(tmp_path)
    for ending in (".data-00000-of-00001", ".index"):
        with open(checkpoint + ending, "rb+") as file:
            file.truncate(os.path.getsize(checkpoint + ending) // 2)
        with pytest.raises(ValueError, match=r"model\.ckpt is damaged: "):
            run_freeze(checkpoint, tmp_path / "frozen.pb")
    assert not (tmp_path / "frozen.pb").exists()


def test_a_failed_write_keeps_the_old_export(tmp_path, monkeypatch):
    checkpoint = save(tmp_path / "checkpoint")
    path = tmp_path / "export" / "frozen.pb"
    run_freeze(checkpoint, path, metadata={"number": 1})
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        run_freeze(checkpoint, path, metadata={"number": 2})
    assert path.read_bytes() == before
    assert sorted(os.listdir(path.parent)) == ["frozen.json", "frozen.pb"]


def test_export_path_is_a_pb(tmp_path):
    with pytest.raises(ValueError, match=r"expected the name of a \.pb file"):
        run_freeze(save(tmp_path), tmp_path / "folder")


def test_the_description_has_a_name_of_its_own(tmp_path):
    path = tmp_path / "export" / "frozen_inference_graph.pb"
    run_freeze(save(tmp_path), path, metadata={"number": 1})
    names = sorted(os.listdir(path.parent))
    assert names == ["frozen_inference_graph.pb", "inference_graph.json"]
    assert json.loads((path.parent / "inference_graph.json").read_text())["number"] == 1


def test_what_was_made_of_another_graph_goes_with_it(tmp_path):
    checkpoint = save(tmp_path)
    path = tmp_path / "export" / "frozen_inference_graph.pb"
    run_freeze(checkpoint, path, metadata={"number": 1})
    made = ["inference_graph.tflite", "frozen_inference_graph_int8.xml", "inference_graph_int8.bin"]
    for name in [*made, "frozen_inference_graph.json", "notes.txt", "other_int8.xml"]:
        (path.parent / name).write_text("of the first")
    assert freeze_again(checkpoint, path, 1) == []  # The same graph: its forms stay.
    assert (path.parent / made[0]).exists()
    assert not (path.parent / "frozen_inference_graph.json").exists()
    removed = freeze_again(checkpoint, path, 2)
    assert sorted(map(os.path.basename, removed)) == sorted(made)
    assert sorted(os.listdir(path.parent)) == [
        *("frozen_inference_graph.pb", "inference_graph.json", "notes.txt", "other_int8.xml"),
    ]


def freeze_again(checkpoint, path, number: int) -> list[str]:
    return freeze.freeze(
        build,
        checkpoint,
        str(path),
        input_name="input",
        output_names=["output"],
        metadata={"number": number},
    )


def test_a_graph_and_its_description_never_disagree(tmp_path, monkeypatch):
    """After each step of an export that replaces another one, killed there."""
    checkpoint = save(tmp_path)
    path = tmp_path / "export" / "frozen.pb"
    described = tmp_path / "export" / "frozen.json"
    steps = 0
    seen = set()

    def states() -> tuple[int, int | None]:
        graph = next(node for node in read(path).node if node.name == "input")
        inside = json.loads(graph.attr[export_names.METADATA_ATTRIBUTE].s)["number"]
        beside = json.loads(described.read_text())["number"] if described.exists() else None
        return inside, beside

    original = os.replace

    def replace(source, target):
        nonlocal steps
        steps += 1
        original(source, target)
        if os.path.exists(path):
            seen.add(states())

    run_freeze(checkpoint, path, metadata={"number": 1})
    monkeypatch.setattr(os, "replace", replace)
    run_freeze(checkpoint, path, metadata={"number": 2})
    assert steps == 3  # The old description aside, the graph, the new description.
    assert seen == {(1, None), (2, None), (2, 2)}


@pytest.mark.parametrize("step", [1, 2, 3])
def test_an_export_that_fails_at_any_step_keeps_the_one_before(tmp_path, monkeypatch, step):
    checkpoint = save(tmp_path)
    path = tmp_path / "export" / "frozen.pb"
    run_freeze(checkpoint, path, metadata={"number": 1})
    (tmp_path / "export" / "frozen.tflite").write_text("of the first")
    before = {name: (path.parent / name).read_bytes() for name in os.listdir(path.parent)}
    calls = 0
    original = os.replace

    def replace(source, target):
        nonlocal calls
        calls += 1
        if calls == step:
            raise OSError(28, "No space left on device")
        original(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match=r"frozen\.\w+ cannot be written: No space left on device"):
        run_freeze(checkpoint, path, metadata={"number": 2})
    after = {name: (path.parent / name).read_bytes() for name in os.listdir(path.parent)}
    assert after == before


def test_leftovers_of_killed_exports_are_removed(tmp_path):
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    folder = tmp_path / "export"
    folder.mkdir()
    gone = [f"frozen.pb.{pid}.tmp", f"frozen.json.{pid}.tmp", f"frozen_int8.tflite.{pid}.tmp"]
    kept = [f"theirs.pb.{pid}.tmp", f"frozen.pb.{os.getppid()}.tmp", "frozen.pb.tmp"]
    for name in [*gone, *kept]:
        (folder / name).touch()
    run_freeze(save(tmp_path), folder / "frozen.pb")
    assert sorted(os.listdir(folder)) == sorted(["frozen.pb", "frozen.json", *kept])


def test_a_name_that_would_mix_up_two_exports_is_refused(tmp_path):
    checkpoint = save(tmp_path)
    run_freeze(checkpoint, tmp_path / "frozen_inference_graph.pb")
    with pytest.raises(ValueError, match="would have the same names"):
        run_freeze(checkpoint, tmp_path / "inference_graph.pb")


@pytest.mark.parametrize("name", ["cars [v2]", "what?", "a * b", "[", "back\\slash"])
def test_folders_with_characters_of_patterns(tmp_path, name):
    save(tmp_path / "plain")
    (tmp_path / "plain").rename(tmp_path / name)
    # A folder that the name, as a pattern, would mean.
    for other in ("cars v", "whatx", "a  b"):
        (tmp_path / other).mkdir()
    path = tmp_path / name / "export" / "frozen.pb"
    run_freeze(tmp_path / name / "model.ckpt", path)
    expected = tmp_path / "expected.pb"
    run_freeze(save(tmp_path / "again"), expected)
    assert [node.name for node in read(path).node] == [node.name for node in read(expected).node]
    with pytest.raises(ValueError, match=r"missing\.index"):
        run_freeze(tmp_path / name / "missing", path)
