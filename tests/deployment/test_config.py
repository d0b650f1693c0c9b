"""Where the parts of a training graph run: devices, shares of a batch, and what cannot be."""

import re

import pytest

from deployment.config import DeploymentConfig


def test_batch_that_the_clones_do_not_divide_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match=r"batch of 10 .* over 4 clones.*example 8 or 12"):
        DeploymentConfig(4).clone_batch_size(10)
    with pytest.raises(ValueError, match=r"batch of 2 .* over 4 clones.*example 4 or 8\."):
        DeploymentConfig(4).clone_batch_size(2)
    with pytest.raises(ValueError, match=r"batch of 0 .* over 1 clone; .* for example 1 or 2\."):
        DeploymentConfig(1).clone_batch_size(0)
    assert DeploymentConfig(4).clone_batch_size(12) == 3


@pytest.mark.parametrize(
    ("config", "num_gpus", "warning"),
    [
        (DeploymentConfig(4), 0, r"num_clones is 4, .* no GPU: .* the CPU.*clone_on_cpu says"),
        (DeploymentConfig(4), 1, r"num_clones is 4, .* 1 GPU: .* GPU 0"),
        (DeploymentConfig(4), 2, r"num_clones is 4, .* 2 GPUs: .* GPU 0\.\.1"),
    ],
)
def test_too_few_gpus_are_told(config, num_gpus, warning):
    assert re.search(warning, config.placement_warning(num_gpus))


def test_enough_gpus_one_clone_or_intended_cpu_need_no_warning():
    assert DeploymentConfig(4).placement_warning(4) is None
    assert DeploymentConfig(1).placement_warning(0) is None
    assert DeploymentConfig(4, clone_on_cpu=True).placement_warning(0) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_clones": 0}, "num_clones is 0; expected 1 or more"),
        (
            {"num_replicas": 2, "num_ps_tasks": 1, "replica_id": 2},
            r"replica_id is 2; expected 0\.\.1",
        ),
        ({"num_replicas": 2}, "num_replicas is 2 and num_ps_tasks is 0"),
    ],
)
def test_impossible_deployments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        DeploymentConfig(**arguments)


def test_devices_of_one_clone_of_several_and_of_a_worker():
    def devices(**options) -> tuple[str, str, str, str]:
        config = DeploymentConfig(**options)
        last = config.num_clones - 1
        return (
            config.clone_scope(last),
            config.clone_device(last),
            config.inputs_device(),
            config.optimizer_device(),
        )

    assert devices() == ("", "", "/device:CPU:0", "")
    assert devices(num_clones=2) == ("clone_1", "/device:GPU:1", "/device:CPU:0", "/device:CPU:0")
    assert devices(num_clones=2, clone_on_cpu=True)[1] == "/device:CPU:0"
    worker = "/job:worker/task:1"
    cluster = {"replica_id": 1, "num_replicas": 2, "num_ps_tasks": 1}
    assert devices(**cluster) == ("", worker, f"{worker}/device:CPU:0", worker)
    assert devices(num_clones=3, **cluster) == (
        "clone_2",
        f"{worker}/device:GPU:2",
        f"{worker}/device:CPU:0",
        f"{worker}/device:CPU:0",
    )


def test_the_first_worker_is_the_chief_and_servers_make_a_cluster():
    alone, chief = DeploymentConfig(), DeploymentConfig(num_replicas=2, num_ps_tasks=1)
    other = DeploymentConfig(replica_id=1, num_replicas=2, num_ps_tasks=1)
    assert [each.is_chief for each in (alone, chief, other)] == [True, True, False]
    assert [each.is_distributed for each in (alone, chief, other)] == [False, True, True]
