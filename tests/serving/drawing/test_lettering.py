"""Names in every script: no box, whatever fonts there are."""
# ruff: noqa: RUF001

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from serving.drawing import legend, lettering, spelling

# Every letter that these languages have beyond those of English.
LETTERS = {
    "German": "äöüßÄÖÜẞ",
    "French": "àâæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ",
    "Spanish": "áéíóúüñÁÉÍÓÚÜÑ¡¿",
    "Polish": "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ",
    "Turkish": "çğıİöşüÇĞÖŞÜ",
    "Czech": "áčďéěíňóřšťúůýžÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ",
    "Scandinavian": "åäöæøÅÄÖÆØðþÐÞ",
    "Romanian": "ăâîșțĂÂÎȘȚ",
    "Vietnamese": "ăâđêôơưĂÂĐÊÔƠƯ",
    "Russian": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "Ukrainian": "єіїґЄІЇҐ",
    "Greek": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώ",
}


@pytest.fixture
def no_fonts(monkeypatch):
    """As where neither OpenCV 5 nor any font of the system is installed."""
    monkeypatch.setattr(lettering, "_opencv_has", lambda char: False)
    monkeypatch.setattr(lettering, "_find_system_font", lambda text: None)


def pixels(line: lettering.Line) -> np.ndarray:
    canvas = Image.new("L", (line.width + 40, 60))
    line.draw(ImageDraw.Draw(canvas), 10, 40, 255)
    return np.asarray(canvas)


def box(size: int) -> bytes:
    return bytes(ImageFont.load_default(size).getmask("\uffff"))


@pytest.mark.parametrize("language", LETTERS)
def test_letters_are_spelled_where_no_font_has_them(no_fonts, language):
    for letter in LETTERS[language]:
        line = lettering.line(f"a{letter}b", 16, "class 7")
        assert line.text.isascii()
        assert line.text != "class 7", letter
        font = ImageFont.load_default(16)
        assert all(bytes(font.getmask(char)) != box(16) for char in line.text)


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("Straße", "Strasse"),
        ("fore\u0302t", "foret"),  # As a Mac writes it.
        ("años", "anos"),
        ("Łódź ığ", "Lodz ig"),
        ("Дорога подъезд", "Doroga podezd"),
        ("Ελλάδα", "Ellada"),
        ("sky – “blue”", 'sky - "blue"'),
        ("🚗 car", "car"),
        ("道路", "class 5"),
        ("road 道路", "class 5"),
        ("हिन्दी", "class 5"),
        ("\U0001f697", "class 5"),
        ("", "class 5"),
        ("\x1b[31mred\nline\x00", "[31mred line"),
    ],
)
def test_spelling_without_any_font(no_fonts, name, spelled):
    assert lettering.line(name, 16, "class 5").text == spelled
    legend.append_legend(Image.new("RGB", (99, 50)), [1.0], [name], [(9, 9, 9)])


def test_a_line_of_pillows_own_letters_is_drawn_in_its_font():
    line = lettering.line("road", 16, "class 5")
    expected = Image.new("L", (line.width + 40, 60))
    ImageDraw.Draw(expected).text((10, 40), "road", 255, ImageFont.load_default(16), anchor="ls")
    np.testing.assert_array_equal(pixels(line), expected)


@pytest.mark.parametrize("name", ["Straße", "años", "дорога", "道路", "한국"])
def test_opencv_draws_every_letter_as_itself(monkeypatch, name):
    """Each letter looks unlike a missing one and, the scripts being upright, fits its line."""
    pytest.importorskip("cv2", minversion="5")
    monkeypatch.setattr(lettering, "_find_system_font", lambda text: None)
    line = lettering.line(name, 24, "class 5")
    assert line.text == name
    missing = lettering._draw_with_opencv("\uffff", 24).mask.tobytes()
    assert all(lettering._draw_with_opencv(char, 24).mask.tobytes() != missing for char in name)
    drawn = np.argwhere(pixels(line) > 100)
    assert 10 <= drawn[:, 1].min() <= 14
    assert drawn[:, 1].max() <= 10 + line.width
    assert drawn[:, 0].min() >= 40 - 24
    assert drawn[:, 0].max() <= 40 + 8


def test_a_font_of_the_system_that_has_the_letters_is_taken(monkeypatch):
    monkeypatch.setattr(lettering, "_opencv_has", lambda char: False)
    lettering._find_system_font.cache_clear()
    path = lettering._find_system_font("Straße дорога")
    if path is None:
        pytest.skip("needs a font with Cyrillic letters among the system's")
    font = ImageFont.truetype(path, 16)
    missing = bytes(font.getmask("\uffff"))
    assert all(bytes(font.getmask(char)) != missing for char in "Straßедорога")
    assert lettering.line("Straße дорога", 16, "class 5").text == "Straße дорога"


def test_damaged_and_unusable_fonts_are_passed_over(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    for name in ("a.ttf", "sub/b.OTF", "LastResort.ttf", "NotoColorEmoji.ttf", "notes.txt"):
        (tmp_path / name).write_bytes(b"no font")
    monkeypatch.setattr(lettering, "_FONT_FOLDERS", (str(tmp_path), "/there/is/none"))
    lettering._system_fonts.cache_clear()
    lettering._find_system_font.cache_clear()
    try:
        found = lettering._system_fonts()
        assert sorted(path.removeprefix(f"{tmp_path}/") for path in found) == ["a.ttf", "sub/b.OTF"]
        assert lettering._find_system_font("ñ") is None
    finally:
        lettering._system_fonts.cache_clear()
        lettering._find_system_font.cache_clear()


def test_tables_of_spellings_are_ascii():
    assert all(text.isascii() for text in spelling._SPELLINGS.values())
