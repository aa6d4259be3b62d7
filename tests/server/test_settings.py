"""Settings: read from the environment, checked at the start, told line by line where they are wrong."""

import stat
from pathlib import Path

import pytest

from app.server.settings import LogFormat, Settings, SettingsFailure, complete, generated_secret, read_settings

STRONG = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that tells nothing."""
    for name in ("DATABASE_URL", "REDIS_URL", "DATABASE_READ_URL", "LADING_SECRET", "LADING_MODE"):
        monkeypatch.delenv(name, raising=False)


class TestSettings:
    def test_each_say_what_they_are_for(self):
        assert [name for name, field in Settings.model_fields.items() if not field.description] == []

    def test_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("LADING_PORT", "9000")
        monkeypatch.setenv("LADING_CORS_ORIGINS", "https://a.example, https://b.example")
        monkeypatch.setenv("LADING_LIMIT_PAGE_MAX", "50")
        settings = read_settings(workers=2)
        assert (settings.port, settings.workers, settings.limits.page_max) == (9000, 2, 50)
        assert settings.cors_origins == ("https://a.example", "https://b.example")

    def test_tell_every_mistake_in_a_line_of_its_own(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("LADING_PORT", "many")
        monkeypatch.setenv("DATABASE_URL", "mysql://nowhere")
        monkeypatch.setenv("LADING_SECRET", "secret" * 10)
        with pytest.raises(SettingsFailure) as failure:
            read_settings()
        lines = str(failure.value).split("\n")
        assert [line.split(":")[0] for line in lines] == ["DATABASE_URL", "LADING_SECRET", "LADING_PORT"]
        assert "secretsecret" not in str(failure.value)

    @pytest.mark.parametrize(("name", "text"), [("PAGES", "1"), ("PAGE_MAX", "0"), ("PAGE_MAX", "lots")])
    def test_know_their_limits(self, monkeypatch: pytest.MonkeyPatch, name: str, text: str):
        monkeypatch.setenv(f"LADING_LIMIT_{name}", text)
        with pytest.raises(SettingsFailure, match=f"^LADING_LIMIT_{name}: "):
            read_settings()

    def test_never_show_secrets(self):
        settings = read_settings(secret=STRONG)
        assert STRONG not in repr(settings)

    def test_refuse_production_without_a_secret(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("LADING_MODE", "production")
        with pytest.raises(SettingsFailure, match="in production: LADING_SECRET, DATABASE_URL, REDIS_URL"):
            read_settings()

    def test_write_json_lines_in_production(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("DATABASE_URL", "postgresql://here")
        monkeypatch.setenv("REDIS_URL", "redis://here")
        assert read_settings(mode="production", secret=STRONG).log_lines is LogFormat.JSON


class TestGeneratedSecret:
    def test_is_made_once_for_its_owner_alone(self, tmp_path: Path):
        first = generated_secret(tmp_path / "new")
        assert generated_secret(tmp_path / "new") == first
        assert stat.S_IMODE((tmp_path / "new" / "secret").stat().st_mode) == 0o600

    def test_completes_settings_that_name_servers(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        monkeypatch.setenv("DATABASE_URL", "postgresql://here")
        monkeypatch.setenv("REDIS_URL", "redis://here")
        with complete(read_settings(home=tmp_path)) as settings:
            assert settings.signed_with == generated_secret(tmp_path)
            assert settings.read_from == "postgresql://here"
