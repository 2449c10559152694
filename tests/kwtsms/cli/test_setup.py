"""``kwtsms setup``: the questions on a terminal, the form for scripts, and the file that is written."""

from __future__ import annotations

import json
import pathlib
import stat

import pytest
from dotenv import dotenv_values

from notifykit_kwtsms.cli.env_file import add_to_gitignore, exposing_gitignore

pytestmark = pytest.mark.slow

EXISTING = """\
# my settings
DEBUG=1

KWTSMS_SENDER_ID=OLD   # use KWT-SMS for testing only
export OTHER='a b'
KWTSMS_TEST_MODE=0                # 1 = test (safe default), 0 = live
"""


def _env(shell, name: str = ".env") -> pathlib.Path:
    return shell.folder / name


def _mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _answer(terminal, question: str, typed: str) -> None:
    terminal.expect(question)
    terminal.type(typed)


# --- the wizard ---


def test_the_wizard_asks_verifies_and_writes(bare):
    """A wrong password is asked for again; the password is never shown; the file is readable by its owner only."""
    with bare.terminal("kwtsms setup") as terminal:
        terminal.expect("not your mobile number")
        _answer(terminal, "API user: ", "sandbox")
        _answer(terminal, "API password, not shown: ", "wrong-password")
        terminal.expect("ERR003")
        _answer(terminal, "API user [sandbox]: ", "")
        _answer(terminal, "API password, not shown: ", bare.password)
        terminal.expect("Balance: 150 points")
        listed = terminal.expect("Which [2]: ")
        assert "1  KWT-SMS  for testing only" in listed
        assert "2  MY-APP\r\n" in listed
        terminal.type("")
        assert "1  TEST" in terminal.expect("Mode [1]: ")
        terminal.type("")
        _answer(terminal, "Log file", "")
        ended = terminal.end()
    assert ended.code == 0
    assert "wrong-password" not in ended.out
    assert 'Next: kwtsms send 96598765432 "Hello"' in ended.out
    assert _mode(_env(bare)) == 0o600
    assert dotenv_values(_env(bare)) == {
        "KWTSMS_USERNAME": "sandbox",
        "KWTSMS_PASSWORD": bare.password,
        "KWTSMS_SENDER_ID": "MY-APP",
        "KWTSMS_TEST_MODE": "1",
        "KWTSMS_LOG_FILE": "kwtsms.log",
    }
    assert bare.run("kwtsms balance").out == "150\n"


def test_the_wizard_keeps_what_was_there(bare):
    """Other names, comments and order; and it offers to keep the file out of git."""
    _env(bare).write_text(EXISTING)
    _env(bare).chmod(0o644)
    (bare.folder / ".git").mkdir()
    (bare.folder / ".gitignore").write_text("build")
    with bare.terminal("kwtsms setup") as terminal:
        _answer(terminal, "API user: ", "sandbox")
        _answer(terminal, "API password, not shown: ", bare.password)
        _answer(terminal, "Which [2]: ", "KWT-SMS")
        _answer(terminal, "Mode [1]: ", "5")
        _answer(terminal, "Mode [1]: ", "live")
        _answer(terminal, "Log file", "-")
        _answer(terminal, "Add it to .gitignore?", "")
        ended = terminal.end()
    assert ended.code == 0
    assert "type 1 for TEST or 0 for LIVE" in ended.out
    assert _mode(_env(bare)) == 0o600
    assert _env(bare).read_text() == (
        EXISTING.replace("OLD", "KWT-SMS")
        + f"KWTSMS_USERNAME=sandbox\nKWTSMS_PASSWORD={bare.password}\nKWTSMS_LOG_FILE=\n"
    )
    assert (bare.folder / ".gitignore").read_text() == "build\n.env\n"


