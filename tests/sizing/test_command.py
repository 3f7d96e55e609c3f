"""`momo size`, and the document that has what it prints."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from momo.cli import main
from momo.sizing.costs import load
from tests.sizing import document


def test_the_documents_tables_are_what_the_commands_print() -> None:
    text = document.DOCUMENT.read_text(encoding="utf-8")
    for name, table in document.blocks(load()).items():
        assert document.block(text, name) == table, f"`python -m tests.sizing.document` writes {name} anew"
    assert CliRunner().invoke(main, ["size"]).stdout.strip() == document.block(text, "size")


def test_a_table_is_written_between_its_marks_and_nowhere_else() -> None:
    text = "a\n<!-- x -->\nold\n<!-- /x -->\nb"
    assert document.written(text, "x", r"\1 new") == "a\n<!-- x -->\n\\1 new\n<!-- /x -->\nb"
    with pytest.raises(ValueError, match="marks <!-- y -->"):
        document.written(text, "y", "")


def test_each_rate_has_a_column() -> None:
    said = CliRunner().invoke(main, ["size", "--commands-per-second", "500", "--commands-per-second", "7000"])
    assert [cell.strip() for cell in said.stdout.splitlines()[0].split("|")[1:-1]] == ["commands/s", "500", "7,000"]


def test_json_has_the_plans_and_where_the_costs_were_measured() -> None:
    said = msgspec.json.decode(CliRunner().invoke(main, ["size", "--commands-per-second", "2000", "--json"]).stdout)
    assert said["machine"] == load().machine
    assert [found["commands_per_second"] for found in said["plans"]] == [2_000]


def test_costs_of_ones_own_are_counted_with(tmp_path: Path) -> None:
    kept = msgspec.json.decode((resources.files("momo.sizing") / "costs.json").read_bytes())
    for name in kept["cases"]["cost"]:
        if name.startswith("gateway.") and name.endswith("gateway_us"):
            kept["cases"]["cost"][name] *= 10
    (tmp_path / "mine.json").write_bytes(msgspec.json.encode(kept))
    words = ["size", "--commands-per-second", "10000", "--json"]
    usual, mine = (
        msgspec.json.decode(CliRunner().invoke(main, [*words, *more]).stdout)["plans"][0]
        for more in ([], ["--costs", str(tmp_path / "mine.json")])
    )
    assert mine["gateways"] > 5 * usual["gateways"]
    assert mine["workers"] == usual["workers"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "can't be read"), ("{", "no report"), ('{"cases": {"drain": {}}}', "no case 'cost'")],
)
def test_costs_that_are_none_are_told_in_one_line(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "costs.json"
    if content is not None:
        file.write_text(content)
    found = CliRunner().invoke(main, ["size", "--costs", str(file)])
    assert found.exit_code == 2
    assert said in found.stderr
    assert len(found.stderr.splitlines()) == 1
