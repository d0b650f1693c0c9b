"""An exported network that describes images, as its users see it."""

import numpy as np
import pytest
from PIL import Image

from captioning.options import ATTENTION, DECODERS, SHOW_AND_TELL, SearchOptions
from serving.caption_model import CaptionModel
from serving.image_classifier import ImageClassifier
from tests.support import tiny_captioner

SIZES = ((50, 71), (64, 64), (50, 71), (30, 20))


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> dict[str, str]:
    return {
        decoder: tiny_captioner.export(tmp_path_factory.mktemp(decoder), decoder)
        for decoder in DECODERS
    }


def images_of() -> list[np.ndarray]:
    return [tiny_captioner.random_image(seed, *size) for seed, size in enumerate(SIZES)]


@pytest.mark.parametrize("decoder", DECODERS)
def test_images_of_any_sizes_are_described_each_by_itself(exports, decoder):
    images = images_of()
    with CaptionModel(exports[decoder]) as model:
        together = model.run_batch(images)
        alone = [model.run(image) for image in images]
        assert model.engine_name == "tensorflow"
        assert model.takes_batches
    assert len({captions[0].text for captions in alone}) > 1
    for one, other in zip(together, alone, strict=True):
        assert [each.text for each in one] == [each.text for each in other]
        logarithms = [each.log_probability for each in one]
        np.testing.assert_allclose(logarithms, [each.log_probability for each in other], atol=1e-4)
        assert 1 <= len(one) <= 3
        assert sorted(logarithms, reverse=True) == logarithms
        for each in one:
            assert set(each.words) <= set(tiny_captioner.WORDS) - {"<S>", "</S>"}
            assert 0 < each.probability <= 1
            assert (each.attention is None) == (decoder == SHOW_AND_TELL)
            if each.attention is not None:
                assert each.attention.shape == (len(each.words), 2, 2)
                np.testing.assert_allclose(each.attention.sum(axis=(1, 2)), 1, atol=1e-5)


def test_an_optimized_graph_says_what_the_plain_one_says(tmp_path):
    paths = [
        tiny_captioner.export(tmp_path / str(optimize), ATTENTION, optimize=optimize)
        for optimize in (False, True)
    ]
    said = []
    for path in paths:
        with CaptionModel(path) as model:
            said.append(model.run_batch(images_of()))
    for plain, optimized in zip(*said, strict=True):
        assert [each.text for each in plain] == [each.text for each in optimized]
        for one, other in zip(plain, optimized, strict=True):
            np.testing.assert_allclose(one.log_probability, other.log_probability, atol=1e-4)
            np.testing.assert_allclose(one.attention, other.attention, atol=1e-3)


def test_files_and_other_images_are_taken(exports, tmp_path):
    image = images_of()[0]
    path = tmp_path / "a.png"
    Image.fromarray(image).save(path)
    with CaptionModel(exports[SHOW_AND_TELL]) as model:
        expected = model.run(image)
        assert model.run(path) == model.run(path.read_bytes()) == expected
        assert model.run(Image.open(path)) == expected
        model.warm_up(batch_size=2)


def test_the_search_of_the_export_decides_how_many_captions_there_are(tmp_path):
    search = SearchOptions(beam_size=1, max_length=4)
    with CaptionModel(tiny_captioner.export(tmp_path, SHOW_AND_TELL, search)) as model:
        for image in images_of():
            (caption,) = model.run(image)
            assert len(caption.words) <= 3


def test_wrong_use_is_told(exports, tmp_path):
    path = exports[SHOW_AND_TELL]
    with pytest.raises(ValueError, match="is a captioning graph, not a classifier: use it with se"):
        ImageClassifier(path)
    with pytest.raises(ValueError, match="searched for word by word, which only TensorFlow does"):
        CaptionModel(path, precision="int8")
    with pytest.raises(ValueError, match="searched for word by word, which only TensorFlow does"):
        CaptionModel(path, "openvino")  # Whether or not it is installed.
    model = CaptionModel(path)
    with pytest.raises(TypeError, match=r"expected a list of images. Use run\(image\)"):
        model.run_batch(images_of()[0].tobytes())
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0no image")
    with pytest.raises(ValueError, match=r"broken\.jpg"):
        model.run(broken)
    model.close()
    with pytest.raises(ValueError, match="was closed"):
        model.run(images_of()[0])