def test_enter_keeps_the_password_that_is_there(bare):
    """The second run needs four times Enter, and leaves the file as it was."""
    bare.run("kwtsms setup --non-interactive", **bare.sandbox.env)
    before = _env(bare).read_bytes()
    with bare.terminal("kwtsms setup") as terminal:
        _answer(terminal, "API user [sandbox]: ", "")
        _answer(terminal, "Enter keeps the one that is there): ", "")
        _answer(terminal, "Which [2]: ", "")
        _answer(terminal, "Mode [1]: ", "")
        _answer(terminal, "Log file", "")
        assert terminal.end().code == 0
    assert _env(bare).read_bytes() == before


@pytest.mark.parametrize("question", ["API user: ", "API password, not shown: ", "Which [2]: ", "Log file"])
def test_ctrl_c_leaves_the_old_file_untouched(bare, question):
    """At any question: nothing is written before the last answer."""
    _env(bare).write_text(EXISTING)
    with bare.terminal("kwtsms setup") as terminal:
        for asked, typed in (
            ("API user: ", "sandbox"),
            ("API password, not shown: ", bare.password),
            ("Which [2]: ", ""),
            ("Mode [1]: ", ""),
            ("Log file", ""),
        ):
            terminal.expect(asked)
            if asked == question:
                break
            terminal.type(typed)
        ended = terminal.interrupt()
    assert ended.code == 130
    assert "Interrupted" in ended.out
    assert _env(bare).read_text() == EXISTING
    assert list(bare.folder.iterdir()) == [_env(bare)]


def test_a_gateway_that_cannot_be_reached_is_no_wrong_password(bare):
    """It asks whether to try again; a no writes nothing and names the option to skip the check."""
    with bare.terminal("kwtsms setup", KWTSMS_BASE_URL="http://127.0.0.1:9/API/") as terminal:
        _answer(terminal, "API user: ", "sandbox")
        _answer(terminal, "API password, not shown: ", bare.password)
        _answer(terminal, "Try again? [Y/n]: ", "n")
        ended = terminal.end()
    assert ended.code == 5
    assert "Next: kwtsms setup --no-verify" in ended.out
    assert list(bare.folder.iterdir()) == []


def test_setup_goes_without_the_gateway_on_request(bare):
    """And without the questions that the command line answers."""
    with bare.terminal("kwtsms setup --no-verify --username me --mode live --log-file calls.log") as terminal:
        _answer(terminal, "API password, not shown: ", "let me 'in' # \\")
        _answer(terminal, "Sender ID [KWT-SMS]: ", "رسائل 1")
        ended = terminal.end()
    assert ended.code == 0
    assert "let me" not in ended.out
    assert dotenv_values(_env(bare)) == {
        "KWTSMS_USERNAME": "me",
        "KWTSMS_PASSWORD": "let me 'in' # \\",
        "KWTSMS_SENDER_ID": "رسائل 1",
        "KWTSMS_TEST_MODE": "0",
        "KWTSMS_LOG_FILE": "calls.log",
    }
    assert bare.sandbox.requests == ()


def test_a_command_without_credentials_offers_the_wizard_on_a_terminal(bare):
    """And then does what it was asked to."""
    with bare.terminal("kwtsms balance") as terminal:
        terminal.expect("KWTSMS_USERNAME and KWTSMS_PASSWORD are not set.")
        _answer(terminal, "Set up the account now? [Y/n]: ", "y")
        _answer(terminal, "API user: ", "sandbox")
        _answer(terminal, "API password, not shown: ", bare.password)
        _answer(terminal, "Which [2]: ", "")
        _answer(terminal, "Mode [1]: ", "")
        _answer(terminal, "Log file", "")
        ended = terminal.end()
    assert ended.code == 0
    assert ended.out.endswith("\n150\n")


def test_a_no_to_the_wizard_ends_as_a_pipe_does(bare):
    """With the three ways, and exit code 4."""
    with bare.terminal("kwtsms balance") as terminal:
        _answer(terminal, "Set up the account now? [Y/n]: ", "n")
        ended = terminal.end()
    assert ended.code == 4
    assert "export KWTSMS_USERNAME" in ended.out


