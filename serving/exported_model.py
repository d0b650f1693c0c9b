"""What the models of all tasks have in common: an export in an engine of its own."""

import abc
import os
from collections.abc import Sequence
from typing import ClassVar, TypeVar

from serving import contract, engines, export_file, forks, image_search
from serving.export_file import Export

_Model = TypeVar("_Model", bound="ExportedModel")


class ExportedModel(abc.ABC):
    """An exported network in an engine of its own; a class of each task adds what it predicts.

    Images are Pillow images of any 8-bit mode, turned upright by their EXIF orientation; uint8
    arrays [height, width, 3], RGB, or gray [height, width], or RGBA [height, width, 4], whose alpha
    is dropped; paths of image files; or the bytes of one. Methods may be called from several
    threads, but not in a process that was forked after a model had been loaded.

    Attributes:
      path: file of the graph.
      class_names: name of each class id; "class 0" … when the graph carries no names.
      takes_batches: whether the graph takes several images of one size at once.
      engine_name: "tensorflow", "openvino", "litert" or "onnxruntime".
    """

    SIGNATURE: ClassVar[contract.Signature]
    class_names: tuple[str, ...]

    def __init__(
        self,
        path: str | os.PathLike,
        engine: str = engines.AUTO,
        *,
        precision: str = engines.FLOAT32,
        num_threads: int | None = None,
        try_engines: bool = True,
        warmup: Sequence[tuple[int, int]] = (),
        trust: bool = False,
    ):
        """Loads a model.

        Args:
          path: a `.pb`, a folder with one, or a published `.tar.gz`; see
            `export_file.read_export`.
          engine: one of `engines.NAMES`; "auto" for the fastest one that is
            installed and can run the model.
          precision: "float32", or "int8" where `export_model.py --quantize=int8` wrote it.
          num_threads: CPU threads; None for the engine's own choice, all cores.
          try_engines: whether "auto" tries the engines where there is a choice, which takes a
            second or two; otherwise it takes the one that starts soonest.
          warmup: (height, width) of images to come; an empty one of each runs now, so that the
            first real ones do not pay for set-up.
          trust: whether the graph may have operations that read and write files or run programs;
            for files whose origin you trust (`serving.graph_screening`).

        Raises:
          ValueError: the file is damaged, of another task or not to be trusted, or the engine is
            not installed or cannot run it.
          OSError: the file cannot be opened.
          ForkedProcessError: this process was forked from one that had loaded a model.
        """
        forks.check()
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(
                f"path is a {type(path).__name__}; expected the path of an exported model."
            )
        self._is_closed = False
        export = export_file.read_export(
            image_search.expand_home(os.fspath(path)), trust, self.SIGNATURE
        )
        forks.note_loading()
        self.path = export.path
        self.takes_batches = export.takes_batches
        # Before anything asks TensorFlow, which need not be there.
        engines.choose(export, engine, precision)
        trial_size = self._describe(export)
        self._engine = engines.create(
            export, engine, precision, num_threads, trial_size if try_engines else None
        )
        self.engine_name = self._engine.name
        for size in warmup:
            self.warm_up(size)

    @abc.abstractmethod
    def _describe(self, export: Export) -> tuple[int, int]:
        """Takes what is to be known of an export, `class_names` among it.

        Returns:
          (height, width) of an image on which engines are tried.
        """

    @abc.abstractmethod
    def warm_up(self, size: tuple[int, int] | None = None, batch_size: int = 1) -> None:
        """Runs empty images, so that the first real ones do not pay for TensorFlow's set-up.

        Args:
          size: (height, width) of the images to come; None for that of the network.
          batch_size: how many run together.
        """

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    def __enter__(self: _Model) -> _Model:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def __reduce__(self):
        raise TypeError(
            f"the model {self.path} cannot be sent to another process; load it there: "
            f"{type(self).__name__}(path)."
        )

    def close(self) -> None:
        """Frees the engine's memory; the model cannot be used afterwards."""
        was_closed, self._is_closed = self._is_closed, True
        if not was_closed and not forks.is_forked():
            self._engine.close()

    def _check_usable(self) -> None:
        if self._is_closed:
            raise ValueError(
                f"the model {self.path} was closed and cannot be used any more; load it again with "
                f"{type(self).__name__}(path)."
            )
        forks.check()
