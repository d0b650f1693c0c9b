"""Lists, downloads and checks published weights: `python -m scripts.weights`."""

import sys

from commands import launcher
from commands.command import Command
from commands.flags import Flags
from common.texts import printable
from published import cache, catalogue
from published.catalogue import CATALOGUE, Weights

_USAGE = "expected list, get NAME… or verify [NAME…]"
# As of wrong flags.
_WRONG_USAGE = 2


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
    print(
        f"\n* is in the cache. Files of Google's are under the {catalogue.APACHE}. The data that "
        "weights were trained on have terms of their own."
    )
    return 0


def _facts(weights: Weights) -> str:
    facts = [weights.model_variant]
    if weights.depth_multiplier != 1:
        facts[0] += f" x {weights.depth_multiplier}"
    if weights.num_classes:
        facts.append(f"{weights.num_classes} classes")
    if weights.score:
        facts.append(f"mean IoU {weights.score}")
    if weights.license != catalogue.APACHE:
        facts.append(f"license: {weights.license}")
    return ", ".join(facts)


def _get(wanted: list[Weights]) -> int:
    for weights in wanted:
        print(printable(f"{weights.name}: {cache.ensure(weights)}"), flush=True)
    return 0


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