# --- scripts ---


def test_scripts_give_the_account_in_the_environment(bare):
    """It is verified, and written."""
    ended = bare.run("kwtsms setup --non-interactive", **bare.sandbox.env)
    assert ended.code == 0
    assert "Balance: 150 points" in ended.out
    assert _mode(_env(bare)) == 0o600
    assert dotenv_values(_env(bare))["KWTSMS_SENDER_ID"] == "MY-APP"


def test_scripts_give_the_password_on_standard_input(bare):
    """Never as an option; the others may be options, and win over the environment."""
    ended = bare.run(
        "kwtsms setup --non-interactive --username sandbox --password-stdin --sender MY-APP --mode live --log-file ''"
        " --env-file live.env --json",
        stdin=f"{bare.password}\n",
        KWTSMS_TEST_MODE="1",
    )
    document = json.loads(ended.out)
    assert (ended.code, document["ok"]) == (0, True)
    assert (document["data"]["file"], document["data"]["mode"], document["data"]["balance"]) == (
        "live.env",
        "LIVE",
        150,
    )
    assert ["KWTSMS_TEST_MODE" in warning for warning in document["warnings"]] == [True]
    written = dotenv_values(_env(bare, "live.env"))
    assert (written["KWTSMS_TEST_MODE"], written["KWTSMS_LOG_FILE"]) == ("0", "")
    assert "--password " not in bare.run("kwtsms setup --help").out


def test_scripts_get_a_list_of_everything_that_is_missing(bare):
    """At once, with exit code 2; nothing is written and nothing is asked."""
    ended = bare.run("kwtsms setup --non-interactive", KWTSMS_TEST_MODE="maybe")
    assert ended.code == 2
    for said in ("username is missing", "password is missing", "KWTSMS_TEST_MODE"):
        assert said in ended.err
    assert list(bare.folder.iterdir()) == []
    assert bare.sandbox.requests == ()


def test_a_wrong_password_is_not_written(bare):
    """Exit code 4; ``--no-verify`` writes it all the same."""
    environment = {**bare.sandbox.env, "KWTSMS_PASSWORD": "hunter2hunter2"}
    ended = bare.run("kwtsms setup --non-interactive", **environment)
    assert ended.code == 4
    assert not _env(bare).exists()
    ended = bare.run("kwtsms setup --non-interactive --no-verify", **environment)
    assert (ended.code, ended.err) == (0, "Next: kwtsms verify\n")
    assert "hunter2" not in ended.out


def test_a_sender_that_the_account_lacks_is_a_warning(bare):
    """The account may get it tomorrow."""
    ended = bare.run("kwtsms setup --non-interactive --sender my-app", **bare.sandbox.env)
    assert ended.code == 0
    assert "'my-app' is not registered for this account; there are: KWT-SMS, MY-APP" in ended.err


def test_a_password_is_verified_only_where_it_is_safe_to(bare):
    """An address that would send it in clear is refused before anything is asked."""
    ended = bare.run("kwtsms setup --non-interactive", **{**bare.sandbox.env, "KWTSMS_BASE_URL": "http://example.com/"})
    assert ended.code == 2
    assert "KWTSMS_BASE_URL" in ended.err
    assert not _env(bare).exists()


@pytest.mark.parametrize("password", ["two\nlines", "${HOME}"])
def test_a_password_that_the_file_cannot_hold_is_refused(bare, password):
    """Instead of being read back as another one."""
    ended = bare.run("kwtsms setup --non-interactive --no-verify --username me --password-stdin", stdin=password)
    assert ended.code == 2
    assert "KWTSMS_PASSWORD must" in ended.err
    assert "lines" not in ended.err
    assert not _env(bare).exists()


