"""Weights that others have published: what each is called, where it lies, and what network it is.

The facts are those of research/deeplab's page of models and of research/slim's. No file came with a
checksum, so none stands here: `published.cache` records that of the first download.
"""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

SEGMENTATION = "segmentation"
ENCODER = "encoder"
CLASSIFIER = "classifier"
# What each kind is called in messages.
KINDS = {
    SEGMENTATION: "a segmentation network",
    ENCODER: "an encoder without a head",
    CLASSIFIER: "a classifier",
}

_HOST = "http://download.tensorflow.org/models/"
# Of all files of Google's.
APACHE = "Apache License 2.0 (Google)"
_ENDING = ".tar.gz"


@dataclasses.dataclass(frozen=True)
class Weights:
    """A published file.

    Attributes:
      name: its key in `CATALOGUE`.
      address: where it was published.
      kind: SEGMENTATION (a whole network, mostly beside its frozen graph), ENCODER or CLASSIFIER.
      model_variant: name of its encoder here.
      options: those of the network that are not the defaults of `deeplab.options.ModelOptions`.
      num_classes: number of classes, background included; 0 for encoders.
      dataset: research/deeplab's name of the dataset that gives the classes; "" for others.
      crop_size: (height, width) that holds the images of this dataset, as the network wants them.
      longest_side: pixels to which the longest side of an image is resized; None for no resize.
      score: mean IoU as it was published, with the split and how it was found.
      num_bytes: size of the file, where it was published.
      license: of the file; the data that it was trained on have terms of their own.
    """

    name: str
    address: str
    kind: str
    model_variant: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    num_classes: int = 0
    dataset: str = ""
    crop_size: tuple[int, int] = (513, 513)
    longest_side: int | None = None
    score: str = ""
    num_bytes: int | None = None
    license: str = APACHE

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.address.rpartition("/")[2]

    @property
    def is_archive(self) -> bool:
        return self.file.endswith(_ENDING)

    @property
    def depth_multiplier(self) -> float:
        return self.options.get("depth_multiplier", 1.0)


def find(name: str) -> Weights | None:
    """Returns the weights of a name, or of a file's name without its ending; None for no such."""
    return CATALOGUE.get(name) or _BY_FILE.get(name)


