"""``notifykit config`` and ``notifykit doctor``, and what the program says without a command."""

from __future__ import annotations

import pathlib

import pytest
import trustme

from notifykit_kwtsms.sandbox import Sandbox
from tests.cli.conftest import Run


@pytest.fixture(name="folder")
def _folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- settings ---


def test_every_setting_is_listed_with_its_origin(gateway: Sandbox, run: Run, folder: pathlib.Path) -> None:
    """Those of plugins among them; the password is stars."""
    (folder / ".env").write_text("NOTIFYKIT_TIMEOUT=7\n")
    rows = {line.split()[0]: line.split()[1:] for line in run("config").out.splitlines()}
    assert rows["timeout"] == ["7.0", ".env"]
    assert rows["kwtsms.password"] == ["****", "environment"]
    assert rows["kwtsms.sender"] == ["MY-APP", "environment"]
    assert rows["strict"] == ["False", "default"]


def test_another_file_than_dot_env_can_be_named(run: Run, folder: pathlib.Path) -> None:
    """Before the command's name and behind it."""
    (folder / "other.env").write_text("NOTIFYKIT_SENDER=OTHER\n")
    assert run("config", "get", "sender", "--env-file", "other.env").out == "OTHER\n"
    assert run("--env-file=other.env", "config", "get", "sender").out == "OTHER\n"
    assert run("--env-file", "other.env", "preview", "Hello").out.startswith(" OTHER\n")
    answer = run("config", "--env-file", "missing.env")
    assert answer.code == 2
    assert "missing.env does not exist" in answer.err


def test_one_setting_can_be_asked_for(run: Run) -> None:
    """Its value alone, for scripts; everything about it as JSON."""
    assert run("config", "get", "timeout").out == "15.0\n"
    data = run("config", "get", "kwtsms.test", "--json").data
    assert data == {
        "key": "kwtsms.test",
        "value": True,
        "origin": "default",
        "help": "1 queues only; 0 sends for real.",
    }
    answer = run("config", "get", "timeot")
    assert answer.code == 2
    assert "Did you mean timeout?" in answer.err


def test_the_files_are_named(run: Run, folder: pathlib.Path) -> None:
    """Those that are there and those that would be read."""
    (folder / ".env").write_text("")
    assert run("config", "path").out.splitlines() == [
        str(folder / ".env"),
        f"{folder / 'notifykit.toml'}  (not there)",
    ]


def test_what_is_wrong_with_settings_is_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, the framework's and the plugins'."""
    monkeypatch.setenv("NOTIFYKIT_TIMEOUT", "soon")
    monkeypatch.setenv("KWTSMS_TEST_MODE", "perhaps")
    answer = run("config", "--json")
    assert answer.code == 2
    assert [problem.split()[0] for problem in answer.document["warnings"]] == ["NOTIFYKIT_TIMEOUT", "KWTSMS_TEST_MODE"]


# --- without a command ---


def test_the_program_alone_says_what_is_set_up(gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transport, mode, and three likely next commands."""
    answer = run()
    assert answer.code == 0
    assert "mode       TEST" in answer.out
    assert answer.out.count("  notifykit ") == 3
    monkeypatch.setenv("KWTSMS_TEST_MODE", "0")
    assert run("--json").data["mode"] == "LIVE"


