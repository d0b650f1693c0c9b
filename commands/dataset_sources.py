"""Names of the sources of datasets, by task; `datasets/TASK/sources` reads them."""

SOURCES = {
    "deeplab": (
        *("folder", "demo", "camvid", "voc2012", "cityscapes", "ade20k"),
        "labelme",
        "labelme_xml",
        "coco_json",
        "coco_panoptic",
        "roboflow_masks",
        "cvat",
        "label_studio",
        "supervisely",
        "parquet",
        "kitti",
        "bdd100k",
        "mapillary",
        "mapillary_v1_2",
        "coco_stuff",
        "loveda",
        "potsdam",
        "vaihingen",
        "landcover_ai",
        "inria",
        "deepglobe",
    ),
    "classification": ("class_folders", "class_demo", "csv_labels", "cifar"),
    "captioning": ("coco_captions", "flickr_captions", "karpathy_splits", "caption_demo"),
}
