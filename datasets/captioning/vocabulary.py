"""The words of captions and their ids: research/im2txt's rules, and its word_counts.txt."""

import ast
import collections
import dataclasses
import functools
import os
from collections.abc import Iterable, Sequence

from common import files
from common.texts import printable
from datasets.captioning import tokens

# Where im2txt's instructions put it: beside the shards.
WORD_COUNTS_FILE = "word_counts.txt"
START, END, UNKNOWN = "<S>", "</S>", "<UNK>"
# build_mscoco_data.py: rarer words are unknown.
DEFAULT_MIN_COUNT = 4
MAX_WORDS = 1_000_000
# "a 969108", or b'a' 969108 where Python 3 has written it.
_MAX_LINE = 1 << 12


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Words by their ids.

    Attributes:
      words: of each id; the last one is `UNKNOWN`, unless a word_counts.txt has it elsewhere.
      splitting: how captions become words, one of `tokens.SPLITTINGS`.
    """

    words: tuple[str, ...]
    splitting: str = tokens.IM2TXT

    def __post_init__(self) -> None:
        for word in (START, END, UNKNOWN):
            if word not in self._ids:
                raise ValueError(f"the vocabulary of {len(self)} words has no {word}.")
        if len(self._ids) != len(self.words):
            twice = collections.Counter(self.words).most_common(1)[0][0]
            raise ValueError(f"the vocabulary has {printable(twice)!r} twice.")

    def __len__(self) -> int:
        return len(self.words)

    @property
    def start(self) -> int:
        return self._ids[START]

    @property
    def end(self) -> int:
        return self._ids[END]

    @property
    def unknown(self) -> int:
        return self._ids[UNKNOWN]

    def ids(self, words: Iterable[str]) -> list[int]:
        """Returns the ids of words; that of `UNKNOWN` for those that are not known."""
        return [self._ids.get(word, self.unknown) for word in words]

    def sentence(self, ids: Iterable[int]) -> str:
        """Returns the caption that ids are, without the words that mark its start and end."""
        return " ".join(self.without_marks(self.words[word_id] for word_id in ids))

    @staticmethod
    def without_marks(words: Iterable[str]) -> list[str]:
        """Returns words without those that mark start and end."""
        return [word for word in words if word not in (START, END)]

    def check_equal(self, other: "Vocabulary", ours: str, theirs: str) -> None:
        """Raises ValueError unless another vocabulary is the same; it names both and their sizes.

        Args:
          other: the other one.
          ours, theirs: what they belong to, for the message.
        """
        if self == other:
            return
        difference = next(
            (
                f"word {index} is {printable(one)!r} here and {printable(another)!r} there"
                for index, (one, another) in enumerate(zip(self.words, other.words, strict=False))
                if one != another
            ),
            f"{self.splitting} words here and {other.splitting} words there"
            if len(self) == len(other)
            else "one is the beginning of the other",
        )
        raise ValueError(
            f"{ours} has a vocabulary of {len(self)} words, and {theirs} another one, of "
            f"{len(other)} ({difference}): build the dataset with --word_counts_file of the other, "
            "or train anew."
        )

    @functools.cached_property
    def _ids(self) -> dict[str, int]:
        return {word: word_id for word_id, word in enumerate(self.words)}


def split(caption: str, splitting: str) -> list[str]:
    """Returns the words of a caption, between `START` and `END`."""
    return [START, *tokens.SPLITTINGS[splitting](caption), END]


def count_words(captions: Iterable[str], splitting: str) -> collections.Counter[str]:
    """Counts the words of captions, `START` and `END` with them."""
    counts: collections.Counter[str] = collections.Counter()
    for caption in captions:
        counts.update(split(caption, splitting))
    return counts


def choose(
    counts: collections.Counter[str],
    splitting: str,
    min_count: int = DEFAULT_MIN_COUNT,
    max_words: int | None = None,
) -> Vocabulary:
    """Makes a vocabulary of the frequent words, the most frequent first.

    Args:
      counts: as of `count_words`; of equally frequent words the one that came first is first.
      splitting: how captions became words.
      min_count: words that occur less often are unknown.
      max_words: of the most frequent ones, with `UNKNOWN`; None for all.

    Raises:
      ValueError: nothing is left.
    """
    frequent = [word for word, count in counts.most_common() if count >= min_count]
    marks = [word for word in (START, END) if word not in frequent]  # Of very few captions.
    words = [*marks, *frequent][: None if max_words is None else max(0, max_words - 1)]
    if not {*words} - {START, END}:
        raise ValueError(
            f"no word of the captions occurs {min_count} times or more; lower --min_word_count."
        )
    return Vocabulary((*words, UNKNOWN), splitting)


def word_counts_path(directory: str) -> str:
    """Returns the path of word_counts.txt beside the shards of a folder."""
    return os.path.join(directory, WORD_COUNTS_FILE)


def read_word_counts(path: str, splitting: str = tokens.IM2TXT) -> Vocabulary:
    """Reads research/im2txt's word_counts.txt: a word and a number in a line, ids from 0 on.

    Lines that Python 3 has spelled as bytes, b'a' 969108, are read, too. `UNKNOWN` is appended
    where there is none.

    Raises:
      OSError: the file cannot be opened.
      ValueError: a line is no word and number, or a word comes twice; the message names the line.
    """
    words: list[str] = []
    seen: set[str] = set()
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for number, line in enumerate(file, start=1):
            try:
                word = _parse(line[:_MAX_LINE])
                if word in seen:
                    raise ValueError("the word comes a second time")
            except ValueError as error:
                shown = printable(line.rstrip()[:60])
                raise ValueError(
                    f"{printable(path)}, line {number}: {shown!r}: {error}. "
                    "Expected a word and how often it occurs, as im2txt writes them."
                ) from None
            seen.add(word)
            words.append(word)
    if UNKNOWN not in seen:
        words.append(UNKNOWN)
    try:
        return Vocabulary(tuple(words), splitting)
    except ValueError as error:
        raise ValueError(f"{printable(path)}: {error}") from None


def _parse(line: str) -> str:
    word, _, count = line.rstrip("\r\n").rpartition(" ")
    if not word or not count.isdecimal():
        raise ValueError("it has no number at its end")
    if word[:2] in ("b'", 'b"') and word[-1] == word[1] and len(word) > 2:
        try:
            word = ast.literal_eval(word).decode()
        except (ValueError, SyntaxError, UnicodeDecodeError):
            raise ValueError("the bytes are not spelled as Python spells them") from None
    return word


def write_word_counts(path: str, vocabulary: Vocabulary, counts: collections.Counter[str]) -> None:
    """Writes word_counts.txt, whole or not at all, without a last `UNKNOWN`, as im2txt does."""
    words: Sequence[str] = vocabulary.words
    if words[-1] == UNKNOWN:  # Elsewhere its line keeps the ids of the words after it.
        words = words[:-1]
    lines = (f"{word} {counts[word]}\n" for word in words)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    files.write(path, "".join(lines).encode())
