"""The page in a real browser, where there is one, and what keeps it to itself."""

import contextlib
import re
import threading
import time

import numpy as np
import pytest
import uvicorn
from PIL import Image

from serving.http import server
from serving.http.service import ServiceSettings
from tests.support import browser, toy_export, toy_service

IMAGE = toy_export.image(40, 60)
needs_browser = pytest.mark.skipif(browser.EXECUTABLE is None, reason="needs Chromium")


@contextlib.contextmanager
def listening(folder, settings=None):
    """Yields the address of a toy service on a port."""
    exports = toy_service.write_exports(folder)
    with toy_service.running(exports, settings) as toy, server.bind("127.0.0.1", 0) as port:
        config = uvicorn.Config(toy.app, log_config=None, lifespan="off")
        running = uvicorn.Server(config)
        thread = threading.Thread(
            target=toy.loop.run, args=(running.serve(sockets=[port]), 300), daemon=True
        )
        thread.start()
        while not running.started:
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{port.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join(30)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with listening(tmp_path_factory.mktemp("exports")) as found:
        yield found


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "photo.png"
    Image.fromarray(IMAGE).save(path)
    return path


@pytest.fixture
def page():
    with browser.started() as started:
        yield started


PIXELS = """(() => { const c = document.querySelector("canvas");
  return [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data]; })()"""


@needs_browser
def test_an_image_is_shown_with_its_mask_and_a_legend(page, address, photo):
    page.open(address)
    page.wait_for("document.querySelector('#model').options.length === 2")
    page.choose_files("#files", photo)
    page.wait_for("document.querySelector('canvas')")
    ids = IMAGE.argmax(axis=2)
    shares = [f"{100 * np.mean(ids == each):.1f}%" for each in range(3)]
    legend = page.evaluate("document.querySelector('ul').innerText")
    for name, share in zip(toy_export.CLASS_NAMES, shares, strict=True):
        assert re.search(rf"{name}\s+{re.escape(share)}", legend)
    assert re.search(r"photo\.png: \d+ ms", page.evaluate("document.body.innerText"))
    page.evaluate("""(() => { const o = document.querySelector("#opacity");
      o.value = 100; o.dispatchEvent(new Event("input")); })()""")
    pixels = np.reshape(page.evaluate(PIXELS), [40, 60, 4])
    expected = np.array(toy_export.PALETTE)[ids]
    expected[ids == 0] = IMAGE[ids == 0]  # The background stays.
    np.testing.assert_array_equal(pixels[..., :3], expected)
    assert page.problems() == []
    assert all(url.startswith((address, "blob:", "data:")) for url in page.requested())


@needs_browser
def test_a_class_is_switched_off_by_keyboard(page, address, photo):
    page.open(address)
    page.wait_for("document.querySelector('#model').options.length === 2")
    page.choose_files("#files", photo)
    page.wait_for("document.querySelector('canvas')")
    before = page.evaluate(PIXELS)
    for _ in range(20):
        page.press("Tab", 9)
        if page.evaluate("document.activeElement.matches('#results :checked')"):
            break
    assert page.evaluate("document.activeElement.matches('#results :checked')")
    page.press(" ", 32)
    assert page.evaluate("document.activeElement.checked") is False
    assert page.evaluate(PIXELS) != before


@needs_browser
def test_a_large_image_is_tiled_or_shrunk_as_chosen(page, address, tmp_path):
    large = tmp_path / "large.png"
    large.write_bytes(toy_service.png(toy_export.image(144, 192)))
    page.open(address)
    page.wait_for("document.querySelector('#model').options.length === 2")
    for number, said in enumerate((", in 25 tiles", ", shrunk to 48x64"), 1):
        page.choose_files("#files", str(large))
        page.wait_for(f"document.querySelectorAll('canvas').length === {number}")
        assert page.evaluate("document.querySelector('h2').innerText").endswith(said)
        page.evaluate("document.querySelector('#tiles').click()")
    assert page.problems() == []


@needs_browser
def test_on_a_phone_nothing_is_wider_than_the_screen(page, address, photo):
    page.open(address, width=360, height=740, mobile=True)
    page.wait_for("document.querySelector('#model').options.length === 2")
    page.choose_files("#files", photo)
    page.wait_for("document.querySelector('canvas')")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@needs_browser
def test_an_image_is_pasted_and_one_dropped(page, address, photo):
    page.open(address)
    page.wait_for("document.querySelector('#model').options.length === 2")
    for kind, field in (("paste", "clipboardData"), ("drop", "dataTransfer")):
        page.evaluate(
            """(async () => {
          const canvas = document.createElement("canvas");
          canvas.width = canvas.height = 20;
          canvas.getContext("2d").fillRect(0, 0, 20, 20);
          const blob = await new Promise(done => canvas.toBlob(done));
          const files = [new File([blob], "KIND.png", {type: "image/png"})];
          const event = new Event("KIND", {bubbles: true, cancelable: true});
          Object.defineProperty(event, "FIELD", {value: {files}});
          document.dispatchEvent(event);
        })()""".replace("KIND", kind).replace("FIELD", field)
        )
        page.wait_for(f"document.body.innerText.includes('{kind}.png took')")


@needs_browser
def test_an_error_is_shown(page, address, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"nothing")
    page.open(address)
    page.wait_for("document.querySelector('#model').options.length === 2")
    page.choose_files("#files", broken)
    page.wait_for("document.querySelector('article .bad')")
    assert "not an image file" in page.evaluate("document.querySelector('article').innerText")


@needs_browser
def test_with_a_token_the_page_asks_for_it(page, tmp_path, photo):
    with listening(tmp_path, ServiceSettings(token="correct horse")) as address:
        page.open(address)
        page.wait_for("!document.querySelector('#token-label').hidden")
        page.evaluate("""(() => { const t = document.querySelector("#token");
          t.value = "correct horse"; t.dispatchEvent(new Event("change")); })()""")
        page.wait_for("document.querySelector('#model').options.length === 2")
        page.choose_files("#files", photo)
        page.wait_for("document.querySelector('canvas')")


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_name_nothing_outside_and_say_so_to_the_browser(path, tmp_path):
    exports = toy_service.write_exports(tmp_path)
    service = toy_service.ToyService(exports, ServiceSettings(token="correct horse"))
    try:
        answer = service.get(path)
    finally:
        service.close()
    assert answer.status == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src '")
    assert not re.search(rb"""(src|href)=["']?(https?:)?//|@import|url\(""", answer.body)
