"""What is said of a command line that would fit another task."""

import pytest

from commands import execution, task_choice, task_hints


def refusal(task: str, name: str, argument: str, capsys) -> str:
    command = task_hints.find_command(task, name)
    assert command is not None
    with pytest.raises(SystemExit) as ended:
        execution.parse(task_hints.with_other_tasks(command, task, name), ["x.py", argument])
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[0]


def test_a_flag_of_another_task_names_the_task(capsys):
    assert refusal("deeplab", "infer", "--sheet_dir=x", capsys) == (
        "error: there is no flag --sheet_dir in the task deeplab, which this command line is taken "
        "to be about; captioning has it. Give --task=captioning, or check what the other flags "
        "name."
    )
    assert "classification and captioning have it" in refusal("deeplab", "infer", "--top=2", capsys)
    assert "captioning has it" in refusal("deeplab", "infer", "--notext_files", capsys)


def test_a_flag_of_no_task_is_spelt_wrong(capsys):
    wanted = "error: there is no flag --sheets_of_paper."
    assert refusal("deeplab", "infer", "--sheets_of_paper", capsys) == wanted
    assert "Did you mean --model?" in refusal("deeplab", "infer", "--modle=x", capsys)


def test_what_a_task_explains_itself_comes_first(capsys):
    wanted = "error: --beam_size is fixed in the export: give it to export_model.py."
    assert refusal("captioning", "infer", "--beam_size=3", capsys) == wanted


def test_a_command_that_a_task_lacks_has_another_in_its_place(capsys):
    assert task_hints.find_command("captioning", "vis") is None
    with pytest.raises(SystemExit) as ended:
        task_hints.refuse_command("captioning", "vis")
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "error: the task captioning has no command vis; python infer.py IMAGES… "
        "--sheet_dir=FOLDER draws its captions.\n"
    )


def test_a_source_of_no_task_is_refused_with_all_there_are(capsys):
    with pytest.raises(SystemExit) as ended:
        task_choice.take("build_tfrecords", ["x.py", "--dataset=coco_caption"])
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: --dataset is 'coco_caption'. Did you mean coco_captions?")
    for names in ("camvid, voc2012", "cityscapes, ade20k", "cifar (classification)"):
        assert names in message
