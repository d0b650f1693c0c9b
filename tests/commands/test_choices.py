"""Options list the choices of modules that are too heavy for --help: the lists are the same."""

from classification.commands import build_tfrecords_flags as classification_build_flags
from commands import build_options, task_choice
from commands import shared_options as command_options
from commands.build_options import BuildingOptions
from common import dataset_files
from datasets.classification import sources as classification_sources
from datasets.images.memory_limit import DEFAULT_LIMIT_MB
from datasets.records import tfrecords
from datasets.segmentation import record_format, sources, specs
from datasets.segmentation.sources import annotated, class_file, demo
from deeplab.commands import build_tfrecords_flags, infer_flags, shared_options, source_options
from deeplab.commands.describe_tfrecords_flags import DescribeOptions
from export import model_repository
from scripts.benchmarks import options, suite
from serving import engines, results


def test_they_are_those_of_the_modules():
    assert tuple(sources.SOURCES) == task_choice._SOURCES["deeplab"]
    assert annotated.OVERLAPS == source_options._OVERLAPS
    assert build_tfrecords_flags._GRADIENT_FORMATS == record_format.GRADIENT_FORMATS
    assert build_options._MAX_SHARDS == tfrecords.MAX_SHARDS
    labeled = set(classification_sources.SOURCES)
    assert set(classification_build_flags._SOURCES) == labeled
    assert set(task_choice._SOURCES["classification"]) == labeled
    assert BuildingOptions.memory_limit_mb == DEFAULT_LIMIT_MB
    assert demo.DEFAULT_FOLDER == "data/demo"
    assert dataset_files.DATASETS_ROOT == "data/tfrecords"
    assert DescribeOptions.ignore_label == class_file.DEFAULT_IGNORE_LABEL
    assert tuple(sorted(specs.PUBLISHED_DATASETS)) == shared_options.PUBLISHED_DATASETS
    assert tuple(engines.NAMES) == command_options._ENGINES
    assert model_repository.KINDS == command_options._BUNDLES
    assert tuple(engines.PRECISIONS) == command_options._PRECISIONS
    assert tuple(sorted(results.IDS_ENDINGS)) == infer_flags._ID_FORMATS
    assert tuple(suite.BENCHMARKS) == options.NAMES
