"""Contender: research/im2txt's inference, or the attention tutorial's: a checkpoint, and a graph
that Python asks for one word after the other, image by image."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from captioning import inference_graph, run_description
from captioning.data import preprocess
from captioning.network import network
from captioning.options import SHOW_AND_TELL
from captioning.run_description import RunDescription
from nets.batch_norm import BatchNormMode
from reference import caption_search
from reference.attention_tutorial import Tutorial, TutorialGraph
from reference.caption_search import Asked
from reference.im2txt import Im2txtGraph
from scripts.benchmarks import captioners, prediction


def load(parameters: Mapping[str, Any], images: np.ndarray) -> prediction.Predict:
    tf.disable_v2_behavior()
    checkpoint = parameters["checkpoint"]
    description = run_description.read_description(os.path.dirname(checkpoint))
    session = tf.Session()
    asked = _build(description, session)
    tf.train.Saver().restore(session, checkpoint)
    known = description.vocabulary

    def describe(image: np.ndarray) -> list[str]:
        found = caption_search.search(asked, image, known.start, known.end, captioners.SEARCH)
        return [known.sentence(caption.words) for caption in found]

    return lambda: captioners.table(map(describe, images))


def _build(description: RunDescription, session: tf.Session) -> Asked:
    model = description.model
    if model.decoder == SHOW_AND_TELL:
        inference_graph.build_im2txt_graph(description)
        return Im2txtGraph(session)
    images = tf.placeholder(tf.uint8, [None, None, None, 3])
    seen = preprocess.evaluation_images(images, description.view.image_size)
    features = network.encode(seen, model, 0.0, BatchNormMode())
    depth = features.shape[-1].value
    tutorial = Tutorial(model.num_words, depth, model.embedding_size, model.num_units)
    return TutorialGraph(session, tutorial, images, features)


if __name__ == "__main__":
    prediction.serve(load, {"TensorFlow": tf.version.VERSION})
