"""The folder of a training run, which one process writes into."""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator

from common import checkpoint_files, files, locks
from common.texts import printable
from training import command_log
from training.checkpoints import CHECKPOINT_NAME

_ADVICE = "Wait until it has ended or end it, or choose another train_logdir."


def check_writable(path: str) -> None:
    """Makes sure that a training run can write into its folder, which may be missing.

    Raises:
      OSError: it cannot; names the folder and what is wrong with it.
    """
    obstacle = files.find_obstacle(path)
    if obstacle is not None:
        raise OSError(
            f"train_logdir {printable(path)} cannot be written: {' '.join(obstacle)}. Choose "
            "another one."
        )


def suggest_another(path: str) -> str:
    """Returns a path beside that of a training run's folder where nothing is yet."""
    stem = path.rstrip(os.sep)
    paths = (f"{stem}_{number}" for number in itertools.count(2))
    return next(each for each in paths if not os.path.lexists(each))


class RunFolder:
    """Makes, locks and tidies the folder of a training run, and makes it again if it vanishes.

    Args:
      path: `train_logdir`.
      write_companion: see `task.Task.write_beside_checkpoints`; its file is watched, too.
      report: takes each line that a user should see.
    """

    def __init__(
        self,
        path: str,
        write_companion: Callable[[str], str | None],
        report: Callable[[str], None],
    ):
        self._path = path
        self._write_companion = write_companion
        self._report = report
        self._lock: contextlib.ExitStack | None = None
        self._lock_id: tuple[int, int] | None = None
        self._companion: str | None = None

    def lock(self) -> bool:
        """Keeps other training runs from the folder, if there is one; returns whether there is.

        Raises:
          FolderInUseError: another process has the lock; it is named.
          OSError: the folder cannot be written to.
        """
        if self._lock is not None or not os.path.lexists(self._path):
            return self._lock is not None
        if not os.path.isdir(self._path):
            raise NotADirectoryError(
                f"train_logdir {printable(self._path)} is not a folder. Choose another name."
            )
        lock = contextlib.ExitStack()
        had_training = self._find_lock_file() is not None
        with self._naming_errors():
            lock.enter_context(locks.sole_writer(self._path, "another training run", _ADVICE))
            self._lock = lock
            self._lock_id = self._find_lock_file()
            self._tidy(had_training)
        return True

    def open(self) -> None:
        """Makes and locks the folder, if that is still to be done, and notes what trains in it."""
        try:
            self._path.encode()
        except UnicodeEncodeError:
            raise ValueError(
                f"train_logdir {printable(self._path)} is not valid UTF-8, the only encoding in "
                "which TensorFlow writes files. Choose another name."
            ) from None
        if not os.path.lexists(self._path):
            with self._naming_errors():
                os.makedirs(self._path, exist_ok=True)
        self.lock()
        with contextlib.suppress(OSError):  # A disk that is full is told by what has to be written.
            command_log.append(self._path)
        self._companion = self._write_companion(self._path)

    def ensure(self) -> None:
        """Makes the folder and what belongs in it again if somebody has removed it."""
        if self._lock is None:
            return
        if self._lock_id != self._find_lock_file():
            if not os.path.isdir(self._path):
                self._report(
                    f"warning: {printable(self._path)} was removed or moved while the training run "
                    "writes into it; it is made again. Earlier checkpoints are no longer there."
                )
            self.close()
            self.open()
        elif self._companion is not None and not os.path.exists(self._companion):
            self._report(f"warning: {printable(self._companion)} was removed; it is written again")
            self._companion = self._write_companion(self._path)

    def close(self) -> None:
        """Lets others have the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _tidy(self, had_training: bool) -> None:
        """Removes what killed training runs left, which nobody will ever finish."""
        removed = checkpoint_files.remove_leftovers(self._path)
        if had_training:
            # Of a checkpoint that is half written or half removed the values are there without
            # their index. In a folder new to us they may be a download under way.
            removed += checkpoint_files.remove_without_index(self._path, CHECKPOINT_NAME)
        if removed:
            self._report(
                f"removed {len(removed)} unfinished files of a killed run from "
                f"{printable(self._path)}"
            )

    def _find_lock_file(self) -> tuple[int, int] | None:
        try:
            status = os.stat(os.path.join(self._path, locks.LOCK_FILE))
        except OSError:
            return None
        return status.st_dev, status.st_ino

    @contextlib.contextmanager
    def _naming_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise files.cannot_write(f"train_logdir {printable(self._path)}", error) from error
