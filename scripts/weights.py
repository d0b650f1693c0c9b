"""Lists, downloads and checks published weights: `python -m scripts.weights`."""

import sys
import textwrap

from commands import launcher
from commands.command import Command
from commands.flags import Flags, spell
from common.texts import printable
from published import cache, catalogue
from published.catalogue import CATALOGUE, Weights

_USAGE = "expected list, get NAME… or verify [NAME…]"
# As of wrong flags.
_WRONG_USAGE = 2
_INDENT, _OPTIONS_WIDTH = " " * 8, 92


def main(flags: Flags, arguments: list[str]) -> int:
    """Does what the first argument says; returns the exit status."""
    del flags
    action, *names = arguments or [""]
    if action == "list" and not names:
        return _list()
    if action == "get" and names:
        return _get([_find(name) for name in names])
    if action == "verify":
        return _verify([_find(name) for name in names])
    problem = f"{' '.join(map(printable, arguments)) or 'no argument'}: {_USAGE}."
    if action == "get":
        problem = "which weights? python -m scripts.weights get NAME…"
    print(f"error: {problem}", file=sys.stderr)
    return _WRONG_USAGE


def _find(name: str) -> Weights:
    weights = catalogue.find(name)
    if weights is None:
        raise ValueError(
            f"no published weights have the name {printable(name)}: "
            f"{catalogue.explain_missing(name)}"
        )
    return weights


def _list() -> int:
    print(f"cache: {printable(cache.root())} (${cache.CACHE_VARIABLE})")
    for kind, title in catalogue.KINDS.items():
        print(f"\n{title.partition(' ')[2]}:")
        for weights in CATALOGUE.values():
            if weights.kind == kind:
                print(f"  {'*' if cache.has(weights) else ' '} {weights.name:<40}{_facts(weights)}")
                options = _options(weights)
                if options:
                    lines = textwrap.wrap(options, _OPTIONS_WIDTH, break_on_hyphens=False)
                    print(textwrap.indent("\n".join(lines), _INDENT))
    print(
        "\n* is in the cache. A command that is given a name has the flags below it already.\n"
        f"Files of Google's are under the {catalogue.APACHE}. The data that weights were trained "
        "on\nhave terms of their own."
    )
    return 0


def _facts(weights: Weights) -> str:
    facts = [weights.model_variant]
    if weights.depth_multiplier != 1:
        facts[0] += f" x {weights.depth_multiplier}"
    if weights.num_classes:
        facts.append(f"{weights.num_classes} classes")
    if weights.longest_side:
        facts.append(f"images of at most {weights.longest_side} pixels a side")
    if weights.score:
        facts.append(f"mean IoU {weights.score}")
    num_bytes = cache.file_size(weights)
    if num_bytes is not None:
        facts.append(f"{num_bytes / 1e6:.1f} MB")
    if weights.license != catalogue.APACHE:
        facts.append(f"license: {weights.license}")
    return ", ".join(facts)


def _options(weights: Weights) -> str:
    """Returns the options of a network as flags; its dense prediction cell has no short one."""
    flags = []
    for name, value in weights.options.items():
        if name == "dense_prediction_cell_config":
            flags.append("dense prediction cell")
        elif name != "depth_multiplier":
            flags.append(spell(name, value))
    return " ".join(flags)


def _get(wanted: list[Weights]) -> int:
    """Downloads weights; those that cannot be had do not stop the others."""
    status = 0
    for weights in wanted:
        try:
            print(printable(f"{weights.name}: {cache.ensure(weights)}"), flush=True)
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)
            status = 1
    return status


def _verify(wanted: list[Weights]) -> int:
    """Checks weights, or all that are in the cache."""
    status = 0
    wanted = wanted or [each for each in CATALOGUE.values() if cache.has_record(each)]
    if not wanted:
        print(f"no weights are in the cache, {printable(cache.root())} (${cache.CACHE_VARIABLE})")
    for weights in wanted:
        differences = cache.verify(weights)
        for difference in differences:
            print(f"error: {weights.name}: {difference}", file=sys.stderr)
        status = 1 if differences else status
        if differences:
            print(f"to mend it, {cache.explain_mending(weights)}", file=sys.stderr)
        print(f"{weights.name}: {'not as received' if differences else 'as received'}", flush=True)
    return status


COMMAND = Command(
    description="""\
Lists, downloads and checks published weights:
python -m scripts.weights list               names them, and which are in the cache
python -m scripts.weights get NAME…          downloads them
python -m scripts.weights verify [NAME…]     compares the cache with what was received first
Commands download weights by themselves, where a flag names them (--tf_initial_checkpoint=NAME,
--checkpoint_path=NAME, infer.py --model=NAME); get does it beforehand. The environment variable
DEEPLAB_WEIGHTS_CACHE names the folder of the cache, DEEPLAB_WEIGHTS_MIRROR a server that has the
files.""",
    main="scripts.weights",
    positional="list|get NAME…|verify [NAME…]",
    needs_tensorflow=False,
)

if __name__ == "__main__":
    launcher.execute(COMMAND)
