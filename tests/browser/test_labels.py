"""Words 40 % longer than the English ones, and names written from the right: nothing is cut, covered or mixed up."""

from __future__ import annotations

import gettext
import re
from collections.abc import AsyncIterator, Iterator
from math import ceil
from pathlib import Path

import pytest

from app.agents import AgentState, DialingMode
from app.panel import language, pages
from app.store import campaigns
from app.units import ContactId, Number
from tests.browser.chromium import Page, chromium
from tests.browser.shift_site import ShiftSite
from tests.browser.test_desk import SCROLLS, sign_in, talking
from tests.browser.test_floor import page as page
from tests.browser.test_floor import reach, site, working  # noqa: F401
from tests.browser.test_floor import talking as is_talking
from tests.browser.test_live_page import SIDEWAYS
from tests.unit.panel.desk_site import FIELDS, DeskSite, add_contact, open_desk_site

pytestmark = pytest.mark.browser
GROWTH = 0.4
KEPT = re.compile(r"(%\(\w+\)[sd]|%%|\{\w+\}|<[^>]*>|&\w+;)")
CUT = """
[...document.querySelectorAll('button, .btn, .chip, .state, label, th, dt, .label, .tab, legend, option:checked')]
  .filter(e => e.checkVisibility() && e.clientWidth && !e.closest('.visually-hidden') && !e.querySelector('.clip')
    && getComputedStyle(e).display !== 'inline' && e.scrollWidth > e.clientWidth + 1)
  .map(e => `${e.id || e.className || e.tagName}: ${e.innerText.trim()}`)
"""
"""Labels whose words do not fit into them."""
OUTSIDE = """
[...document.querySelectorAll('button, a, input, select, .chip, .state, th, dt, .num')]
  .filter(e => e.checkVisibility() && !e.closest('.visually-hidden, .skip, .scroll-x, .nav-main'))
  .map(e => [e, e.getBoundingClientRect()])
  .filter(([e, at]) => at.width && (at.right > innerWidth + 1 || at.left < -1))
  .map(([e]) => `${e.id || e.className || e.tagName}: ${e.innerText.trim()}`)
"""
"""What lies beside the screen."""
BESIDE = """
[...document.querySelectorAll('button, a, input, select, .chip, .num')]
  .filter(e => e.checkVisibility() && e.clientWidth && !e.closest('.visually-hidden, .skip, .scroll-x'))
  .filter(e => {
    const around = e.closest('.panel, .tile, .column, .sheet-in, .call-bar, .desk-bar, dialog');
    const box = around?.getBoundingClientRect(), at = e.getBoundingClientRect();
    return box && (at.right > box.right + 1 || at.left < box.left - 1);
  })
  .map(e => `${e.id || e.className || e.tagName}: ${e.innerText.trim()}`)
"""
"""What hangs out of its panel."""
COVERED = """
(() => {
  const inSight = e => {  // not scrolled away within its column
    const around = e.closest('.column, .stage, .results')?.getBoundingClientRect(), at = e.getBoundingClientRect();
    return !around || (at.bottom <= around.bottom && at.top >= around.top);
  };
  const root = document.querySelector('dialog[open]') ?? document;
  const all = [...root.querySelectorAll('button, a, select, input:not([type=hidden]), textarea')].filter(e =>
    e.checkVisibility() && e.getClientRects().length === 1 && !e.closest('.skip, .visually-hidden') && inSight(e));
  const over = (one, other) => {
    if (one.contains(other) || other.contains(one)) return false;
    const a = one.getBoundingClientRect(), b = other.getBoundingClientRect();
    const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    return width > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  };
  return all.flatMap((one, place) => all.slice(place + 1).filter(other => over(one, other))
    .map(other => [one, other].map(e => e.id || e.innerText.trim() || e.className).join(' × ')));
})()
"""
"""Controls that lie over each other."""


def longer(words: str) -> str:
    """Each word with two letters more for five; what is filled in, and markup, stay."""

    def stretch(found: re.Match[str]) -> str:
        word = found.group()
        middle = ceil(len(word) / 2)
        return word[:middle] + "ö" * ceil(GROWTH * len(word)) + word[middle:]

    parts = KEPT.split(words)
    return "".join(part if KEPT.fullmatch(part) else re.sub(r"[^\W\d_]+", stretch, part) for part in parts)


