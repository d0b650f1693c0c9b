"""Images in, sentences out: the graph that an export freezes, with the search inside.

Besides, the graph that research/im2txt's programs ask for one word after the other.
"""

import tensorflow.compat.v1 as tf

from captioning.data import preprocess
from captioning.network import beam_search, network
from captioning.network.decoder import Decoder, Tensors
from captioning.options import ATTENTION, SHOW_AND_TELL, ModelOptions, SearchOptions
from captioning.run_description import RunDescription
from datasets.captioning.vocabulary import Vocabulary
from nets.batch_norm import BatchNormMode
from serving import contract

_SIGNATURE = contract.CAPTIONING
OUTPUTS = (
    _SIGNATURE.predictions,
    _SIGNATURE.probabilities,
    contract.CAPTION_IDS,
    contract.CAPTION_LENGTHS,
)

# Of research/im2txt's inference graph.
IM2TXT_INPUT = "image_feed"
IM2TXT_OUTPUTS = ("lstm/initial_state", "softmax", "lstm/state")
_IM2TXT_WORDS, _IM2TXT_STATE = "input_feed", "lstm/state_feed"
_JPEG_CHANNELS = 3


def build_inference_graph(description: RunDescription, search: SearchOptions) -> list[str]:
    """Builds the graph of inference in the default graph.

    Nodes, by name:
      ImageTensor: the input, uint8 [batch, height, width, 3], RGB.
      Captions: string [batch, beams], words with blanks between them and without marks, the best
        caption first; "" where there are fewer.
      CaptionLogProbabilities: float32 [batch, beams], of the whole captions.
      CaptionIds: int32 [batch, beams, max_length], see `beam_search.Captions.words`.
      CaptionLengths: int32 [batch, beams], with the words that mark start and end.
      CaptionAttention: float32 [batch, beams, max_length - 1, places], where the network looked for
        each word after the first; only of networks that look again before each word.

    Args:
      description: the network, its vocabulary and how it sees an image.
      search: how captions are searched for.

    Returns:
      Names of the nodes that an export keeps.

    Raises:
      ValueError: an option is out of its range.
    """
    description.validate()
    known = description.vocabulary
    images = tf.placeholder(tf.uint8, [None, None, None, 3], name=contract.INPUT)
    features, decoder = _build_network(images, description)
    with tf.name_scope("search"):
        found = beam_search.search(decoder, features, known.start, known.end, search, known.unknown)
    with tf.name_scope("postprocess"):
        sentences = _sentences(found, known)
    tf.identity(sentences, _SIGNATURE.predictions)
    tf.identity(found.log_probabilities, _SIGNATURE.probabilities)
    tf.identity(found.words, contract.CAPTION_IDS)
    tf.identity(found.lengths, contract.CAPTION_LENGTHS)
    if found.attention is None:
        return [*OUTPUTS]
    tf.identity(found.attention, contract.CAPTION_ATTENTION)
    return [*OUTPUTS, contract.CAPTION_ATTENTION]


def attention_size(description: RunDescription) -> tuple[int, int] | None:
    """Returns the (rows, columns) of the places that a network looks at.

    None if it does not look again before each word.
    """
    if description.model.decoder != ATTENTION:
        return None
    return network.feature_shape(description.model, description.view.image_size)[:2]


def check_im2txt(model: ModelOptions) -> None:
    """Refuses (ValueError) a network that research/im2txt's programs cannot run."""
    if model.decoder != SHOW_AND_TELL:
        raise ValueError(
            f"research/im2txt's graph is that of decoder {SHOW_AND_TELL}; this network has decoder "
            f"{model.decoder}, which has no state of an LSTM. Omit --save_im2txt_graph."
        )


def build_im2txt_graph(description: RunDescription) -> list[str]:
    """Builds the graph that research/im2txt's inference asks for one word after the other.

    Nodes, by name:
      image_feed: string [], a JPEG file.
      lstm/initial_state: float32 [1, 2 units], the LSTM's memory and output after the image.
      input_feed: int64 [captions], the last word of each caption.
      lstm/state_feed: float32 [captions, 2 units].
      softmax: float32 [captions, words], probabilities of the next word.
      lstm/state: float32 [captions, 2 units], after the word.

    Args:
      description: the network, and how it sees an image.

    Returns:
      Names of the nodes that an export keeps.

    Raises:
      ValueError: the network is of another kind.
    """
    check_im2txt(description.model)
    image_file = tf.placeholder(tf.string, [], name=IM2TXT_INPUT)
    image = tf.image.decode_jpeg(image_file, channels=_JPEG_CHANNELS)
    features, decoder = _build_network(image[tf.newaxis], description)
    _, first = decoder.start(features)
    words = tf.placeholder(tf.int64, [None], name=_IM2TXT_WORDS)
    size = 2 * description.model.num_units
    state = tf.placeholder(tf.float32, [None, size], name=_IM2TXT_STATE)
    step = decoder.step(words, (), _halves(state))
    tf.concat(first, axis=1, name=IM2TXT_OUTPUTS[0])
    tf.nn.softmax(step.logits, name=IM2TXT_OUTPUTS[1])
    tf.concat(step.state, axis=1, name=IM2TXT_OUTPUTS[2])
    return [*IM2TXT_OUTPUTS, _IM2TXT_WORDS, _IM2TXT_STATE]


def _build_network(images: tf.Tensor, description: RunDescription) -> tuple[tf.Tensor, Decoder]:
    """Returns the features of images of one size, and the decoder."""
    size = description.view.image_size
    with tf.name_scope("preprocess"):
        seen = preprocess.evaluation_images(images, size)
        # In a frozen graph a static shape alone would be lost.
        seen = tf.reshape(seen, [-1, size, size, 3])
    features = network.encode(seen, description.model, 0.0, BatchNormMode())
    return features, network.make_decoder(description.model, features.shape[-1].value)


def _sentences(found: beam_search.Captions, known: Vocabulary) -> tf.Tensor:
    """Returns the captions as sentences, string [batch, beams]."""
    words = tf.gather(tf.constant(known.words), found.words)
    is_said = (
        tf.sequence_mask(found.lengths, tf.shape(found.words)[2])
        & tf.not_equal(found.words, known.start)
        & tf.not_equal(found.words, known.end)
    )
    said = tf.where(is_said, tf.strings.join([" ", words]), tf.fill(tf.shape(words), ""))
    return tf.strings.strip(tf.strings.reduce_join(said, axis=2))


def _halves(state: tf.Tensor) -> Tensors:
    memory, output = tf.split(state, 2, axis=1)
    return memory, output
