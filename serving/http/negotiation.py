"""Which form of a segmentation a client wants: `format=` or the header Accept."""

import dataclasses

from serving.http.refusals import Refusal


@dataclasses.dataclass(frozen=True)
class Form:
    """A form of the answer.

    Attributes:
      form: "mask" (class ids with a palette), "overlay", "json" or "npy".
      media_type: of the response.
      image_format: Pillow's name of it, for overlays.
    """

    form: str
    media_type: str
    image_format: str = ""


_MASK = Form("mask", "image/png")
_JSON = Form("json", "application/json")
_NPY = Form("npy", "application/x-npy")
_BY_NAME = {
    "mask": _MASK,
    "png": _MASK,
    "overlay": Form("overlay", "image/jpeg", "JPEG"),
    "overlay_png": Form("overlay", "image/png", "PNG"),
    "json": _JSON,
    "npy": _NPY,
}
# The first that fits a pattern such as image/* is taken.
_BY_MEDIA_TYPE = {
    "image/png": _MASK,
    "image/jpeg": _BY_NAME["overlay"],
    "application/json": _JSON,
    "application/x-npy": _NPY,
    "application/octet-stream": _NPY,
}


def choose(name: str | None, accept: str | None) -> Form:
    """Returns the form that a client wants; the mask where it does not say.

    Args:
      name: value of `format`, which comes first.
      accept: value of the header Accept.

    Raises:
      Refusal: 400 for a name, 406 for types that there are not.
    """
    if name is not None:
        if name not in _BY_NAME:
            raise Refusal(400, f"format is {name[:40]!r}; expected one of {', '.join(_BY_NAME)}.")
        return _BY_NAME[name]
    patterns = _by_preference(accept or "*/*")
    refused = [pattern for quality, pattern in patterns if not quality]
    for quality, pattern in patterns:
        for media_type, form in _BY_MEDIA_TYPE.items():
            is_refused = any(_fits(media_type, each) for each in refused if each != "*/*")
            if quality and _fits(media_type, pattern) and not is_refused:
                return form
    raise Refusal(406, f"Accept is {(accept or '')[:80]!r}; there are {', '.join(_BY_MEDIA_TYPE)}.")


def _fits(media_type: str, pattern: str) -> bool:
    beginning = "" if pattern == "*/*" else pattern.removesuffix("*")
    return media_type == pattern or (pattern.endswith("*") and media_type.startswith(beginning))


def _by_preference(accept: str) -> list[tuple[float, str]]:
    """Returns (quality, media type) of the parts of a header, the highest quality first."""
    weighted = []
    for part in accept.split(","):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        weighted.append((max(0.0, quality), media_type))
    return sorted(weighted, key=lambda each: -each[0])
