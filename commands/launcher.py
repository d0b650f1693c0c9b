"""What every command of the project shares: flags, one-line errors, exit status.

Import this module before TensorFlow: it imports it without its start-up chatter. Only root scripts,
`scripts/` and the `python -m` commands import it; libraries never read flags.
"""

from commands import startup

# isort: split

import contextlib
import importlib.abc
import math
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence

from absl import app, flags

from commands import error_messages

_STDOUT = "standard output"
# Seeds are added to step counts and worker numbers, in 64 bits.
_LARGEST_NUMBER = 1 << 62

_TRACEBACK = flags.DEFINE_bool(
    "traceback", False, "Show the whole Python traceback when the command fails, for a bug report."
)


def _import_tensorflow_quietly() -> None:
    """Imports TensorFlow and looks for GPUs with the C++ libraries' stderr closed.

    They print a dozen lines about oneDNN and missing GPUs, whatever TF_CPP_MIN_LOG_LEVEL says, and
    a command's own one-line error drowns in them. Setting that variable shows everything.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        return
    # Read once, at the first line that TensorFlow logs. It also quiets lines that come later.
    # In a cluster errors, too: TensorFlow logs a lost server besides raising it.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3" if os.environ.get("TF_CONFIG") else "2"
    stderr = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    # TensorFlow imports Keras, which it does without and we never use, and Keras scikit-learn where
    # that is installed (NNCF brings it): a tenth, or a third, of the time before a first mask.
    sys.modules.setdefault("keras", None)
    try:
        import tensorflow as tf

        tf.config.list_physical_devices("GPU")
        # The first run of a session chats too, and so does the first transposition of bytes (it is
        # not oneDNN's, which nobody asked). No GPU, lest the session take that GPU's memory.
        with tf.Graph().as_default():
            config = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
            session = tf.compat.v1.Session(config=config)
            session.run(tf.transpose(tf.io.decode_raw(tf.constant(["ab"]), tf.uint8)))
    finally:
        if sys.modules["keras"] is None:
            del sys.modules["keras"]  # From here on, who wants it gets it.
        os.dup2(stderr, 2)
        os.close(stderr)
        # A command that this one starts would take it for the user's wish and show everything.
        del os.environ["TF_CPP_MIN_LOG_LEVEL"]
    tf.get_logger().setLevel("ERROR")  # Deprecations of the graph mode that tf-slim is built on.
    warnings.filterwarnings("ignore", message="`layer.apply` is deprecated")


class _KeepOutScikitLearn(importlib.abc.MetaPathFinder):
    """Has tf-slim do without scikit-learn, for losses that we do not use: 0.9 s where it is there.

    While the module with these losses is being imported, and at no other time.
    """

    def find_spec(self, fullname, path=None, target=None):
        """Refuses the import, or leaves it to others."""
        losses = sys.modules.get("tf_slim.losses.metric_learning")
        if fullname == "sklearn" and losses and not hasattr(losses, "HAS_SKLEARN"):
            raise ModuleNotFoundError("scikit-learn is kept out of tf-slim", name=fullname)
        return None


sys.meta_path.insert(0, _KeepOutScikitLearn())
with startup.ending_at_once():
    _import_tensorflow_quietly()


class _NumberListParser(flags.ArgumentParser):
    """Parses '6,12,18' and '6' into a list of numbers."""

    def __init__(self, number_type: type):
        super().__init__()
        self._number_type = number_type
        self.syntactic_help = f"a comma separated list of {number_type.__name__} values"

    def parse(self, argument):
        if isinstance(argument, (list, tuple)):
            return [self._number_type(value) for value in argument]
        try:
            return [self._number_type(part) for part in str(argument).split(",") if part.strip()]
        except ValueError:
            raise ValueError(
                f"{argument!r} is not a comma separated list of {self._number_type.__name__} values"
            ) from None

    def flag_type(self) -> str:
        return f"list of {self._number_type.__name__}"


class _NumberListFlag(flags.Flag):
    """A list flag whose repeated uses add up: `--x=6 --x=12` is `--x=6,12`.

    research/deeplab of 2018 repeats such flags and that of 2019 separates some of them by commas;
    its guides have both spellings.
    """

    def parse(self, argument):
        seen_before = list(self.value) if self.present and self.value is not None else []
        super().parse(argument)
        if seen_before and self.value is not None:
            self.value = seen_before + list(self.value)


class _NumberListSerializer(flags.ArgumentSerializer):
    def serialize(self, value):
        return ",".join(str(item) for item in value)


def define_numbers(
    name: str, default: Sequence[float] | None, help_text: str, number_type: type = int
) -> flags.FlagHolder:
    """Defines a flag that holds a list of numbers, comma separated, repeated, or both.

    Args:
      name: flag name.
      default: default values, or None for "not given".
      help_text: what it is, its unit, and when to change it.
      number_type: `int` or `float`.

    Returns:
      The flag's holder; its `value` is a list of numbers or None.
    """
    return flags.DEFINE_flag(
        _NumberListFlag(
            _NumberListParser(number_type),
            _NumberListSerializer(),
            name,
            None if default is None else list(default),
            help_text,
        )
    )


def run(main: Callable[[list[str]], int | None], positional: bool = False) -> None:
    """Runs a command: parses flags, calls `main`, and turns failures into one line and a status.

    Exit status is what `main` returns (None is 0), 1 for wrong input, 2 for wrong flags,
    130 for Ctrl-C.

    Args:
      main: called with the positional arguments (without the program's name).
      positional: whether the command takes positional arguments; otherwise any is an error,
        because it usually is a flag value behind a space that was not meant
        (`--dataset =camvid`).
    """

    def guarded(argv: list[str]) -> int | None:
        arguments = argv[1:]
        try:
            if arguments and not positional:
                raise ValueError(
                    f"unexpected argument {arguments[0]!r}: flags are written --name=value, "
                    "without spaces around '='"
                )
            status = main(arguments)
            sys.stdout.flush()  # An error here would end in a page of text at the exit.
            return status
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return startup.EXIT_STATUS
        except Exception as error:
            if not isinstance(error, BrokenPipeError) and (
                _TRACEBACK.value or not error_messages.is_users_fault(error)
            ):
                raise
            return _report(error)

    with contextlib.suppress(AttributeError):  # Names that are not UTF-8 are printed with escapes.
        sys.stdout.reconfigure(errors="backslashreplace")
    _list_in_help()
    with _naming_stdout():
        try:
            app.run(guarded, flags_parser=_parse_flags)
        except OSError as error:  # What --help prints does not arrive.
            if error.filename != _STDOUT:
                raise
            sys.exit(_report(error))


@contextlib.contextmanager
def _naming_stdout() -> Iterator[None]:
    """Gives errors in printing, such as that of a full disk, a name as those of files have."""

    def naming(call: Callable) -> Callable:
        def named(*arguments):
            try:
                return call(*arguments)
            except OSError as error:
                error.filename = _STDOUT
                raise

        return named

    stream = sys.stdout
    stream.write, stream.flush = naming(stream.write), naming(stream.flush)
    try:
        yield
    finally:
        del stream.write, stream.flush


def _report(error: Exception) -> int:
    """Prints an error of the user's input; returns the exit status."""
    if isinstance(error, OSError) and error.filename == _STDOUT:
        # What is still to be printed goes nowhere, so that nothing fails once more at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        print(f"error: {error_messages.describe(error)}", file=sys.stderr)
    return 1


def _list_in_help() -> None:
    """Has --help list the flags of the modules that a command shares with others, too."""
    for module, module_flags in flags.FLAGS.flags_by_module_dict().items():
        if module == __name__ or module.startswith("deeplab.commands") or module.endswith("_flags"):
            for flag in module_flags:
                flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)


