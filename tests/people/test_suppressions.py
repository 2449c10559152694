"""The suppression list in a file and in a table: added to, taken from, and read by the guard."""

from __future__ import annotations

import datetime
import functools
import pathlib
import stat
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from notifykit import ConfigError, Settings
from notifykit.durable.suppressions import SuppressionTable
from notifykit.models.message import Channel
from notifykit.models.recipient import Recipient, Rejected
from notifykit.normalizers.email import EmailNormalizer
from notifykit.normalizers.phone import InternationalNormalizer
from notifykit.people.suppressions import FileList, ListUnavailable, Suppressed, SuppressionList, open_list
from notifykit.plugins.registry import normalize
from tests.durable.conftest import Store
from tests.people.conftest import Build, Keeps

WHEN = datetime.datetime(2026, 5, 3, 9, 30, tzinfo=datetime.UTC)
SARA, OMAR = "96550000001", "96550000002"
read: Callable[[str, Channel], Recipient | Rejected] = functools.partial(
    normalize, (InternationalNormalizer(), EmailNormalizer())
)
FULL = Suppressed(SARA, WHEN, "ali", "asked by phone: #3")


@pytest.fixture(params=["file", "table"], name="each_list")
def _each_list(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> SuppressionList:
    if request.param == "file":
        return FileList(tmp_path / "list.txt", read)
    return SuppressionTable(f"sqlite:///{tmp_path}/list.sqlite3", Settings())


def _contract(found: SuppressionList) -> None:
    assert found.add([FULL, Suppressed(OMAR)]) == 2
    assert found.add([Suppressed(SARA, reason="another"), Suppressed("x@y.example"), Suppressed("x@y.example")]) == 1
    assert found.find(SARA) == FULL
    assert found.find(OMAR) == Suppressed(OMAR)
    assert found.find("96550000009") is None
    assert {entry.address for entry in found.entries()} == {SARA, OMAR, "x@y.example"}
    assert found.remove([SARA, "96550000009"]) == 1
    assert found.find(SARA) is None
    assert found.remove([SARA]) == 0


def test_a_list_is_added_to_taken_from_and_asked(each_list: SuppressionList) -> None:
    """An address that is there keeps who, when and why."""
    _contract(each_list)


def test_a_table_in_postgresql_does_the_same(each_store: Store) -> None:
    """And in the file beside that of jobs."""
    url = each_store.environment.get("NOTIFYKIT_DATABASE_URL", "sqlite")
    table = SuppressionTable(url, Settings(state_dir=str(each_store.folder)))
    _contract(table)
    table.close()


def test_a_large_table_is_read_whole() -> None:
    """In parts, of which none is lost."""
    table = SuppressionTable("sqlite+pysqlite://", Settings())
    wanted = [str(96550000000 + number) for number in range(1501)]
    assert table.add([Suppressed(address) for address in wanted]) == 1501
    assert [entry.address for entry in table.entries()] == wanted
    assert table.remove(wanted) == 1501


def test_other_lines_and_comments_of_a_file_stay_as_they_are(tmp_path: pathlib.Path) -> None:
    """A person keeps notes in it; its rights and a link to it stay too."""
    kept = "# unsubscribed\n\n+965 5000 0001  # called on Monday\n"
    (tmp_path / "real.txt").write_text(kept, encoding="utf-8")
    (tmp_path / "real.txt").chmod(0o640)
    (tmp_path / "list.txt").symlink_to("real.txt")
    found = FileList(tmp_path / "list.txt", read)
    assert found.find(SARA) == Suppressed(SARA, reason="called on Monday")
    found.add([Suppressed(OMAR, WHEN, "ali", "said\nno")])
    written = (tmp_path / "real.txt").read_text(encoding="utf-8")
    assert written == f"{kept}{OMAR}  # 2026-05-03T09:30:00Z by ali: said no\n"
    found.remove([OMAR])
    assert (tmp_path / "real.txt").read_text(encoding="utf-8") == kept
    assert stat.S_IMODE((tmp_path / "real.txt").stat().st_mode) == 0o640
    assert (tmp_path / "list.txt").is_symlink()


words = st.text(st.characters(exclude_categories=("C", "Z")), max_size=20)


@given(st.none() | st.datetimes(datetime.datetime(2000, 1, 1), timezones=st.just(datetime.UTC)), words, words)
def test_a_line_is_read_as_it_was_written(added: datetime.datetime | None, by: str, reason: str) -> None:
    """To the second; a colon in a name is a space, and without a date a name is left out."""
    entry = Suppressed(SARA, added and added.replace(microsecond=0), by.replace(":", ""), reason)
    address, _, comment = entry.line.partition("#")
    again = Suppressed.of_comment(address.strip(), comment)
    if added is None:
        assert again.address == SARA
    else:
        assert again == entry


def test_a_file_that_can_not_be_read_is_not_changed(tmp_path: pathlib.Path) -> None:
    """Nobody knows who is on the line that is no address."""
    file = tmp_path / "list.txt"
    file.write_text(f"{SARA}\nsomebody\n", encoding="utf-8")
    found = FileList(file, read)
    for work in (lambda: found.add([Suppressed(OMAR)]), lambda: found.remove([SARA]), lambda: list(found.entries())):
        with pytest.raises(ListUnavailable, match=r"list\.txt has a line that is no address, line 2"):
            work()
    assert file.read_text(encoding="utf-8") == f"{SARA}\nsomebody\n"
    with pytest.raises(ListUnavailable, match="not there"):
        FileList(tmp_path / "other.txt", read).find(SARA)
    with pytest.raises(ListUnavailable, match="can't be written"):
        FileList(tmp_path / "no" / "folder.txt", read).add([Suppressed(OMAR)])


def test_changes_at_the_same_time_are_all_kept(each_list: SuppressionList) -> None:
    """A file is locked while it is changed."""
    each_list.add([Suppressed(OMAR)])
    start = threading.Barrier(8)

    def add(number: int) -> None:
        start.wait(30)
        each_list.add([Suppressed(str(96551000000 + number))])

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(list(each_list.entries())) == 9


def test_two_links_to_a_file_are_one_list(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change by one of them waits for that by the other."""
    monkeypatch.setattr("notifykit.people.suppressions._PATIENCE", 0.0)
    (tmp_path / "list.txt").touch()
    (tmp_path / "app").mkdir()
    link = tmp_path / "app" / "link.txt"
    link.symlink_to(tmp_path / "list.txt")
    with FileList(link, read)._locked(), pytest.raises(ListUnavailable, match="by another process"):
        FileList(tmp_path / "list.txt", read).add([Suppressed(OMAR)])


# --- the guard ---


@pytest.mark.parametrize("setting", ["suppression_file", "suppression_url"])
def test_nobody_on_the_list_is_sent_to_from_the_next_message_on(
    build: Build, tmp_path: pathlib.Path, setting: str
) -> None:
    """By a notifier that is open while the list is changed."""
    value = {"suppression_file": "list.txt", "suppression_url": f"sqlite:///{tmp_path}/list.sqlite3"}[setting]
    (tmp_path / "list.txt").touch()
    transport = Keeps()
    with build(transport, None, guard={setting: value}) as notifier:
        found: Any = open_list(notifier.settings, read)
        assert notifier.send(SARA, "1").accepted
        found.add([FULL, Suppressed("sara@x.example")])
        (receipt,) = notifier.send("+965 5000-0001", "2").skipped
        assert receipt.veto is not None
        assert receipt.veto.guard == "suppression"
        assert notifier.send("Sara@X.example", "2", channel="email").skipped
        found.remove([SARA])
        assert notifier.send(SARA, "3").accepted
    assert transport.reached == [SARA, SARA]


def test_a_table_that_can_not_be_read_holds_back_everything(build: Build, tmp_path: pathlib.Path) -> None:
    """With what to do, and without the password of the database."""
    transport = Keeps()
    for url in ("postgresql://x:s3cr3t@127.0.0.1:1/none", f"sqlite:///{tmp_path}"):
        with build(transport, None, guard={"suppression_url": url}) as notifier:
            for receipt in notifier.send([SARA, OMAR], "Hello", tags="security").skipped:
                assert receipt.veto is not None
                assert "NOTIFYKIT_GUARD_SUPPRESSION_URL" in receipt.veto.action
                assert "s3cr3t" not in repr(receipt)
    assert transport.reached == []


def test_two_lists_or_none_can_not_be_changed(tmp_path: pathlib.Path) -> None:
    """The error says what to set."""

    def settings(**guard: str) -> Settings:
        return Settings.load({"guard": guard}, environment={}, directory=tmp_path)

    with pytest.raises(ConfigError, match="two lists"):
        open_list(settings(suppression_file="list.txt", suppression_url="sqlite"), read)
    with pytest.raises(ConfigError, match="NOTIFYKIT_GUARD_SUPPRESSION_FILE"):
        open_list(settings(), read)


def test_no_address_is_shown() -> None:
    """In a repr."""
    assert SARA not in repr(FULL)