def test_password_stdin_is_for_scripts(bare):
    """On a terminal the password is asked for."""
    ended = bare.run("kwtsms setup --password-stdin", stdin="x")
    assert ended.code == 2
    assert "--non-interactive" in ended.err


# --- the file ---


def test_a_rename_that_fails_leaves_the_old_file(bare, monkeypatch):
    """And nothing beside it; the error says so."""
    _env(bare).write_text(EXISTING)

    def fail(self: pathlib.Path, target: pathlib.Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pathlib.Path, "replace", fail)
    ended = bare.run("kwtsms setup --non-interactive", **bare.sandbox.env)
    assert ended.code == 1
    assert "Permission denied. Nothing was changed." in ended.err
    assert _env(bare).read_text() == EXISTING
    assert list(bare.folder.iterdir()) == [_env(bare)]


def test_a_link_stays_a_link(bare):
    """The file that it leads to is written."""
    real = bare.folder / "secrets" / "kwtsms.env"
    real.parent.mkdir()
    real.write_text(EXISTING)
    _env(bare).symlink_to(real)
    assert bare.run("kwtsms setup --non-interactive", **bare.sandbox.env).code == 0
    assert _env(bare).is_symlink()
    assert dotenv_values(real)["KWTSMS_USERNAME"] == "sandbox"
    assert _mode(real) == 0o600


def test_a_file_that_cannot_be_understood_is_left_alone(bare):
    """The line is named."""
    _env(bare).write_text("A=1\nB='open\n")
    ended = bare.run("kwtsms setup --non-interactive", **bare.sandbox.env)
    assert ended.code == 2
    assert ".env line 2 can't be read" in ended.err
    assert _env(bare).read_text() == "A=1\nB='open\n"


# --- git ---


@pytest.mark.parametrize("line", [".env", "/.env", "*.env", ".env*", "# comment\r\n.env\r"])
def test_a_file_that_git_ignores_already_is_no_question(tmp_path, line):
    """Plain lines and patterns are understood."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text(f"build/\n{line}\n")
    assert exposing_gitignore(tmp_path / ".env") is None


def test_outside_git_there_is_nothing_to_keep_out(tmp_path):
    """Nor where another folder is the checkout."""
    (tmp_path / "other" / ".git").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    assert exposing_gitignore(tmp_path / "here" / ".env") is None


def test_the_checkout_is_found_from_a_folder_in_it(tmp_path):
    """Its own ``.gitignore`` gets the line, with the line ends that it has."""
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    (tmp_path / "app").mkdir()
    (tmp_path / ".gitignore").write_bytes(b"!.env\r\nbuild\r\n")
    found = exposing_gitignore(tmp_path / "app" / ".env")
    assert found == tmp_path / ".gitignore"
    add_to_gitignore(found, ".env")
    assert found.read_bytes() == b"!.env\r\nbuild\r\n.env\r\n"
    assert exposing_gitignore(tmp_path / "app" / ".env") is None


def test_scripts_are_warned_where_git_would_take_the_file(bare):
    """``--gitignore`` adds the line."""
    (bare.folder / ".git").mkdir()
    assert "Git would take .env" in bare.run("kwtsms setup --non-interactive", **bare.sandbox.env).err
    ended = bare.run("kwtsms setup --non-interactive --gitignore", **bare.sandbox.env)
    assert "Git would take" not in ended.err
    assert (bare.folder / ".gitignore").read_text() == ".env\n"


def test_setup_for_live_mode_ends_with_nothing_to_pay_for(bare):
    """A line to paste must not send a paid message to the stranger whose number is in it."""
    line = "kwtsms setup --non-interactive --username sandbox --password-stdin --mode {}"
    live = bare.run(line.format("live"), stdin=bare.password)
    assert (live.code, live.err.splitlines()[-1]) == (0, "Next: kwtsms verify")
    test = bare.run(line.format("test"), stdin=bare.password)
    assert test.err.splitlines()[-1] == 'Next: kwtsms send 96598765432 "Hello"'