class Longer(gettext.NullTranslations):
    """English, as if it were another language."""

    def gettext(self, message: str) -> str:
        """One phrase."""
        return longer(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """A phrase with a number."""
        return longer(super().ngettext(msgid1, msgid2, n))


@pytest.fixture
def long_words(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The panel speaks longer words."""
    made = Longer()
    for module in (language, pages):
        monkeypatch.setattr(module, "translations", lambda _language: made)
    pages.environment.cache_clear()
    yield
    pages.environment.cache_clear()


def test_words_grow_and_what_is_filled_in_stays() -> None:
    assert longer("Pause after %(n)s calls, {name} <b>now</b>") == (
        "Pauööse aftööer %(n)s calööls, {name} <b>noöw</b>".replace("noöw", "noööw")
    )


async def check(page: Page, where: str, *, may_scroll: bool) -> None:
    """All that is said is to be read, and all that is to be pressed can be."""
    if may_scroll:
        assert not await page.evaluate(SIDEWAYS), where
    else:
        assert not await page.evaluate(SCROLLS), where
    for what, script in (("cut", CUT), ("outside", OUTSIDE), ("beside", BESIDE), ("covered", COVERED)):
        assert await page.evaluate(script) == [], (where, what)


# --- the agent -------------------------------------------------------------------------------------------------------


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[DeskSite]:
    """A panel with a stand-in floor."""
    async with open_desk_site(tmp_path) as opened:
        yield opened


@pytest.fixture
async def seat(tmp_path: Path, desk: DeskSite) -> AsyncIterator[Page]:
    """Maria's browser, at her desk."""
    async with chromium(tmp_path) as opened:
        await opened.size(1366, 768)
        await sign_in(opened, desk)
        yield opened


@pytest.mark.usefixtures("long_words")
async def test_the_desk_holds_longer_words_in_every_state(desk: DeskSite, seat: Page) -> None:
    async def look(state: AgentState) -> None:
        await seat.until(f"document.getElementById('state').dataset.state === '{state.value.replace(' ', '-')}'")
        await check(seat, state.value, may_scroll=False)

    now_ms = desk.site.operations.now_ms
    await check(seat, "the start of the shift", may_scroll=False)
    await desk.plan(script="# Hello\nGood day, {name}!")
    desk.show(AgentState.PAUSED, reason="lunch", reason_label="Lunch", pause_limit_ms=3_600_000)
    await look(AgentState.PAUSED)
    desk.show(AgentState.AVAILABLE, waiting_for="nobody is left to call")
    await look(AgentState.AVAILABLE)
    preview = desk.card("attempt0pre1", is_preview=True, mode=DialingMode.PREVIEW)
    desk.show(AgentState.RESERVED, card=preview, deadline_ms=now_ms + 60_000)
    await look(AgentState.RESERVED)
    await talking(seat, desk)
    await seat.key("KeyB")
    await look(AgentState.TALKING)
    desk.floor.change(desk.agent_id, consult="boris", is_consult_up=True)
    await look(AgentState.TALKING)
    desk.floor.change(desk.agent_id, consult="", is_consult_up=False, state=AgentState.ON_HOLD)
    await look(AgentState.ON_HOLD)
    for dialog, key in (("pause", "F8"), ("transfer", "KeyT")):
        await seat.key(key)
        await seat.until(f"document.getElementById('{dialog}-dialog').open")
        await look(AgentState.ON_HOLD)
        await seat.press("Escape")
    desk.floor.change(desk.agent_id, state=AgentState.WRAP_UP, deadline_ms=desk.site.operations.now_ms + 15_000)
    await look(AgentState.WRAP_UP)


@pytest.mark.usefixtures("long_words")
async def test_on_a_phone_the_desk_is_one_column_of_longer_words(desk: DeskSite, seat: Page) -> None:
    await seat.size(390, 844)
    await desk.plan(script="# Hello\nGood day, {name}!")
    desk.show(AgentState.AVAILABLE)
    await seat.until("document.getElementById('state').dataset.state === 'available'")
    await check(seat, "available", may_scroll=True)
    await talking(seat, desk)
    await check(seat, "talking", may_scroll=True)


# --- names written from the right ------------------------------------------------------------------------------------

ARABIC, HEBREW = "محمد العلي (2)", "יעל כהן"
PLACES = """
(words => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const around = node.parentElement;
    if (!node.data.includes(words) || !around.checkVisibility() || around.closest('.visually-hidden')) continue;
    const own = around.closest('[dir=auto], bdi');
    const isAlone = own && own.textContent.trim() === words;
    if (node.data.includes('\\u2068' + words + '\\u2069')) found.push('apart');
    else found.push(isAlone ? getComputedStyle(own).unicodeBidi : `mixed: ${node.data}`);
  }
  for (const input of document.querySelectorAll('input, textarea')) if (input.value === words) found.push(input.dir);
  return found;
})
"""
"""How each place that shows some words keeps their direction to itself."""


async def test_a_name_from_the_right_leaves_the_line_around_it_as_it_is(desk: DeskSite, seat: Page) -> None:
    store, (plan, *_) = desk.site.store, await desk.site.store.read(campaigns.list_campaigns)
    fields = {**FIELDS, "Name": ARABIC, "City": HEBREW}
    (list_id,) = plan.list_ids
    contact = ContactId(await add_contact(store, list_id, fields, "+972521234567", time_zone="Asia/Jerusalem"))
    await desk.plan(script="# Hello\nGood day, {name} of {City}, the debt is {Debt}!")
    desk.talk(card=desk.card("attempt0rtl1", contact_id=contact, number=Number("+972521234567"), fields=fields))
    await seat.until("window.desk.state.person")
    await seat.until(f"document.getElementById('call-name').innerText.includes('{ARABIC}')")
    for words, least in ((ARABIC, 3), (HEBREW, 2)):  # the bar, the card and the script; the card and the script
        found = await seat.evaluate(f"{PLACES}('{words}')")
        assert len(found) >= least, (words, found)
        assert set(found) <= {"apart", "isolate", "plaintext", "auto"}, (words, found)
    assert await seat.evaluate("getComputedStyle(document.getElementById('step-text')).direction") == "ltr"
    name = "document.querySelector('#head-field input')"
    assert await seat.evaluate(f"getComputedStyle({name}).direction") == "rtl"


# --- the supervisor --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("long_words")
@pytest.mark.parametrize("width", [1366, 390])
async def test_the_wallboard_and_the_live_page_hold_longer_words(site: ShiftSite, page: Page, width: int) -> None:  # noqa: F811
    _, (maria, _noor) = await working(site)
    await is_talking(site, maria)
    await page.size(width, 768 if width > 400 else 844)
    for path in ("/floor", "/", "/campaigns/1", "/campaigns/1/setup/start", f"/floor/agents/{maria.id}"):
        await page.go(site.url + path)
        await page.until("document.readyState === 'complete'")
        await check(page, path, may_scroll=True)
