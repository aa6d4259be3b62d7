"""Trusted documents on disk: every form that build tools write is read, and what is wrong is told in a line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from app.server.doctor_documents import documents_finding
from app.server.failure import Failure
from app.server.migrating import ROOT
from app.server.settings import PREFIX, Settings, SettingsFailure, read_settings
from app.server.trusting import APOLLO_FORMAT, trusted_texts
from resolvers.reading.trusted import hash_of

GOOD, BROKEN = "{ products { totalCount } }", "{ nothing }"


def manifest(*operations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A manifest as Apollo's tool writes it."""
    return {"format": APOLLO_FORMAT, "version": 1, "operations": list(operations), **changes}


def operation(name: str, body: str) -> dict[str, Any]:
    """One operation of a manifest."""
    return {"id": name, "name": "Some", "type": "query", "body": body}


def settings_of(path: Path, told: Any = None) -> Settings:
    """Settings that name `path`, after `told` was written there as JSON."""
    if told is not None:
        path.write_text(told if isinstance(told, str) else json.dumps(told))
    return read_settings(trusted_documents=path)


class TestReading:
    @pytest.mark.parametrize("told", [{"a": GOOD, "b": BROKEN}, manifest(operation("a", GOOD), operation("b", BROKEN))])
    def test_takes_ids_from_a_file(self, tmp_path: Path, told: Any):
        assert trusted_texts(settings_of(tmp_path / "documents.json", told)) == {"a": GOOD, "b": BROKEN}

    def test_takes_hashes_of_the_files_in_a_folder(self, tmp_path: Path):
        (tmp_path / "deeper").mkdir()
        (tmp_path / "one.graphql").write_text(GOOD)
        (tmp_path / "deeper" / "two.graphql").write_text("# café\n" + GOOD)
        (tmp_path / "README").write_text("nothing")
        texts = [GOOD, "# café\n" + GOOD]
        assert trusted_texts(settings_of(tmp_path)) == {hash_of(text): text for text in texts}

    def test_is_nothing_where_nothing_is_told(self):
        assert trusted_texts(read_settings()) == {}

    @pytest.mark.parametrize(
        ("told", "said"),
        [
            ("{", "is not JSON"),
            ([], "neither an object"),
            ({}, "holds no document"),
            ({"a": 1}, "no id or no text at 'a'"),
            ({"a": ""}, "no id or no text at 'a'"),
            (manifest(version=2), "of version 1"),
            (manifest(format="another"), "of version 1"),
            (manifest(operations={}), "no list of `operations`"),
            (manifest({"id": "a"}), "no id or no text at 'a'"),
            (manifest(operation("a", GOOD), operation("a", BROKEN)), "two documents with the id 'a'"),
        ],
    )
    def test_says_what_is_wrong_with_a_file(self, tmp_path: Path, told: Any, said: str):
        with pytest.raises(Failure, match=said) as failure:
            trusted_texts(settings_of(tmp_path / "documents.json", told))
        assert "\n" not in str(failure.value)

    def test_says_what_is_wrong_with_a_place(self, tmp_path: Path):
        with pytest.raises(Failure, match="No such file"):
            trusted_texts(settings_of(tmp_path / "nowhere.json"))
        with pytest.raises(Failure, match="holds no document"):
            trusted_texts(settings_of(tmp_path))
        (tmp_path / "one.graphql").write_bytes(b"\xff")
        with pytest.raises(Failure, match="must be UTF-8"):
            trusted_texts(settings_of(tmp_path))

    def test_is_told_what_to_trust_where_nothing_else_is(self):
        with pytest.raises(SettingsFailure, match="set LADING_TRUSTED_DOCUMENTS too"):
            read_settings(trusted_only=True)


class TestDoctor:
    def test_names_the_broken_ones(self, tmp_path: Path):
        finding = documents_finding(settings_of(tmp_path / "a.json", {"good": GOOD, "bad": BROKEN, "worse": "{"}))
        assert (finding.wrong, finding.found) == (True, "2 of 3 are broken")
        assert "bad: Cannot query field 'nothing'" in finding.advice
        assert "worse: Syntax Error" in finding.advice

    def test_is_content_with_good_ones(self, tmp_path: Path):
        finding = documents_finding(settings_of(tmp_path / "a.json", {"good": GOOD}))
        assert (finding.wrong, finding.found) == (False, "1; others are answered too")

    def test_says_that_they_cannot_be_read(self, tmp_path: Path):
        assert "is not JSON" in documents_finding(settings_of(tmp_path / "a.json", "{")).advice


COMMAND = [sys.executable, "-m", "app", "serve", "--port", "0"]


@pytest.fixture
def environment(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """What a server is told: a fresh database, and the documents of a file in its folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    servers = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "LADING_HOME": str(tmp_path)}
    return inherited | servers | {"LADING_TRUSTED_DOCUMENTS": str(tmp_path / "documents.json")}


def test_a_closed_server_warns_of_broken_documents_and_shows_no_page(environment: dict[str, str], tmp_path: Path):
    settings_of(tmp_path / "documents.json", {"good": GOOD, "bad": BROKEN})
    told = environment | {"LADING_TRUSTED_ONLY": "true", "LADING_LOG_FORMAT": "json"}
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(COMMAND, env=told, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        try:
            assert process.stdout
            address = process.stdout.readline().rpartition(" ")[2].strip()
            assert asked(address, "documentId=good", "application/json") == (
                200,
                {"data": {"products": {"totalCount": 0}}},
            )
            assert asked(address, "query={__typename}", "application/json")[1]["errors"][0]["extensions"] == {
                "code": "DOCUMENT_NOT_TRUSTED"
            }
            assert asked(address, "", "text/html")[0] == 406
        finally:
            process.kill()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["id"] for line in lines if line["event"] == "trusted_document_broken"] == ["bad"]


def asked(address: str, query_string: str, accept: str) -> tuple[int, Any]:
    """Status and body of the answer to a GET, once the server listens."""
    headers = {"Accept": accept, "GraphQL-Require-Preflight": "1"}
    request = Request(f"{address}/graphql?{query_string}", headers=headers)
    for _ in range(600):
        try:
            with urlopen(request, timeout=5) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as answer:
            return answer.code, json.loads(answer.read())
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


def test_a_broken_file_stops_the_start_in_one_line(environment: dict[str, str], tmp_path: Path):
    (tmp_path / "documents.json").write_text("{")
    told = environment | {"LADING_WORKERS": "2"}
    done = subprocess.run(COMMAND, env=told, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("lading: LADING_TRUSTED_DOCUMENTS: ")
    assert done.stderr.count("\n") == 1
