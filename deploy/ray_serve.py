"""The service on Ray Serve: many replicas of the same application, on one machine or a cluster.

    pip install "ray[serve]" --requirement requirements/serving.lock
    SERVE_FLAGS="--model=runs/demo/export --engine=litert" serve run deploy.ray_serve:app

Every replica loads the models; SERVE_FLAGS, and SERVE_TOKEN for a token, are those of `serve.py`,
whose --host and --port Ray decides instead. The models have to be on every machine.
"""

import os

from ray import serve

from serving.commands.serve import application

# What this process was given; replicas may run on machines that know nothing of it.
_ENVIRONMENT = {
    name: os.environ[name] for name in ("SERVE_FLAGS", "SERVE_TOKEN") if name in os.environ
}


@serve.deployment(
    ray_actor_options={"num_cpus": 2, "runtime_env": {"env_vars": _ENVIRONMENT}},
    autoscaling_config={"min_replicas": 1, "max_replicas": 8, "target_ongoing_requests": 4},
    # A queue of Ray's own would hide from clients that there are too many of them.
    max_ongoing_requests=64,
    graceful_shutdown_timeout_s=40,
    health_check_period_s=10,
)
@serve.ingress(application)
class SegmentationService:
    """The application, whose routes are `serving.http`'s."""


app = SegmentationService.bind()  # type: ignore[attr-defined]
