"""Ways to make an image better, step by step."""

import dataclasses
import importlib.util
from collections.abc import Callable

import numpy as np

from style_transfer.objective import Evaluation

# Returns the losses of an image and their gradient.
Evaluate = Callable[[np.ndarray], Evaluation]
# Is told of each image that was evaluated, and whether to go on.
Report = Callable[[np.ndarray, Evaluation], bool]

_RANGE = (0.0, 255.0)


@dataclasses.dataclass
class Adam:
    """Kingma & Ba, arXiv 1412.6980, as TensorFlow computes it; what has to be kept to go on.

    Attributes:
      learning_rate: in gray levels.
      keeps_range: whether pixels stay within 0..255.
      step: how many there were.
      mean, square: of the gradient, moving.
    """

    learning_rate: float
    keeps_range: bool
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    step: int = 0
    mean: np.ndarray | None = None
    square: np.ndarray | None = None

    def update(self, image: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Returns the image after one more step, float32."""
        if self.mean is None or self.square is None:
            self.mean, self.square = np.zeros_like(image), np.zeros_like(image)
        self.step += 1
        self.mean += np.float32(1 - self.beta1) * (gradient - self.mean)
        self.square += np.float32(1 - self.beta2) * (np.square(gradient) - self.square)
        correction = np.sqrt(1 - self.beta2**self.step) / (1 - self.beta1**self.step)
        rate = np.float32(self.learning_rate * correction)
        image = image - rate * self.mean / (np.sqrt(self.square) + np.float32(self.epsilon))
        return np.clip(image, *_RANGE) if self.keeps_range else image


def run_adam(
    adam: Adam, image: np.ndarray, evaluate: Evaluate, num_steps: int, report: Report
) -> None:
    """Runs Adam for some steps, or until it is told to end; reports the last image, too."""
    while True:
        evaluation = evaluate(image)
        goes_on = report(image, evaluation)
        if not goes_on or adam.step >= num_steps:
            return
        image = adam.update(image, evaluation.gradient)


def require_scipy() -> None:
    """Raises ValueError where SciPy is not installed."""
    if importlib.util.find_spec("scipy") is None:
        raise ValueError("L-BFGS needs SciPy: make setup-lbfgs installs it. Adam needs nothing.")


def run_lbfgs(
    image: np.ndarray, evaluate: Evaluate, num_steps: int, keeps_range: bool, report: Report
) -> None:
    """Runs SciPy's L-BFGS-B: each evaluation counts as a step.

    Raises:
      ValueError: see `require_scipy`.
    """
    require_scipy()
    from scipy import optimize

    class Ended(Exception):
        """Told to end."""

    steps, scale = 0, 1.0

    def loss_and_gradient(values: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal steps, scale
        if steps > num_steps:
            raise Ended
        current = values.reshape(image.shape).astype(np.float32)
        evaluation = evaluate(current)
        if not steps:  # SciPy begins with a step of the gradient: by a gray level in the mean.
            scale = 1.0 / max(float(np.mean(np.abs(evaluation.gradient))), 1e-30)
        steps += 1
        if not report(current, evaluation):
            raise Ended
        return scale * evaluation.total, scale * evaluation.gradient.astype(np.float64).ravel()

    try:
        optimize.minimize(
            loss_and_gradient,
            image.astype(np.float64).ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=optimize.Bounds(*_RANGE) if keeps_range else None,
            # How small its gradient is does not tell whether an image is finished.
            options={
                "maxiter": num_steps,
                "maxfun": 2 * num_steps,
                "maxcor": 10,
                "gtol": 0.0,
                "ftol": 0.0,
            },
        )
    except Ended:
        return
