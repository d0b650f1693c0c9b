"""What there is of memory, and what graphs need of it."""

import pytest
import tensorflow.compat.v1 as tf

from common import graph_memory, memory

GB = 1 << 30


def write(folder, files: dict[str, object]) -> None:
    """Writes files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of 64 GB and 4 GB of swap, half of each free."""
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_OWN_GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
    kilobytes = {"MemTotal": 64, "MemFree": 1, "MemAvailable": 32, "SwapTotal": 4, "SwapFree": 2}
    lines = [f"{name}:       {value * GB // 1024} kB" for name, value in kilobytes.items()]
    (tmp_path / "meminfo").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_machine_without_groups(machine):
    assert memory.total_bytes() == 68 * GB
    assert memory.available_bytes() == 34 * GB
    assert memory.available_bytes(with_swap=False) == 32 * GB


def test_group_of_version_2_and_those_above_it_limit(machine):
    write(machine, {"cgroup": "0::/slice/job"})
    stat = f"anon 5\ninactive_file {GB}\nfile 7"
    for folder, limit, used in (("slice", 8 * GB, 3 * GB), ("slice/job", "max", 2 * GB)):
        write(
            machine / "groups" / folder,
            {"memory.max": limit, "memory.current": used, "memory.stat": stat},
        )

    assert memory.total_bytes() == 12 * GB
    assert memory.available_bytes() == 8 * GB  # 8 less 3, a cache of 1 not counted, swap of 2


def test_group_of_version_1_limits_inside_a_container(machine):
    """Where the path of the group is the one outside."""
    write(machine, {"cgroup": "9:cpu,cpuacct:/\n4:memory:/docker/0123"})
    write(
        machine / "groups" / "memory",
        {
            "memory.limit_in_bytes": 6 * GB,
            "memory.usage_in_bytes": 5 * GB,
            "memory.stat": "cache 1\ntotal_inactive_file 0",
        },
    )

    assert memory.total_bytes() == 10 * GB
    assert memory.available_bytes() == 3 * GB


def test_no_limit_is_none(machine):
    write(machine, {"cgroup": "4:memory:/"})
    write(machine / "groups" / "memory", {"memory.limit_in_bytes": 9223372036854771712})

    assert memory.total_bytes() == 68 * GB


def test_system_that_does_not_tell_refuses_nothing(machine):
    (machine / "meminfo").unlink()

    assert memory.total_bytes() is memory.available_bytes() is None
    memory.check(1 << 80, "x", "")


def test_check_refuses_beyond_the_total_only(machine):
    memory.check(68 * GB, "A batch", "")
    with pytest.raises(
        ValueError,
        match=r"^A batch needs 73\.0 GB of memory or more, and there are 73\.0 GB with swap, "
        r"36\.5 GB of it free now\. Take a smaller one\.$",
    ):
        memory.check(68 * GB + 1, "A batch", "Take a smaller one.")


def layer(batch: int = 8) -> tuple[tf.Tensor, tf.Tensor]:
    """Builds 8x4 inputs -> 8x300 sigmoids -> loss; returns loss and training op."""
    inputs = tf.random_normal([batch, 4])
    weights = tf.get_variable("weights", [4, 300])
    hidden = tf.sigmoid(tf.reshape(tf.matmul(inputs, weights), [batch, 300]))
    loss = tf.reduce_sum(hidden)
    gradient = tf.gradients(loss, weights)[0]
    with tf.control_dependencies([tf.assign_sub(weights, gradient)]):
        return loss, tf.identity(loss)


def test_held_are_what_the_backward_pass_needs_and_the_variables(machine):
    loss, train_op = layer()

    # The inputs, for the gradient of the weights; the sigmoids, for their own; the loss.
    assert graph_memory.held_bytes(loss, train_op) == 4 * (8 * 4 + 8 * 300 + 4 * 300 + 1)


def test_largest_operation_counts_what_it_reads_and_writes():
    images = tf.random_normal([1, 8, 8, 3])
    kernel = tf.get_variable("kernel", [1, 1, 3, 16])
    outputs = tf.nn.conv2d(images, kernel, 1, "SAME")

    assert graph_memory.largest_bytes([tf.reshape(outputs, [-1])[0]]) == 4 * (
        8 * 8 * 3 + 3 * 16 + 8 * 8 * 16
    )


def test_unknown_sizes_do_not_count():
    images = tf.placeholder(tf.float32, [None, 8])

    assert graph_memory.largest_bytes([tf.sigmoid(images)]) == 0
