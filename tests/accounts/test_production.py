"""A production start names every fault at once and refuses (SEC-62)."""

from pathlib import Path
from typing import Any

import pytest

from apps.accounts import production
from apps.accounts.models import User


@pytest.fixture
def fit(settings: Any, tmp_path: Path) -> Any:
    """Settings fit for production."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    kek = tmp_path / "kek.key"
    kek.write_bytes(b"k" * 32)
    kek.chmod(0o600)
    settings.PRODUCTION = True
    settings.DEBUG = False
    settings.SECRET_KEY = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    settings.BASE_URL = "https://records.college.example"
    settings.ALLOWED_HOSTS = ["records.college.example"]
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.KEK_FILE, settings.DATA_DIR = kek, data
    settings.REDIS_URL, settings.FETCH_ALLOW = "", []
    return settings


def test_fit_settings_have_no_fault(fit: Any) -> None:
    assert list(production.settings_faults()) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DEBUG", True, "DJANGO_DEBUG"),
        ("SECRET_KEY", "absent", "DJANGO_SECRET_KEY"),
        ("SECRET_KEY", "a" * 60, "DJANGO_SECRET_KEY"),
        ("BASE_URL", "http://records.college.example", "not https"),
        ("ALLOWED_HOSTS", ["*"], "Hosts"),
        ("SESSION_COOKIE_SECURE", False, "Cookies"),
        ("REDIS_URL", "redis://broker.college.example:6379/0", "no password"),
        ("FETCH_ALLOW", ["127.0.0.1:9000"], "inner range"),
        ("FETCH_ALLOW", ["10.1.2.3:443"], "inner range"),
    ],
)
def test_each_unsafe_setting_is_named(fit: Any, name: str, value: Any, said: str) -> None:
    setattr(fit, name, value)
    [fault] = production.settings_faults()
    assert said in fault


def test_a_key_that_others_can_read_is_named(fit: Any) -> None:
    fit.KEK_FILE.chmod(0o644)
    [fault] = production.settings_faults()
    assert "0600" in fault


def test_a_key_beside_the_data_is_named(fit: Any) -> None:
    inside = fit.DATA_DIR / "kek.key"
    inside.write_bytes(b"k")
    inside.chmod(0o600)
    fit.KEK_FILE = inside
    [fault] = production.settings_faults()
    assert "data folder" in fault


def test_a_data_folder_for_everybody_is_named(fit: Any) -> None:
    fit.DATA_DIR.chmod(0o755)
    [fault] = production.settings_faults()
    assert "0700" in fault


@pytest.mark.django_db
def test_all_faults_are_named_at_once(fit: Any) -> None:
    fit.DEBUG, fit.BASE_URL = True, "http://records.college.example"
    User.objects.create_user("registrar@demo.example", production.DEMO_PASSWORD)
    with pytest.raises(production.UnsafeStart) as refusal:
        production.refuse_unsafe_start()
    for said in ("DJANGO_DEBUG", "not https", "Demo people", "demo password"):
        assert said in str(refusal.value)


def test_a_trial_starts_whatever_its_settings(settings: Any) -> None:
    settings.PRODUCTION, settings.DEBUG = False, True
    production.refuse_unsafe_start()