def test_settings_that_are_wrong_are_said_by_the_program_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is what people type when nothing works."""
    monkeypatch.setenv("KWTSMS_USERNAME", "user")
    assert "KWTSMS_PASSWORD is missing" in run().out


# --- the doctor ---


def checks(run: Run, *options: str) -> dict[str, list[str]]:
    """Return how each check ended, by its name."""
    found: dict[str, list[str]] = {}
    for check in run("doctor", "--json", *options).data:
        found.setdefault(check["name"], []).append(check["health"])
    return found


def test_a_healthy_setup_is_healthy(gateway: Sandbox, run: Run) -> None:
    """Online too: address, credentials, balance, sender, coverage."""
    answer = run("doctor", "--online")
    assert (answer.code, answer.err) == (0, "")
    found = checks(run, "--online")
    assert {health for healths in found.values() for health in healths} == {"ok"}
    assert {"kwtsms DNS", "kwtsms account", "kwtsms balance", "kwtsms sender ID", "kwtsms coverage"} <= set(found)
    assert not any(name.startswith("kwtsms DNS") for name in checks(run))


def test_it_can_be_pasted(gateway: Sandbox, run: Run) -> None:
    """No password and no user name."""
    assert "sandboxpassword" not in run("doctor", "--online").out
    assert "=sandbox" not in run("doctor", "--online").out


def test_a_file_with_secrets_that_others_can_read_is_a_warning(run: Run, folder: pathlib.Path) -> None:
    """With the command that puts it right; --strict makes it an exit code."""
    (folder / ".env").write_text("KWTSMS_PASSWORD=x\n")
    (folder / ".env").chmod(0o644)
    answer = run("doctor")
    assert answer.code == 0
    assert "chmod 600 .env" in answer.out
    assert run("doctor", "--strict").code == 3
    (folder / ".env").chmod(0o600)
    assert checks(run)["file mode"] == ["ok"]


def test_a_repository_that_would_take_the_secrets_in_is_a_warning(run: Run, folder: pathlib.Path) -> None:
    """Until .env is ignored."""
    (folder / ".git").mkdir()
    (folder / ".env").write_text("A=1\n")
    assert checks(run)["git"] == ["warn"]
    (folder / ".gitignore").write_text("/.env\n")
    assert checks(run)["git"] == ["ok"]


@pytest.mark.parametrize(
    ("variable", "value", "check"),
    [
        ("KWTSMS_PASSWORD", "wrong", "kwtsms account"),
        ("KWTSMS_SENDER_ID", "UNKNOWN", "kwtsms sender ID"),
        ("KWTSMS_BASE_URL", "http://127.0.0.1:9/API/", "kwtsms account"),
        ("KWTSMS_PASSWORD", "", "kwtsms credentials"),
        ("KWTSMS_TEST_MODE", "perhaps", "kwtsms settings"),
        ("NOTIFYKIT_LOG_FILE", "/nowhere/at/all.jsonl", "log"),
        ("NOTIFYKIT_TRANSPORT", "pigeon", "transport"),
        ("NOTIFYKIT_TIMEOUT", "soon", "settings"),
    ],
)
def test_what_is_wrong_fails(
    gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, check: str
) -> None:
    """With exit code 1 and a fix."""
    monkeypatch.setenv(variable, value)
    answer = run("doctor", "--online", "--json")
    assert answer.code == 1
    failed = {found["name"] for found in answer.data if found["health"] == "fail"}
    assert check in failed


def test_the_shared_sender_is_warned_of(gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks like a fault of the program at first sight."""
    monkeypatch.setenv("KWTSMS_SENDER_ID", "KWT-SMS")
    assert checks(run)["kwtsms sender"] == ["warn"]


def test_little_credit_is_a_warning(gateway: Sandbox, run: Run) -> None:
    """Before the night when it is none."""
    gateway.account.change(balance=3)
    assert checks(run, "--online")["kwtsms balance"] == ["warn"]


def test_a_proxy_that_can_not_be_read_is_no_fault_of_the_checks(
    gateway: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is named as what is wrong, once."""
    monkeypatch.setenv("KWTSMS_BASE_URL", "https://gateway.example/API/")
    monkeypatch.setenv("HTTPS_PROXY", "http://sara:s3cret@host:port")
    answer = run("doctor", "--online", "--json")
    failed = [check["name"] for check in answer.data if check["health"] == "fail" and "kwtsms" in check["name"]]
    assert failed == ["kwtsms connection"]
    assert "s3cret" not in answer.out


def test_the_doctor_says_which_proxy_and_which_certificates_are_used(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """From the environment that other programs read, and without the password."""
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    monkeypatch.setenv("HTTPS_PROXY", "http://sara:s3cret@proxy.example:3128")
    monkeypatch.setenv("NOTIFYKIT_CA_FILE", str(file))
    found = {check["name"]: check["found"] for check in run("doctor", "--json").data}
    assert found["proxy"] == "http://proxy.example:3128 (HTTPS_PROXY), with a user and a password"
    assert found["certificates"] == f"{file} (ca_file)"
    other = tmp_path / "other.pem"
    other.write_bytes(b"nothing")
    monkeypatch.setenv("NOTIFYKIT_CA_FILE", str(other))
    failed = [check for check in run("doctor", "--json").data if check["health"] == "fail"]
    assert "certificates" in {check["name"] for check in failed}
    assert "s3cret" not in run("doctor").out
