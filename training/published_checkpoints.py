"""The checkpoints among published weights, by name or by their path in the cache."""

import os

from common import checkpoint_files, files, one_file_checkpoint
from common.texts import printable
from published import cache, catalogue
from published.catalogue import Weights

# Folder, beside what was unpacked, of a checkpoint of one file in today's form.
_CONVERTED = "converted"
_PREFIX = "model.ckpt"


def named(text: str) -> Weights | None:
    """Returns the published weights that a user means by a name; None where a path is meant."""
    if os.path.lexists(text) or checkpoint_files.exists(checkpoint_files.prefix_of(text)):
        return None
    return catalogue.find(text)


def meant(text: str) -> Weights | None:
    """Returns the published weights that a name or a path in the cache means; None for others."""
    return named(text) or cache.weights_at(text)


def require_kind(text: str | None, kind: str | None, wanted: str) -> None:
    """Refuses (ValueError) a name of published weights of another kind, before it is downloaded.

    Args:
      text: what a user has named; None for nothing.
      kind: of `catalogue.KINDS`; None where no published weights are of the right kind.
      wanted: what that kind is called.
    """
    weights = named(text) if text else None
    if weights is not None and weights.kind != kind:
        raise ValueError(catalogue.explain_use(weights, wanted))


def find(weights: Weights) -> str:
    """Returns the prefix of the checkpoint of published weights, downloading them if needed.

    Raises:
      ValueError: they cannot be had, or hold no checkpoint that can be read.
      OSError: the cache cannot be written to.
    """
    if not weights.is_archive:
        raise ValueError(
            f"{weights.name} is MatConvNet's form of {weights.model_variant}, which is not read as "
            f"a checkpoint; {catalogue.checkpoint_like(weights).name} is one."
        )
    content = cache.ensure(weights)
    folders = [os.path.dirname(path) for path in cache.files_in(weights) if path.endswith(".index")]
    if folders:
        folder = min(folders, key=lambda each: (each.count(os.sep), each))
        prefix = checkpoint_files.latest(folder)
        assert prefix is not None, folder
        return prefix
    old = [path for path in cache.files_in(weights) if one_file_checkpoint.is_one(path)]
    if len(old) != 1:
        raise ValueError(
            f"{weights.name} holds no checkpoint in {printable(content)}: "
            f"{cache.describe_files(weights)}."
        )
    converted = os.path.join(cache.folder_of(weights), _CONVERTED)
    prefix = os.path.join(converted, _PREFIX)
    if not checkpoint_files.exists(prefix):
        with cache.writing(weights), files.replacing_folder(converted) as folder:
            one_file_checkpoint.convert(old[0], os.path.join(folder, _PREFIX))
    return prefix
