"""Names of the files of an export."""

import pytest

from common import export_names


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ("runs/a/export/frozen_inference_graph.pb", "runs/a/export/inference_graph.json"),
        ("frozen_inference_graph_513.pb", "inference_graph_513.json"),
        ("x/my_frozen_inference_graph.v2.pb", "x/my_inference_graph.v2.json"),
        ("frozen_frozen_inference_graph.pb", "inference_graph.json"),
        ("frozen_inference_graph/mine.pb", "frozen_inference_graph/mine.json"),  # a folder's name
        ("mine.pb", "mine.json"),
    ],
)
def test_only_the_graph_has_the_name_that_programs_look_for(graph, expected):
    assert export_names.beside(graph, ".json") == expected


def test_forms_are_found_under_both_names(tmp_path):
    graph = str(tmp_path / "frozen_inference_graph.pb")
    assert export_names.find_beside(graph, "_int8.xml") is None
    former = tmp_path / "frozen_inference_graph_int8.xml"
    former.touch()
    assert export_names.find_beside(graph, "_int8.xml") == str(former)
    (tmp_path / "inference_graph_int8.xml").touch()
    found = export_names.find_beside(graph, "_int8.xml")
    assert found == str(tmp_path / "inference_graph_int8.xml")


def test_two_graphs_whose_files_would_be_mixed_up_are_refused(tmp_path):
    folder = tmp_path / "cars [v2]"
    folder.mkdir()
    (folder / "frozen_inference_graph.pb").touch()
    for name in ("frozen_inference_graph.pb", "other.pb", "frozen_inference_graph_513.pb"):
        export_names.check_free(str(folder / name))
    with pytest.raises(ValueError, match=r"inference_graph\.pb and .*frozen_inference_graph\.pb c"):
        export_names.check_free(str(folder / "inference_graph.pb"))


def test_the_folder_of_a_saved_model_is_named_after_another_graph():
    path = export_names.saved_model_path
    assert path("runs/a/export/frozen_inference_graph.pb") == "runs/a/export/saved_model"
    assert path("exports/mine.pb") == "exports/mine_saved_model"
    assert path("frozen_inference_graph_513.pb") == "inference_graph_513_saved_model"
    assert "exports/mine_saved_model" in export_names.form_paths("exports/mine.pb")
