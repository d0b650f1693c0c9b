"""Spells names with the letters of English, for where no font has their own."""

# ruff: noqa: RUF001, SIM905

import unicodedata

_LATIN = {
    **{"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O"},
    **{"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ł": "l", "Ł": "L"},
    **{"ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "ng", "Ŋ": "NG", "ə": "e", "Ə": "E", "ĸ": "k"},
}
_CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяєіїґўђјљњћџѓќѕ",
        "a b v g d e yo zh z i y k l m n o p r s t u f kh ts ch sh shch - y - e yu ya "
        "ye i yi g u dj j lj nj c dz gj kj dz".split(),
        strict=True,
    )
)
_CYRILLIC.update(dict.fromkeys("ъь", ""))  # They have no sound of their own.
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        "a v g d e z i th i k l m n x o p r s s t y f ch ps o".split(),
        strict=True,
    )
)
_SPELLINGS = {
    **_LATIN,
    **_CYRILLIC,
    **_GREEK,
    **{letter.upper(): text.capitalize() for letter, text in _CYRILLIC.items()},
    **{letter.upper(): text.capitalize() for letter, text in _GREEK.items()},
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("‘’‚‛′", "'"),
    **dict.fromkeys("“”„‟″", '"'),
}


def in_ascii(text: str) -> str:
    """Spells a text (NFC) in ASCII: Cyrillic and Greek in Latin letters, without symbols.

    Returns "" if the text has a letter of another script, or if nothing is left of it.
    """
    spelled = ""
    for char in text:
        ascii_char = _spell(char)
        if not ascii_char.isascii():
            if unicodedata.category(char)[0] in "LNM":
                return ""
            continue
        spelled += ascii_char
    spelled = " ".join(spelled.split())
    return spelled if any(map(str.isalnum, spelled)) else ""


def _spell(char: str) -> str:
    if char.isascii():
        return char
    if char in _SPELLINGS:
        return _SPELLINGS[char]
    bases = (c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
    return "".join(_SPELLINGS.get(c, c) for c in bases)
