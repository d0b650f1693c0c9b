"""The command serve.py: its words and its flags."""

import dataclasses

from commands.command import Command
from commands.shared_options import EngineOptions, TileFlags
from common.option_fields import DATA, HARDWARE, RESULTS, START, change, changed, option

_ServedEngineOptions = changed(
    EngineOptions,
    model=change(
        None,
        help="Exported models, of any task, with commas between: PATH, or NAME=PATH for the name "
        "that clients use. A PATH is a .pb, a folder with one, or a .tar.gz.",
    ),
)


@dataclasses.dataclass(frozen=True)
class ServeOptions:
    """Where the service listens, and what it takes."""

    host: str = option(
        "127.0.0.1",
        "Address to listen on. 0.0.0.0 lets other machines in: give a token then, or a proxy.",
        START,
        is_common=True,
        aliases=("bind", "address"),
    )
    port: int = option(
        8000, "Port to listen on; 0 takes a free one.", START, is_common=True, lower=0, upper=65535
    )
    token_file: str | None = option(
        None,
        "File whose first line clients have to send as Authorization: Bearer …; the page, /docs "
        "and health stay open.",
        START,
        is_common=True,
        computed_default="the environment's SERVE_TOKEN or, without it, no token",
    )
    batch_size: int = option(
        8,
        "Images that run through the network together.",
        HARDWARE,
        is_common=True,
        lower=1,
        upper=1024,
        aliases=("max_batch_size",),
    )
    batch_timeout_ms: float = option(
        2.0,
        "Milliseconds that an image waits for others while the network is idle.",
        HARDWARE,
        is_common=True,
        lower=0.0,
        upper=10_000.0,
        aliases=("batch_delay_ms",),
    )
    queue_size: int = option(
        32,
        "Images that a model has at once at most, waiting or running; further ones are answered "
        "429.",
        HARDWARE,
        is_common=True,
        lower=1,
        upper=100_000,
    )
    memory_limit_mb: int = option(
        1024,
        "Memory in MB for the bodies and images of all requests, besides the models; further ones "
        "are answered 429.",
        HARDWARE,
        lower=16,
    )
    max_bytes: int = option(
        16 << 20, "Bytes of a request at most; larger ones are answered 413.", DATA, lower=1024
    )
    max_pixels: int = option(
        25_000_000,
        "Pixels of an image at most, as its head states them; larger ones are answered 413 before "
        "they are decoded.",
        DATA,
        lower=1,
    )
    max_tiles: int = option(
        256,
        "Tiles of an image at most; images of more are answered 413 before they are decoded.",
        DATA,
        lower=1,
    )
    time_limit_secs: float = option(
        30.0,
        "Seconds from a request's beginning to its answer; then it is answered 504. Images that "
        "would take longer, as far as can be known before, are answered 413 or 429 at once.",
        HARDWARE,
        lower=0.01,
    )
    drain_secs: float = option(
        30.0,
        "Seconds that requests which have begun are waited for after SIGTERM or Ctrl-C.",
        HARDWARE,
        lower=0.0,
    )
    drain_delay_secs: float = option(
        0.0,
        "Seconds that the port stays open after SIGTERM, with answers of 503, until a load "
        "balancer has noticed.",
        HARDWARE,
        lower=0.0,
    )
    reload_secs: float = option(
        2.0,
        "Seconds between two looks at whether an export has changed; 0 never looks.",
        HARDWARE,
        lower=0.0,
    )
    access_log: bool = option(True, "Write a line for each request.", RESULTS)


COMMAND = Command(
    description="""\
Serves exported models over HTTP: python serve.py --model=runs/demo/export --port=8000

A page for people is at /, the list of endpoints at /docs. POST an image to /segment or /classify;
the Open Inference Protocol v2 is at /v2, TensorFlow Serving's at /v1/models, Hugging Face's at
/hf. The server listens on this machine only, unless --host says otherwise.

Models of several tasks can be served together. An export that is replaced is loaded while the old
one goes on. SIGTERM finishes what has begun. Needs the packages of `make setup-serve`.""",
    main="serving.commands.serve",
    options=(_ServedEngineOptions, TileFlags, ServeOptions),
    needs_tensorflow=False,
)
