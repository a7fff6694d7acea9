"""Tables of other forms: sealed as the measured ones are."""

import pytest

from crlab import data


@pytest.mark.parametrize("path", sorted(data._INPUTS.iterdir()), ids=lambda p: p.stem)
def test_every_input_table_loads_and_names_its_source(path):
    assert len(data.input_table(path.stem)) > 0
    assert {"title", "quantity", "errors", "entered"} <= set(data.input_table(path.stem).meta)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="spallation-h"):
        data.input_table("spallation")


def test_an_altered_file_is_refused(tmp_path, monkeypatch):
    text = (data._INPUTS / "spallation-h.ecsv").read_text()
    (tmp_path / "spallation-h.ecsv").write_text(text.replace("12C total 252.0", "12C total 251.0"))
    monkeypatch.setattr(data, "_INPUTS", tmp_path)
    with pytest.raises(ValueError, match="altered"):
        data.input_table("spallation-h")
