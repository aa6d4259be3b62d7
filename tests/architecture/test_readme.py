"""What the documents say is so: their tables, commands, queries and files are those of the code."""

from __future__ import annotations

import re

import pytest
from graphql import parse, validate

from app.__main__ import commands
from schema.root import GRAPH
from tests.architecture.readme import README, filled
from tests.architecture.sources import ROOT

DOCUMENTS = ("README.md", "ARCHITECTURE.md", "DECISIONS.md", "CHANGELOG.md")


def blocks(document: str, language: str) -> list[str]:
    """The pieces of code of one language in a document."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)


class TestReadme:
    def test_has_the_settings_limits_and_results_that_there_are(self) -> None:
        text = README.read_text()
        assert text == filled(text), "Settings, limits or results changed: run `python -m tests.architecture.readme`."


class TestClients:
    def test_follow_as_their_tests_do(self) -> None:
        """Each line of a snippet stands in one script that the tests run, in that order; others may stand between."""
        scripts = [path.read_text().splitlines() for path in sorted((ROOT / "tests/clients").glob("*.*"))]
        snippets = [*blocks("README.md", "js"), *blocks("README.md", "python")]
        assert snippets
        for snippet in snippets:
            assert any(is_part(snippet.splitlines(), script) for script in scripts), snippet


def is_part(wanted: list[str], script: list[str]) -> bool:
    """Whether lines stand in a script in that order, however deep."""
    lines = iter(each.strip() for each in script)
    return all(line.strip() in lines for line in wanted)


@pytest.mark.parametrize("document", DOCUMENTS)
class TestDocuments:
    def test_ask_what_the_graph_answers(self, document: str) -> None:
        for block in blocks(document, "graphql"):
            assert validate(GRAPH.schema, parse(block)) == [], block

    def test_name_commands_that_there_are(self, document: str) -> None:
        known = {each.name or getattr(each.callback, "__name__", "") for each in commands.registered_commands}
        known |= {group.name or "" for group in commands.registered_groups}
        said = set(re.findall(r"(?:\./lading|`lading) ([a-z]+)", (ROOT / document).read_text()))
        assert said <= known, f"There is no such command: {', '.join(sorted(said - known))}"

    def test_name_files_that_there_are(self, document: str) -> None:
        said = re.findall(r"`((?:app|schema|resolvers|tests|migrations)/[\w./]+\.\w+)`", (ROOT / document).read_text())
        missing = [path for path in said if not (ROOT / path).exists()]
        assert not missing, f"There is no such file: {', '.join(missing)}"
