"""The doctor: it finds what is wrong, and only that."""

from pathlib import Path

from app.server.doctor import examine
from app.server.settings import read_settings


class TestExamine:
    def test_finds_nothing_wrong_where_all_is_well(self, database_url: str, redis_url: str, tmp_path: Path):
        settings = read_settings(DATABASE_URL=database_url, REDIS_URL=redis_url, home=tmp_path, port=1)
        findings = {finding.what: finding for finding in examine(settings)}
        assert [finding for finding in findings.values() if finding.wrong] == []
        assert {"Python", "PostgreSQL", "Schema of PostgreSQL", "Redis", "Interface"} <= findings.keys()

    def test_says_what_does_not_answer_and_what_lacks_a_schema(self, empty_database_url: str, tmp_path: Path):
        told = {"DATABASE_URL": empty_database_url, "REDIS_URL": "redis://127.0.0.1:1"}
        wrong = {finding.what: finding for finding in examine(read_settings(**told, home=tmp_path)) if finding.wrong}
        assert wrong.keys() == {"Redis", "Schema of PostgreSQL"}
        assert wrong["Schema of PostgreSQL"].advice.endswith("run `lading migrate`")

    def test_never_tells_a_password(self, database_url: str, tmp_path: Path):
        told = {"DATABASE_URL": "postgresql://me:hush@127.0.0.1:1/x", "REDIS_URL": "redis://:hush@127.0.0.1:1"}
        assert "hush" not in repr(list(examine(read_settings(**told, home=tmp_path))))
