"""The page of a report in headless Chromium, from file://."""

import dataclasses
import re
import shutil
import string
import time
from pathlib import Path

import pytest

from ctcbench.registry.discovery import load_registry
from ctcbench.reporting.formats.html.page import html_page
from ctcbench.reporting.report_model import SeedEstimate
from ctcbench.results.run_folder import RunFolder
from tests.reporting.formats.html import html_cases as cases

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="Debian's chromium and chromium-driver are not installed"
)
selenium = pytest.importorskip("selenium", reason="the package selenium is not installed")


@pytest.fixture
def opened(browser, page):
    """Return the browser with the page loaded; messages in its console fail the test."""
    emulate(browser, 1280, "light")
    browser.get(page.as_uri())
    browser.execute_script("try { localStorage.clear() } catch {}")
    browser.get_log("browser")
    browser.refresh()
    yield browser
    complaints = browser.get_log("browser")
    assert complaints == []
    assert browser.execute_script("return window.hacked") is None


def emulate(browser, width, theme):
    scheme = {"name": "prefers-color-scheme", "value": theme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    size = {"width": width, "height": 812, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def find(browser, selector):
    return browser.find_elements("css selector", selector)


def order(browser):
    return [row.get_attribute("data-row") for row in find(browser, "#table tbody tr")]


def header(browser, name):
    return next(th for th in find(browser, "#table thead th") if th.text.rstrip("↑↓") == name)


def until(condition, seconds=5):
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_a_header_sorts_by_click_and_by_key(opened):
    from selenium.webdriver.common.keys import Keys

    assert order(opened) == ["1", "2", "3"]
    button = header(opened, "exact %").find_element("tag name", "button")
    button.click()
    rising = order(opened)
    assert rising[-1] == "1" and header(opened, "exact %").get_attribute("aria-sort") == "ascending"
    button.send_keys(Keys.ENTER)
    assert order(opened)[0] == "1" and header(opened, "exact %").get_attribute("aria-sort") == "descending"
    header(opened, "backbone").find_element("tag name", "button").click()
    assert order(opened) == ["2", "3", "1"]
    assert header(opened, "exact %").get_attribute("aria-sort") == "none"


def test_filters_change_what_the_gallery_shows(opened):
    from selenium.webdriver.support.select import Select

    everything = find(opened, ".card")
    assert len(everything) == 24  # a screenful, of more
    find(opened, "#more")[0].click()
    assert len(find(opened, ".card")) > 24
    Select(find(opened, "#filter-row")[0]).select_by_value("2")
    assert {card.get_attribute("data-row") for card in find(opened, ".card")} == {"2"}
    Select(find(opened, "#filter-kind")[0]).select_by_value("deletion")
    cards = find(opened, ".card")
    assert cards and {card.get_attribute("data-kind") for card in cards} == {"deletion"}
    target = cards[0].find_element("css selector", ".target").text
    find(opened, "#filter-case")[0].click()
    find(opened, "#filter-text")[0].send_keys(target)
    assert 1 <= len(find(opened, ".card")) <= len(cards)
    find(opened, "#filter-text")[0].send_keys("no such text")
    assert find(opened, ".card") == [] and "try fewer filters" in find(opened, "#cards")[0].text
    assert find(opened, "#gallery-count")[0].text.startswith("0 match")


def test_the_gallery_has_its_images(opened):
    sizes = opened.execute_async_script(
        "const done = arguments[0], all = [...document.querySelectorAll('.card img')];"
        "Promise.all(all.map((i) => i.decode()))"
        ".then(() => done(all.map((i) => [i.naturalWidth, i.naturalHeight])))"
    )
    assert len(sizes) == 24 and all(size == [100, 40] for size in sizes)
    first = find(opened, ".card")[0]
    assert len(first.find_elements("css selector", ".best li")) == 5
    assert "·" in first.find_element("css selector", ".path").text


def test_charts_are_drawn_and_their_keys_toggle(opened):
    assert until(lambda: len(find(opened, "#plot-exact .line")) == 3)
    assert len(find(opened, "#plot-exact .band")) == 3 and len(find(opened, "#plot-cost .spot")) == 3
    key = find(opened, "#curve-keys .key")[0]
    assert key.get_attribute("aria-pressed") == "true"
    key.click()
    assert len(find(opened, "#plot-exact .line")) == len(find(opened, "#plot-loss .line")) == 2
    assert key.get_attribute("aria-pressed") == "false"
    opened.execute_script("document.querySelector('.spot').focus()")
    assert until(lambda: "% exact" in find(opened, "#tip")[0].text)
    assert find(opened, "#matrix .wrong") and "→" in find(opened, "#confused li")[0].text


CUT_TEXTS = """
return [...document.querySelectorAll('.plot svg')].flatMap((svg) => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter((text) => {
    const { width, left, right, top, bottom } = text.getBoundingClientRect();
    const beside = left < box.left - 0.5 || right > box.right + 0.5;
    return width && (beside || top < box.top - 0.5 || bottom > box.bottom + 0.5);
  }).map((text) => text.textContent);
})"""


def test_confidence_and_breakdown_are_drawn_for_the_chosen_row(opened):
    from selenium.webdriver.support.select import Select

    assert until(lambda: len(find(opened, "#plot-coverage .line")) == 3)
    assert len(find(opened, "#plot-reliability .spot")) == 2 and find(opened, "#accepted tbody tr")
    first = find(opened, "#confidence-facts")[0].text
    assert "expected calibration error" in first and "60 of 2 runs" in first
    Select(find(opened, "#confidence-row")[0]).select_by_value("3")
    assert find(opened, "#confidence-facts")[0].text != first
    assert not find(opened, "#plot-lengths")[0].is_displayed(), "all texts have four characters"
    assert len(find(opened, "#plot-positions .spot")) == 4 and len(find(opened, "#characters li")) > 30
    opened.execute_script("document.querySelector('#plot-positions .spot').focus()")
    assert until(lambda: "position 1" in find(opened, "#tip")[0].text)


def test_the_data_has_a_contact_sheet(opened):
    assert len(find(opened, "#sheets .pictures img")) == 24
    widths = "return [...document.querySelectorAll('#sheets img')].map((i) => i.naturalWidth)"
    assert until(lambda: set(opened.execute_script(widths)) == {100})
    assert "100 × 40 pixels" in find(opened, "#sheets .facts")[0].text


@pytest.mark.parametrize(
    ("width", "exacts", "tick"),
    [
        (375, (0.976558, 0.976551), r"97\.655\d+ %"),
        (1280, (0.976558, 0.976551), r"97\.655\d+ %"),
        (1280, (1.0, 0.9), "100 %"),  # the name of the best row is at the upper end of the plot
    ],
)
def test_no_text_of_a_plot_is_cut_off(browser, tmp_path, width, exacts, tick):
    read = cases.texts(*[(f"{i:03}x", f"{i:03}y") for i in range(20)], sure=(0.5,) * 20)
    folder = RunFolder(tmp_path)
    for step in range(10, 60, 10):
        folder.append_metrics({"kind": "steps", "step": step * 12_345, "loss": 1e-5 / step})
    folder.append_metrics({"kind": "epoch", "step": 50, "val_exact": 0.5, "val_loss": 1.0})
    one = cases.member(tmp_path, read, seed=0)
    rows = []
    for number, exact in enumerate(exacts, 1):
        row = cases.row(number, {"backbone": f"cnn3:width={number}"}, [one])
        metrics = {**row.metrics, "exact": SeedEstimate((exact,), exact, None, (exact - 1e-6, exact + 1e-6))}
        cost = {**row.cost, "parameters": SeedEstimate((123456.0 + number,), 123456.0 + number)}
        rows.append(dataclasses.replace(row, metrics=metrics, cost=cost))
    path = tmp_path / "narrow.html"
    path.write_text(html_page(cases.report(rows), load_registry([])), encoding="utf-8")
    emulate(browser, width, "light")
    browser.get(path.as_uri())
    assert until(lambda: find(browser, "#plot-cost text") and find(browser, "#plot-training text"))
    texts = [text.text for text in find(browser, "#plot-cost text")]
    assert any(re.fullmatch(tick, text) for text in texts), texts
    assert browser.execute_script(CUT_TEXTS) == []
    # One epoch: a curve of the training loss, and no panels with a single dot.
    assert find(browser, "#plot-training .line")[0].is_displayed()
    assert (
        not find(browser, "#plot-exact")[0].is_displayed()
        and find(browser, "#one-validation")[0].is_displayed()
    )


@pytest.mark.parametrize("width", [860, 1200])
def test_a_large_confusion_matrix_is_not_cut_off(browser, tmp_path, width):
    characters = string.ascii_letters + string.digits
    rows = [
        cases.row(number, {"backbone": f"cnn{number}"}, [cases.member(tmp_path, read)])
        for number, read in enumerate(
            (cases.texts((characters[1:], characters)), cases.texts((characters, characters), sure=(0.9,))), 1
        )
    ]
    path = tmp_path / "many_characters.html"
    path.write_text(html_page(cases.report(rows), load_registry([])), encoding="utf-8")
    emulate(browser, width, "light")
    browser.get(path.as_uri())
    overflow = (
        "const b = document.querySelector('#matrix').parentElement; return b.scrollWidth - b.clientWidth"
    )
    assert until(lambda: find(browser, "#matrix .wrong")) and browser.execute_script(overflow) == 0
    # Without an error all texts are accepted, and there is no table of them: not an empty frame either.
    assert not find(browser, "#accepted")[0].is_displayed()
    assert browser.execute_script("return document.querySelector('.scroll.fit').offsetHeight") == 0


def test_a_phone_scrolls_vertically_only(opened):
    emulate(opened, 375, "light")
    opened.refresh()
    width = "return [document.documentElement.scrollWidth, innerWidth]"
    assert opened.execute_script(width) == [375, 375]
    beyond = opened.execute_script(
        "const inside = (e) => e.closest('.scroll, nav, select, .keys');"
        "return [...document.querySelectorAll('main *, footer *')].filter((e) => !inside(e)"
        " && e.getBoundingClientRect().right > 376).map((e) => e.outerHTML.slice(0, 80))"
    )
    assert beyond == []


def test_the_button_switches_between_light_and_dark(opened):
    look = "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
    light = opened.execute_script(look)
    emulate(opened, 1280, "dark")
    dark = opened.execute_script(look)
    assert light[0] != dark[0] and light[1] != dark[1]
    find(opened, "#theme")[0].click()
    assert opened.execute_script(look) == light
    opened.refresh()
    assert opened.execute_script(look) == light, "the choice is kept"


def test_a_hostile_name_is_shown_as_text(opened):
    shown = opened.execute_script("return document.querySelector('#row-3').textContent")
    assert "<img src=x onerror=" in shown
    sources = opened.execute_script("return [...document.images].map((i) => i.src.slice(0, 5))")
    assert set(sources) == {"data:"}


def test_two_hundred_rows_are_drawn(browser, tmp_path):
    read = cases.texts(*[(f"{i:03}x", f"{i:03}y") for i in range(100)])
    one = cases.member(tmp_path, read, seed=0)
    rows = [cases.row(n, {"backbone": f"cnn3:width={n}"}, [one]) for n in range(1, 201)]
    path = Path(tmp_path / "many.html")
    path.write_text(html_page(cases.report(rows), load_registry([])), encoding="utf-8")
    emulate(browser, 1280, "light")
    browser.get(path.as_uri())
    assert len(find(browser, "#table tbody tr")) == 200
    assert browser.get_log("browser") == []


def test_numbers_of_an_axis_are_sorted_by_size_before_words(browser, tmp_path):
    rates = ["0.0003", "0.01", "auto", "0.001", "0.003"]
    found = cases.texts(("ab", "ab"), ("cd", "cx"))
    rows = [
        cases.row(number, {"lr": rate}, [cases.member(tmp_path, found, lr=rate)])
        for number, rate in enumerate(rates, 1)
    ]
    (tmp_path / "report.html").write_text(html_page(cases.report(rows, pairs=False), load_registry()))
    browser.get((tmp_path / "report.html").as_uri())
    header(browser, "lr").find_element("tag name", "button").click()
    found = [rates[int(number) - 1] for number in order(browser)]
    assert found == ["0.0003", "0.001", "0.003", "0.01", "auto"]