def _parse_flags(argv: list[str]) -> list[str]:
    try:
        positional = flags.FLAGS(argv)
        _check_numbers()
        _expand_paths()
        return [_expand_home(argument) for argument in positional]
    except flags.Error as error:
        reason = re.sub(r"\('Non-boolean .*\)", "expected true or false", str(error))
        if isinstance(error.__context__, OSError):  # absl's own words have the number of the error
            reason = f"flagfile {error_messages.describe(error.__context__)}"
    except UnicodeDecodeError:
        files = [each for each in argv if each.lstrip("-").startswith("flagfile")]
        reason = f"{' '.join(files)}: the file is not UTF-8 text. Save it as UTF-8."
    except SystemExit:  # absl has printed what --help asked for, and ends such a run with 1.
        sys.stdout.flush()
        sys.exit(0)
    line = error_messages.one_line(reason)
    print(f"error: {line}\nPass --help to see every flag.", file=sys.stderr)
    sys.exit(2)


def _expand_paths() -> None:
    for name in flags.FLAGS:
        flag = flags.FLAGS[name]
        if flag.present:
            flag.value = _expand_home(flag.value)


def _expand_home(value):
    """Replaces a leading `~` in a path; the shell does so in `~/x`, but not in `--flag=~/x`."""
    if isinstance(value, list):
        return [_expand_home(item) for item in value]
    if isinstance(value, str) and value.startswith("~") and not os.path.exists(value):
        return os.path.expanduser(value)
    return value


def _check_numbers() -> None:
    """Checks what no flag means, and some library would end with a traceback, or never.

    Raises:
      flags.IllegalFlagValueError: a number is NaN, or has more than 63 bits.
    """
    for name in flags.FLAGS:
        value = flags.FLAGS[name].value
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, float) and math.isnan(number):
                expected = "a number"
            elif isinstance(number, int) and abs(number) > _LARGEST_NUMBER:
                expected = f"at most {_LARGEST_NUMBER}"
            else:
                continue
            raise flags.IllegalFlagValueError(f"flag --{name}={number}: expected {expected}")
