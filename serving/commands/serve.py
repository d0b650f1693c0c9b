"""Serves exported models over HTTP: serve.py. `serve_flags` has its words and flags."""

import importlib.util
import os
import shlex
import warnings
from typing import TYPE_CHECKING

from absl import flags as absl_flags
from PIL import Image

from commands import published_models, warning_lines
from commands.flags import Flags
from commands.shared_options import EngineOptions, TileFlags
from common import export_names, image_files
from common.texts import printable
from serving import export_file, tiling
from serving.commands.serve_flags import COMMAND, ServeOptions
from serving.deeplab_model import ImageShrunkWarning
from serving.engines.engine import EngineSkippedWarning

if TYPE_CHECKING:
    from serving.http.lifespan import LifespanApp
    from serving.http.service import Service

_PACKAGES = ("starlette", "uvicorn", "python_multipart", "prometheus_client")
_TOKEN_VARIABLE = "SERVE_TOKEN"
_FLAGS_VARIABLE = "SERVE_FLAGS"
_MIN_TOKEN_CHARS = 8
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def main(flags: Flags, arguments: list[str]) -> int:
    """Turns flags into settings and serves; returns the exit status."""
    del arguments
    missing = [each for each in _PACKAGES if importlib.util.find_spec(each) is None]
    if missing:
        raise ValueError(
            f"the service needs {', '.join(missing)}: run make setup-serve, or pip install -r "
            "requirements/serve.lock."
        )
    from serving.http import server

    service, options = build(flags)
    server.set_up_log(options.access_log)
    listening = server.bind(options.host, options.port)
    server.run(service, listening, options.drain_secs, options.drain_delay_secs)
    return 0


def application() -> "LifespanApp":
    """Returns the application for other ASGI servers; the flags are in SERVE_FLAGS.

    Raises:
      ValueError: a flag is wrong, or names what is not there.
    """
    from serving.http import server
    from serving.http.lifespan import LifespanApp

    flags = Flags(COMMAND.options, COMMAND.computed_defaults)
    given = shlex.split(os.environ.get(_FLAGS_VARIABLE, ""))
    try:
        unused = flags.parse([_FLAGS_VARIABLE, *given])
    except absl_flags.Error as error:
        raise ValueError(f"{_FLAGS_VARIABLE}: {error}") from None
    if unused:
        raise ValueError(f"{_FLAGS_VARIABLE}: {unused[0]!r} is no flag; expected --NAME=VALUE.")
    service, options = build(flags)
    server.set_up_log(options.access_log)
    return LifespanApp(service, options.drain_secs)


def build(flags: Flags) -> tuple["Service", ServeOptions]:
    """Returns the service that flags describe, not loaded yet, and what of them a server needs.

    Raises:
      ValueError, OSError: a flag names what is not there.
    """
    from serving.http import admission
    from serving.http.hosting import ModelSettings
    from serving.http.image_input import ImageLimits
    from serving.http.service import Service, ServiceSettings

    options, engine = flags.options(ServeOptions), flags.options(EngineOptions)
    tiles = flags.options(TileFlags)
    exports = parse_exports(engine.model or export_file.find_newest_export())
    token = read_token(options.token_file)
    if options.host not in _THIS_MACHINE and token is None:
        print(
            f"warning: everybody who reaches {printable(options.host)} can use the service; "
            "--token_file asks for a token."
        )
    image_files.silence_libtiff()
    warning_lines.print_as_notes(EngineSkippedWarning)
    warnings.filterwarnings("ignore", module=r"PIL\.")  # About metadata, which nobody reads here.
    # Answers say at which size the network has seen an image.
    warnings.simplefilter("ignore", ImageShrunkWarning)
    Image.MAX_IMAGE_PIXELS = None  # `ImageLimits` bounds them, before Pillow would warn.
    settings = ServiceSettings(
        max_bytes=options.max_bytes,
        images=ImageLimits(options.max_pixels),
        memory_bytes=options.memory_limit_mb << 20,
        time_limit_secs=options.time_limit_secs,
        token=token,
        models=ModelSettings(
            batch_size=options.batch_size,
            batch_timeout_secs=options.batch_timeout_ms / 1000,
            limits=admission.Limits(
                num_images=options.queue_size,
                num_tiles=options.max_tiles,
                seconds=options.time_limit_secs,
            ),
            tiles=tiling.TileOptions(tiling.parse_tile(tiles.tile), tiles.overlap),
            reload_secs=options.reload_secs,
            trust=engine.trust,
            engine={
                "engine": engine.engine,
                "precision": engine.precision,
                "num_threads": engine.num_threads,
            },
        ),
    )
    return Service(exports, settings), options


def parse_exports(text: str) -> dict[str, str]:
    """Returns the paths of exports by the names of their models.

    Args:
      text: "PATH" or "NAME=PATH", several with commas between; a path may be the name of
        published weights, which are downloaded.

    Raises:
      ValueError: two have one name, a name is not one of a URL, or a path does not exist.
    """
    exports: dict[str, str] = {}
    for part in [text] if os.path.exists(text) else filter(None, text.split(",")):
        name, equals, path = part.partition("=")
        if not equals or os.path.exists(part):
            name, path = export_names.model_name(part), part
        path = os.path.expanduser(path)
        weights = published_models.named(path)
        if weights is not None:
            name, path = name if equals else weights.name, published_models.find(path)
        if not os.path.exists(path):
            raise ValueError(f"--model: {printable(path)} does not exist.")
        if not name or not all(char.isalnum() or char in "-_. " for char in name):
            raise ValueError(
                f"--model: {printable(name)!r} cannot be a model's name; write NAME=PATH with "
                "letters, digits, '-', '_' and '.'."
            )
        if name in exports:
            raise ValueError(
                f"--model: two models have the name {name}: {printable(exports[name])} and "
                f"{printable(path)}. Write NAME=PATH."
            )
        exports[name] = path
    if not exports:
        raise ValueError("--model is empty; expected the path of an export.")
    return exports


def read_token(path: str | None) -> str | None:
    """Returns the token: of a file, or of the environment; None for none.

    Raises:
      ValueError: the file cannot be read, or the token is too short to keep anybody out, or not
        ASCII.
    """
    if path is None:
        token, source = os.environ.get(_TOKEN_VARIABLE), _TOKEN_VARIABLE
        if token is None:
            return None
    else:
        source = f"--token_file={printable(path)}"
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                token = file.readline()
        except OSError as error:
            raise ValueError(
                f"{source} cannot be read ({error.strerror}); name a file whose first line is the "
                "token."
            ) from None
    token = token.strip()
    if len(token) < _MIN_TOKEN_CHARS or not token.isascii() or not token.isprintable():
        raise ValueError(
            f"{source}: the token has {len(token)} characters; expected at least "
            f"{_MIN_TOKEN_CHARS}, all of them ASCII."
        )
    return token