def explain_missing(name: str) -> str:
    """Returns what to say of a name that no weights have: those that are spelt like it."""
    close = difflib.get_close_matches(name, [*CATALOGUE, *_BY_FILE], n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return "python -m scripts.weights list names the published weights."


def explain_use(weights: Weights, wanted: str) -> str:
    """Returns what to say of weights where something else is wanted, such as "exported model"."""
    start, form = weights, ""
    if not weights.is_archive:
        start, form = checkpoint_like(weights), " in MatConvNet's form, which is not read"
    whose = "it" if start is weights else start.name
    return (
        f"{weights.name} is no {wanted} but {KINDS[weights.kind]}{form}: a training run starts "
        f"with {whose} (python train.py --tf_initial_checkpoint={start.name})."
    )


def checkpoint_like(weights: Weights) -> Weights:
    """Returns weights of the same encoder that are a checkpoint."""
    return next(
        each
        for each in CATALOGUE.values()
        if each.model_variant == weights.model_variant and each.is_archive
    )


def _segmentation(
    name: str,
    file: str,
    model_variant: str,
    dataset: str,
    score: str,
    longest_side: int | None = None,
    **options: Any,
) -> Weights:
    num_classes, crop_size = _DATASETS[dataset]
    if longest_side is not None:
        crop_size = (longest_side, longest_side)
    return Weights(
        name,
        f"{_HOST}{file}{_ENDING}",
        SEGMENTATION,
        model_variant,
        options,
        num_classes,
        dataset,
        crop_size,
        longest_side,
        score,
    )


def _encoder(name: str, file: str, model_variant: str) -> Weights:
    return Weights(name, f"{_HOST}{file}{_ENDING}", ENCODER, model_variant)


def _classifier(name: str, model_variant: str, num_classes: int) -> Weights:
    address = f"{_HOST}{name}{_ENDING}"
    return Weights(name, address, CLASSIFIER, model_variant, num_classes=num_classes)


_VOC, _CITYSCAPES, _ADE20K = "pascal_voc_seg", "cityscapes", "ade20k"
# Classes, and the crop that holds the images: those of Cityscapes have 1024x2048 pixels.
_DATASETS = {_VOC: (21, (513, 513)), _CITYSCAPES: (19, (1025, 2049)), _ADE20K: (151, (513, 513))}

# Rates of output stride 16; at 8 they are doubled. The MobileNets have neither rates nor, but for
# ADE20K, a decoder.
_XCEPTION: Mapping[str, Any] = {"atrous_rates": (6, 12, 18), "decoder_output_stride": (4,)}
# Chen et al., arXiv 1809.04184, figure 5: the cell that was the best on Cityscapes.
_CELL: Mapping[str, Any] = {
    "decoder_output_stride": (4,),
    "dense_prediction_cell_config": (
        {"op": "conv", "input": -1, "kernel": 3, "rate": (1, 6)},
        {"op": "conv", "input": 0, "kernel": 3, "rate": (18, 15)},
        {"op": "conv", "input": 1, "kernel": 3, "rate": (6, 3)},
        {"op": "conv", "input": 0, "kernel": 3, "rate": (1, 1)},
        {"op": "conv", "input": 0, "kernel": 3, "rate": (6, 21)},
    ),
}
_MOBILENET_V3: Mapping[str, Any] = {
    "output_stride": 32,
    "image_pooling_crop_size": (769, 769),
    "image_pooling_stride": (4, 5),
    "aspp_convs_filters": 128,
    "aspp_with_concat_projection": False,
    "aspp_with_squeeze_and_excitation": True,
    "image_se_uses_qsigmoid": True,
    "decoder_output_stride": (8,),
    "decoder_use_sum_merge": True,
    "decoder_filters": 19,
    "decoder_output_is_logits": True,
}

_ALL = (
    _segmentation(
        "mobilenetv2_dm05_coco_voc_trainaug",
        "deeplabv3_mnv2_dm05_pascal_trainaug_2018_10_01",
        "mobilenet_v2",
        _VOC,
        "70.19 (val, output stride 16)",
        depth_multiplier=0.5,
    ),
    _segmentation(
        "mobilenetv2_dm05_coco_voc_trainval",
        "deeplabv3_mnv2_dm05_pascal_trainval_2018_10_01",
        "mobilenet_v2",
        _VOC,
        "71.83 (test, output stride 8)",
        depth_multiplier=0.5,
    ),
    _segmentation(
        "mobilenetv2_coco_voc_trainaug",
        "deeplabv3_mnv2_pascal_train_aug_2018_01_29",
        "mobilenet_v2",
        _VOC,
        "75.32 (val, output stride 16)",
    ),
    _segmentation(
        "mobilenetv2_coco_voc_trainval",
        "deeplabv3_mnv2_pascal_trainval_2018_01_29",
        "mobilenet_v2",
        _VOC,
        "80.25 (test, output stride 8, several scales, flipped)",
    ),
    _segmentation(
        "xception65_coco_voc_trainaug",
        "deeplabv3_pascal_train_aug_2018_01_04",
        "xception_65",
        _VOC,
        "82.20 (val, output stride 16)",
        **_XCEPTION,
    ),
    _segmentation(
        "xception65_coco_voc_trainval",
        "deeplabv3_pascal_trainval_2018_01_04",
        "xception_65",
        _VOC,
        "87.80 (test, output stride 8, several scales, flipped)",
        **_XCEPTION,
    ),
    _segmentation(
        "mobilenetv2_coco_cityscapes_trainfine",
        "deeplabv3_mnv2_cityscapes_train_2018_02_05",
        "mobilenet_v2",
        _CITYSCAPES,
        "70.71 (val, output stride 16)",
    ),
    _segmentation(
        "mobilenetv3_large_cityscapes_trainfine",
        "deeplab_mnv3_large_cityscapes_trainfine_2019_11_15",
        "mobilenet_v3_large_seg",
        _CITYSCAPES,
        "72.41 (val, output stride 32)",
        **_MOBILENET_V3,
    ),
    _segmentation(
        "mobilenetv3_small_cityscapes_trainfine",
        "deeplab_mnv3_small_cityscapes_trainfine_2019_11_15",
        "mobilenet_v3_small_seg",
        _CITYSCAPES,
        "68.99 (val, output stride 32)",
        **_MOBILENET_V3,
    ),
    _segmentation(
        "xception65_cityscapes_trainfine",
        "deeplabv3_cityscapes_train_2018_02_06",
        "xception_65",
        _CITYSCAPES,
        "78.79 (val, output stride 16)",
        **_XCEPTION,
    ),
    _segmentation(
        "xception71_dpc_cityscapes_trainfine",
        "deeplab_cityscapes_xception71_trainfine_2018_09_08",
        "xception_71",
        _CITYSCAPES,
        "80.31 (val, output stride 16)",
        **_CELL,
    ),
    _segmentation(
        "xception71_dpc_cityscapes_trainval",
        "deeplab_cityscapes_xception71_trainvalfine_2018_09_08",
        "xception_71",
        _CITYSCAPES,
        "82.66 (test, output stride 8, several scales, flipped)",
        **_CELL,
    ),
    _segmentation(
        "mobilenetv2_ade20k_train",
        "deeplabv3_mnv2_ade20k_train_2018_12_03",
        "mobilenet_v2",
        _ADE20K,
        "32.04 (val)",
        longest_side=257,
        decoder_output_stride=(4,),
    ),
    _segmentation(
        "xception65_ade20k_train",
        "deeplabv3_xception_ade20k_train_2018_05_29",
        "xception_65",
        _ADE20K,
        "45.65 (val, output stride 8, several scales, flipped)",
        longest_side=513,
        **_XCEPTION,
    ),
    _segmentation(
        "EdgeTPU-DeepLab",
        "edgetpu-deeplab_2020_03_09",
        "mobilenet_edgetpu",
        _CITYSCAPES,
        "70.6 (val, output stride 32)",
        output_stride=32,
    ),
    _segmentation(
        "EdgeTPU-DeepLab-slim",
        "edgetpu-deeplab-slim_2020_03_09",
        "mobilenet_edgetpu",
        _CITYSCAPES,
        "70.0 (val, output stride 32)",
        output_stride=32,
        depth_multiplier=0.75,
        aspp_convs_filters=128,
    ),
    _encoder("xception_41_imagenet", "xception_41_2018_05_09", "xception_41"),
    _encoder("xception_65_imagenet", "deeplabv3_xception_2018_01_04", "xception_65"),
    _encoder("xception_65_imagenet_coco", "xception_65_coco_pretrained_2018_10_02", "xception_65"),
    _encoder("xception_71_imagenet", "xception_71_2018_05_09", "xception_71"),
    _encoder("resnet_v1_50_beta_imagenet", "resnet_v1_50_2018_05_04", "resnet_v1_50_beta"),
    _encoder("resnet_v1_101_beta_imagenet", "resnet_v1_101_2018_05_04", "resnet_v1_101_beta"),
    _classifier("inception_v3_2016_08_28", "inception_v3", 1001),
    _classifier("resnet_v1_50_2016_08_28", "resnet_v1_50", 1000),
    _classifier("resnet_v1_101_2016_08_28", "resnet_v1_101", 1000),
    _classifier("resnet_v1_152_2016_08_28", "resnet_v1_152", 1000),
    _classifier("vgg_16_2016_08_28", "vgg_16", 1000),
    _classifier("vgg_19_2016_08_28", "vgg_19", 1000),
    Weights(
        "imagenet-vgg-verydeep-19",
        "http://www.vlfeat.org/matconvnet/models/imagenet-vgg-verydeep-19.mat",
        CLASSIFIER,
        "vgg_19",
        num_classes=1000,
        num_bytes=534_904_783,
        license="its authors' (Visual Geometry Group, University of Oxford)",
    ),
)

CATALOGUE: Mapping[str, Weights] = {weights.name: weights for weights in _ALL}
_BY_FILE = {weights.file.removesuffix(_ENDING): weights for weights in _ALL if weights.is_archive}
