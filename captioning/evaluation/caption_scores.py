"""All that is said of the captions of a set of images: how good, how sure, how alike they are."""

import collections
import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

from captioning.evaluation import bleu, rouge
from captioning.evaluation.cider import Cider
from datasets.captioning.vocabulary import END, START

# What pycocoevalcap takes out of captions before it compares them.
_PUNCTUATION = frozenset(
    ["''", "'", "``", "`", "(", ")", "{", "}", ".", "?", "!", ",", ":", "-", "--", "...", ";"]
)
# So few different captions, of the number of images, are told of; of few images, only a single one.
_FEW_DISTINCT = 0.1
_MIN_IMAGES, _SINGLE = 20, 3


@dataclasses.dataclass(frozen=True)
class Scores:
    """The scores of the captions of a set of images.

    Attributes:
      num_images, num_captions: images, and captions that people gave them.
      perplexity: e to the mean loss of a word of those.
      bleu: BLEU-1 to BLEU-4, 0 to 1.
      rouge_l: 0 to 1.
      cider: CIDEr-D, 0 to 10; over the references of this set, so that sets cannot be compared.
      distinct: different captions that were found, over the number of images.
      mean_length: words of a caption that was found.
      most_common: the caption that most images got, and their share.
    """

    num_images: int
    num_captions: int
    perplexity: float
    bleu: tuple[float, ...]
    rouge_l: float
    cider: float
    distinct: float
    mean_length: float
    most_common: tuple[str, float]

    def warning(self) -> str | None:
        """Returns that all images get the same caption, where they do."""
        caption, share = self.most_common
        is_single = self.num_images >= _SINGLE and share == 1.0
        is_few = self.num_images >= _MIN_IMAGES and self.distinct <= _FEW_DISTINCT
        if not is_single and not is_few:
            return None
        return (
            f"only {self.distinct:.0%} of the captions are distinct, and {share:.0%} of the images "
            f"get {caption!r}: the network hardly looks at them. Train longer or with more images, "
            "or take a better encoder."
        )


def compared_words(words: Iterable[str]) -> list[str]:
    """Returns the words of a caption that are compared: no marks, no punctuation."""
    return [word for word in words if word not in (START, END) and word not in _PUNCTUATION]


def score(
    candidates: Mapping[int, Sequence[str]],
    references: Mapping[int, Sequence[Sequence[str]]],
    sum_of_losses: float,
    num_words: int,
) -> Scores:
    """Scores captions.

    Args:
      candidates: by image, the words of the caption that was found.
      references: by image, the words of each caption that people gave it.
      sum_of_losses: of all words of the references.
      num_words: their number.
    """
    written = [compared_words(words) for words in candidates.values()]
    # A caption of punctuation only has one word, which is none.
    found = [words or [""] for words in written]
    known = [[compared_words(words) or [""] for words in references[image]] for image in candidates]
    sentences = collections.Counter(map(" ".join, found))
    caption, count = sentences.most_common(1)[0]
    ciders = Cider(known).score(found)
    rouges = [rouge.score(*pair) for pair in zip(found, known, strict=True)]
    return Scores(
        num_images=len(found),
        num_captions=sum(map(len, known)),
        perplexity=math.exp(min(700.0, sum_of_losses / max(1, num_words))),
        bleu=tuple(bleu.score(found, known)),
        rouge_l=sum(rouges) / len(rouges),
        cider=sum(ciders) / len(ciders),
        distinct=len(sentences) / len(found),
        mean_length=sum(map(len, written)) / len(written),
        most_common=(caption, count / len(found)),
    )
