"""Links, headings and code of a Markdown document."""

import re

_FENCED = re.compile(r"^( *)```\w*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
# Lines that are indented by four or more, after an empty line.
_INDENTED = re.compile(r"(?<=\n\n)((?: {4,}.*\n(?:\n(?= {4}))*)+)")
_SPAN = re.compile(r"`([^`]+)`")


def code_lines(text: str) -> list[str]:
    """Returns the lines of all code blocks; what a backslash continues is one line."""
    text, fenced = _take(_FENCED, text, 2)
    _, indented = _take(_INDENTED, text, 1)
    joined = re.sub(r" *\\\n *", " ", "\n".join([*fenced, *indented]))
    return [line for line in joined.splitlines() if line.strip()]


def code_spans(text: str) -> list[str]:
    """Returns the code spans outside blocks, each as one line."""
    return [" ".join(span.split()) for span in _SPAN.findall(_prose(text))]


def links(text: str) -> list[str]:
    """Returns the targets of links and images that are no address on the web."""
    targets = re.findall(r"\]\(([^()\s]+)\)", _SPAN.sub("code", _prose(text)))
    return [target for target in targets if not re.match(r"\w+:", target)]


def anchors(text: str) -> set[str]:
    """Returns the anchors that GitHub makes of the headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", _prose(text), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        numbered = (f"{anchor}-{number}" for number in range(1, 100))
        found.add(anchor if anchor not in found else next(n for n in numbered if n not in found))
    return found


def _prose(text: str) -> str:
    return _take(_INDENTED, _take(_FENCED, text, 2)[0], 1)[0]


def _take(pattern: re.Pattern, text: str, group: int) -> tuple[str, list[str]]:
    """Returns the text without what matches, and the matches."""
    return pattern.sub("\n", text), [match.group(group) for match in pattern.finditer(text)]
