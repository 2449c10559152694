"""The account, the chaos and the settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from notifykit_kwtsms.sandbox import PRESETS, Sandbox
from tests.browser.conftest import NUMBER, OTHER, Inbox, Watch, call, expect, post

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_the_account_shows_what_it_has(inbox: Inbox) -> None:
    """Balance, senders with their kind, coverage, queue, rate, and the lines to paste."""
    inbox.send("Hi")
    inbox.open()
    dialog = inbox.panel("Account")
    expect(dialog).to_contain_text("149 of 1,000 points")
    expect(dialog).to_contain_text("KWT-SMS")
    expect(dialog).to_contain_text("Promotional")
    expect(dialog).to_contain_text("Transactional")
    expect(dialog).to_contain_text("+965")
    expect(dialog).to_contain_text("1 of 1,000")
    expect(dialog.get_by_label("Environment")).to_contain_text("KWTSMS_USERNAME=sandbox")
    expect(dialog.get_by_label("DSN")).to_contain_text("kwtsms://")


def test_the_account_is_changed_in_its_place(inbox: Inbox) -> None:
    """A field and a button; the sandbox has it at once, and so has the header."""
    page = inbox.open().page
    dialog = inbox.panel("Account")
    changes: list[tuple[str, str, str, object]] = [
        ("Points", "12.5", "balance", 12.5),
        ("All of them, with commas between", "MY-APP, SHOP", "senders", ("MY-APP", "SHOP")),
        ("Country codes, with commas between", "965, 966", "prefixes", ("965", "966")),
        ("Places; beyond them ERR013", "5", "queue_limit", 5),
    ]
    for label, typed, name, value in changes:
        page.evaluate("document.getElementById('announcer').textContent = ''")
        field = dialog.get_by_label(label, exact=True)
        field.fill(typed)
        field.press("Enter")
        page.wait_for_function("() => document.getElementById('announcer').textContent === 'Saved'")
        found = getattr(inbox.sandbox.account, name)
        assert (tuple(found) if isinstance(value, tuple) else found) == value, name
    expect(inbox.stat("balance")).to_have_text("12.5")


def test_an_account_without_credit_refuses(inbox: Inbox) -> None:
    """What is set here is what the gateway does."""
    inbox.open()
    dialog = inbox.panel("Account")
    dialog.get_by_label("Points", exact=True).fill("0")
    dialog.get_by_label("Points", exact=True).press("Enter")
    expect(inbox.stat("balance")).to_have_text("0")
    inbox.send("Hi")
    assert inbox.sandbox.refused[-1].code == "ERR010"
    with inbox.page.expect_response(
        lambda answer: answer.request.method == "PUT"
    ):  # the box is ticked before the gateway knows
        dialog.get_by_label("Account blocked (ERR005)").check()
    expect(dialog.get_by_label("Account blocked (ERR005)")).to_be_checked()
    inbox.send("Hi", OTHER)
    assert inbox.sandbox.refused[-1].code == "ERR005"


def test_what_is_wrong_is_said_and_changes_nothing(inbox: Inbox) -> None:
    """The sandbox's sentence, in words."""
    inbox.watch.expected.append("400 (Bad Request)")
    page = inbox.open().page
    dialog = inbox.panel("Account")
    field = dialog.get_by_label("Empty allows every address; others get ERR024")
    field.fill("nonsense")
    field.press("Enter")
    expect(page.locator("#toast")).to_contain_text("nonsense")
    assert inbox.sandbox.account.ip_list is None


def test_the_clock_is_moved_by_a_button(inbox: Inbox) -> None:
    """Sixteen seconds spare the wait for the same number."""
    inbox.send("one", test="0")
    inbox.open()
    dialog = inbox.panel("Account")
    dialog.get_by_role("button", name="+16 seconds").click()
    expect(dialog).to_contain_text("16 seconds ahead")
    inbox.send("two", test="0")
    assert [message.text for message in inbox.sandbox.messages] == ["one", "two"]


def test_the_header_shows_the_figures_live(inbox: Inbox) -> None:
    """Messages, segments, points, balance and the rate against the limit."""
    page = inbox.open().page
    inbox.send("a" * 161)
    inbox.send("b", OTHER)
    expect(inbox.stat("messages")).to_have_text("2")
    expect(inbox.stat("segments")).to_have_text("3")
    expect(inbox.stat("points")).to_have_text("3")
    expect(inbox.stat("balance")).to_have_text("147")
    expect(page.locator("#stats")).to_contain_text("Live")


