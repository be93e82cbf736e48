"""Files for the offline import; that Neo4j reads them as they were is tested with the sandbox."""

from __future__ import annotations

from pathlib import Path

from identity_service.graph.import_files import FORMAT, ImportFiles


def lines(file: Path) -> list[str]:
    """Lines of a file, with “'” for what stands around texts."""
    return file.read_text(encoding="utf-8").replace("\x1e", "'").split("\n")[:-1]


def test_a_column_is_added_when_a_property_comes(tmp_path: Path) -> None:
    with ImportFiles(tmp_path) as files:
        files.nodes([(["Event"], {"key": "a"})], "Event", "key")
        files.nodes([(["Event", "Old"], {"at": 5, "key": "b"})], "Event", "key")

    assert lines(tmp_path / "Event.header.csv") == ["':ID(Event)',':LABEL','key:string','at:long'"]
    assert lines(tmp_path / "Event.csv") == [
        "'a','Event','a'",
        "'b','Event\x1fOld','b',5",
    ]


def test_values_of_two_types_under_one_name_go_to_two_tables(tmp_path: Path) -> None:
    values = [1, "1", 1.5, True, ["1", "a\x1fb"], 2, float("-inf")]

    with ImportFiles(tmp_path) as files:
        files.nodes(((["Change"], {"p": value}) for value in values), "Change")

    written = {path.name: lines(path) for path in tmp_path.glob("*.csv")}
    assert [written[f"Change{n}.header.csv"][0] for n in ("", "-1", "-2", "-3", "-4")] == [
        f"':LABEL','p:{kind}'" for kind in ("long", "string", "double", "boolean", "string[]")
    ]
    assert written["Change.csv"] == ["'Change',1", "'Change',2"]
    assert written["Change-2.csv"] == ["'Change',1.5", "'Change',-Infinity"]
    assert written["Change-4.csv"] == ["'Change','1\x1fa\ufffdb'"]


def test_columns_keep_their_place_whatever_the_order_and_the_gaps(tmp_path: Path) -> None:
    rows = [{"a": "1", "b": 2, "c": ""}, {"c": "3", "a": "4"}, {"b": 5}, {}]

    with ImportFiles(tmp_path) as files:
        files.nodes(((["Change"], each) for each in rows), "Change")

    assert lines(tmp_path / "Change.csv") == [
        "'Change','1',2,''",
        "'Change','4',,'3'",
        "'Change',,5",
        "'Change'",
    ]


def test_what_stands_around_texts_is_doubled_inside_them_and_nothing_else_is(
    tmp_path: Path,
) -> None:
    with ImportFiles(tmp_path) as files:
        files.nodes(
            [(["Event"], {"key": "a"}), (["Event"], {"key": 'b\x1e,"'}), (["Event"], {"key": "c"})],
            "Event",
            "key",
        )

    assert lines(tmp_path / "Event.csv") == [
        "'a','Event','a'",
        "'b'',\"','Event','b'',\"'",
        "'c','Event','c'",
    ]


def test_a_row_with_a_line_break_is_in_a_file_of_its_own(tmp_path: Path) -> None:
    with ImportFiles(tmp_path) as files:
        files.relationships("R", ("A", "B"), [("a", "b"), ("a\n", "b", {"at": 1})])

    assert lines(tmp_path / "R.csv") == ["'a','b'"]
    assert lines(tmp_path / "R.broken.csv") == ["'a", "','b',1"]
    assert files.arguments() == (
        *FORMAT,
        "--nodes=A.header.csv,A.csv",
        "--nodes=B.header.csv,B.csv",
        "--relationships=R=R.header.csv,R.csv,R.broken.csv",
        "--multiline-fields-format=v2",
        "--multiline-fields=R.broken.csv",
    )
