"""A caption → its words: as im2txt's captions were split, or as the attention tutorial's.

im2txt calls `nltk.word_tokenize`, which downloads a model of sentences at its first use. Here a
sentence ends at a period before a space where the word before it is no known abbreviation; within
a sentence words are those of the Penn Treebank, as NLTK splits them.
"""

import re

_ABBREVIATION = re.compile(
    r"(?i)(?:[msj]rs?|ms|dr|st|vs|etc|no|mt|ft|co|inc|ltd|ave|blvd|rd|prof|gen|sgt|lt|col|rev|approx|"
    r"[a-z](?:\.[a-z])*)"
)
_DOUBLE_QUOTES = ("``", "''")
# In the order in which they are tried. A period is looked at by itself, for it may end a sentence.
_PIECES = re.compile(
    r"""
    \.{2,} | -{2}                        # ellipsis, dash
    | \d+ (?: [,:] \d+ )+ (?: \.\d+ )?   # 1,000 or 3:30
    | ["«»“”„] | `` | ''
    | [][(){}<>;@#$%&?!*,:`]
    | [^][(){}<>;@#$%&?!*,:`"«»“”„\s]+
    """,
    re.VERBOSE,
)
_LAST_PERIOD = re.compile(r"""[^.\s](\.)[])}>"'»”\u2019\s]*$""")
_OPENING_APOSTROPHE = re.compile(r"(?i)'(?!(?:re|ve|ll|[mtsdn])\b)(?=\w)")
_CLITICS = re.compile(r"(?i)(?<=[^'])('ll|'re|'ve|n't|'[smd]|')$")
_MERGED = re.compile(
    r"(?i)^(?:(can)(not)|(d)('ye)|(gim)(me)|(gon)(na)|(got)(ta)|(lem)(me)|(more)('n)|(wan)(na))$"
)
_TUTORIAL_FILTER = re.compile(r"""[!"#$%&()*+.,\-/:;=?@\[\\\]^_`{|}~\s]+""")


def treebank(caption: str) -> list[str]:
    """Splits a caption into words and punctuation, as im2txt does after lowering its letters."""
    words: list[str] = []
    # Whatever the word before it, the last period of a caption ends a sentence.
    last = _LAST_PERIOD.search(caption)
    if last:
        caption = f"{caption[: last.start(1)]} {caption[last.start(1) :]}"
    for field in caption.split():
        for match in _PIECES.finditer(field):
            piece = match[0]
            if piece in ('"', *_DOUBLE_QUOTES):
                # One that stands alone opens, even where it was meant to close.
                opens = match.start() == 0 or field[match.start() - 1] in "([{<"
                words.append(_DOUBLE_QUOTES[0 if opens else 1])
            elif len(piece) == 1 or not any(map(str.isalnum, piece)):
                words.append(piece)
            else:
                words += _split_word(piece)
    return words


def tutorial(caption: str) -> list[str]:
    """Splits a caption as the attention tutorial's tokenizer does: lower case, no punctuation."""
    return [word for word in _TUTORIAL_FILTER.split(caption.lower()) if word]


def _split_word(piece: str) -> list[str]:
    """Splits what has neither spaces nor punctuation but periods, apostrophes and dashes."""
    start, end = [], []
    if _OPENING_APOSTROPHE.match(piece):
        start, piece = ["'"], piece[1:]
    stem = piece.rstrip(".")
    if stem != piece and not _ABBREVIATION.fullmatch(stem):
        end = [piece[len(stem) :]]
        piece = stem
    parts = _MERGED.match(piece)
    if parts:
        return start + [part for part in parts.groups() if part] + end
    while match := _CLITICS.search(piece):
        end.insert(0, match[1])
        piece = piece[: match.start()]
    return start + ([piece] if piece else []) + end


def im2txt(caption: str) -> list[str]:
    """Splits a caption as im2txt does: in lower case, with punctuation as words."""
    return treebank(caption.lower())


IM2TXT, TUTORIAL = "im2txt", "tutorial"
# Ways to split a caption, by name.
SPLITTINGS = {IM2TXT: im2txt, TUTORIAL: tutorial}
