"""Whether an export has changed."""

from serving import export_state
from tests.support import toy_export


def test_the_state_changes_with_every_file_of_the_export_and_no_other(tmp_path):
    path = str(toy_export.write(tmp_path))
    before = export_state.state_of_files(path)
    (tmp_path / "notes.txt").write_text("x")
    assert export_state.state_of_files(path) == before
    (tmp_path / "inference_graph.tflite").write_bytes(b"x")
    assert export_state.state_of_files(path) != before
