"""The flags of the command that builds records of captions."""

import pytest

from captioning.commands import build_tfrecords_flags, describe_tfrecords_flags
from commands import execution, task_choice
from datasets.captioning import sources, tokens, vocabulary


def test_choices_are_those_of_the_modules():
    assert tuple(sources.SOURCES) == build_tfrecords_flags._SOURCES
    assert tuple(tokens.SPLITTINGS) == build_tfrecords_flags._SPLITTINGS
    assert task_choice._SOURCES["captioning"] == tuple(sources.SOURCES)
    assert describe_tfrecords_flags._SPLITTINGS == build_tfrecords_flags._SPLITTINGS
    assert task_choice._WORD_COUNTS_FILE == vocabulary.WORD_COUNTS_FILE
    assert build_tfrecords_flags.BuildOptions.min_word_count == vocabulary.DEFAULT_MIN_COUNT


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--train_image_dir=/c/train2014", "--data_dir=/c, the folder of train2014, val2014 and "),
        ("--val_captions_file=/c/annotations/captions_val2014.json", "--data_dir=/c, the folder "),
        ("--val_image_dir", "--data_dir=FOLDER, the folder of train2014, val2014 and annotations."),
        ("--test_shards=8", "use --num_shards=INT, the shards of each split, or omit it"),
        ("--word_counts_output_file=w.txt", "word_counts.txt is written beside the records, in "),
        ("--start_word=<s>", "flag --start_word=<s>: captions start with <S> here; omit the flag."),
    ],
)
def test_flags_of_im2txt_that_do_not_work_are_explained(argument, message, capsys):
    with pytest.raises(SystemExit) as ended:
        execution.parse(build_tfrecords_flags.COMMAND, ["command", argument])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