def test_the_rate_is_shown_against_the_limit(page: Page, watch: Watch) -> None:
    """With the default rules: how many of five in the last second, and Blocked after the sixth."""
    with Sandbox() as strict:
        watch.origin = strict.url
        page.goto(f"{strict.url}/")
        rate = page.locator("[data-stat=rate] dd")
        expect(rate).to_contain_text("of 5/s")
        for number in range(12):
            post(strict, "Hi", str(96590000000 + number))
        expect(rate).to_have_text("Blocked")
        watch.judge(page)


def test_a_preset_is_switched_on_and_shown(inbox: Inbox) -> None:
    """Pressed, named in the header, active in the sandbox; each takes the place of the one before."""
    inbox.open()
    dialog = inbox.panel("Chaos")
    for preset in [*(name for name in PRESETS if name != "Calm"), "Calm"]:
        button = dialog.get_by_role("button", name=re.compile(f"^{re.escape(preset)}"))
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(dialog.locator("[aria-pressed=true]")).to_have_count(1)
        expect(inbox.stat("chaos")).to_have_text(preset)
        assert bool(inbox.sandbox.faults) == (preset != "Calm"), preset


def test_a_seeded_fault_is_the_same_each_time(inbox: Inbox) -> None:
    """The same seed, the same ones of twenty."""
    inbox.open()
    dialog = inbox.panel("Chaos")
    outcomes = []
    for _ in range(2):
        dialog.get_by_label("What happens").select_option("ERR013")
        dialog.get_by_label("How often at most").fill("")
        dialog.get_by_label("Chance in percent").fill("50")
        dialog.get_by_label("Seed", exact=True).fill("7")
        dialog.get_by_role("button", name="Add", exact=True).click()
        expect(dialog).to_contain_text("Active (1)")
        expect(dialog).to_contain_text("seed 7")
        start = len(inbox.sandbox.gateway.store.all())
        for number in range(20):
            inbox.send("Hi", str(96590000000 + number))
        outcomes.append([message.code for message in inbox.sandbox.gateway.store.all()[start:]])
        dialog.get_by_role("button", name="End all").click()
        expect(dialog).to_contain_text("Active (0)")
    assert outcomes[0] == outcomes[1]
    assert set(outcomes[0]) == {None, "ERR013"}


def test_a_fault_is_added_for_a_number_and_counted(inbox: Inbox) -> None:
    """It fires for that number alone; the panel says how often."""
    inbox.open()
    dialog = inbox.panel("Chaos")
    dialog.get_by_label("What happens").select_option("close")
    dialog.get_by_label("When").select_option("accept")
    dialog.get_by_label("Number, * for anything").fill(OTHER)
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog).to_contain_text("Active (1)")
    inbox.send("one", NUMBER)
    inbox.send("two", OTHER)
    assert [message.fault is not None for message in inbox.sandbox.messages] == [False, True]
    expect(inbox.rows.first).to_contain_text("Fault")


def test_a_single_fault_ends_by_itself(inbox: Inbox) -> None:
    """The other one stays."""
    inbox.sandbox.chaos("reset")
    inbox.sandbox.chaos("close")
    inbox.open()
    dialog = inbox.panel("Chaos")
    expect(dialog).to_contain_text("Active (2)")
    dialog.get_by_role("button", name="End reset").click()
    expect(dialog).to_contain_text("Active (1)")
    assert [fault.fault.do for fault in inbox.sandbox.faults] == ["close"]


def test_chaos_from_another_client_is_shown(inbox: Inbox) -> None:
    """A program arms a preset; the open panel and the header follow."""
    inbox.open()
    dialog = inbox.panel("Chaos")
    call(inbox.sandbox, "PUT", "/sandbox/chaos", {"preset": "Gateway down"})
    expect(inbox.stat("chaos")).to_have_text("Gateway down")
    expect(dialog.get_by_role("button", name=re.compile("^Gateway down"))).to_have_attribute("aria-pressed", "true")


def test_starting_over_takes_two_steps(inbox: Inbox) -> None:
    """No dialog, and no slip: the first press only asks."""
    inbox.send("Hi")
    inbox.open()
    dialog = inbox.panel("Settings")
    dialog.get_by_role("button", name="Reset the sandbox").click()
    assert len(inbox.sandbox.messages) == 1
    dialog.get_by_role("button", name="Press again to reset everything").click()
    expect(inbox.stat("messages")).to_have_text("0")
    assert inbox.sandbox.messages == ()
    assert inbox.sandbox.account.balance == 150


def test_the_settings_are_kept(inbox: Inbox) -> None:
    """Theme, direction and the blur survive a reload."""
    page = inbox.open().page
    dialog = inbox.panel("Settings")
    dialog.get_by_label("Colours").select_option("dark")
    dialog.get_by_label("Direction of the page").select_option("rtl")
    page.reload()
    inbox.live()
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    expect(root).to_have_attribute("dir", "rtl")
