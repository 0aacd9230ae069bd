"""The endpoint's page in a browser.

`page.py PROGRAM BACKFILL [--only NAME] [--seconds N] [--pictures FOLDER]`: PROGRAM is the example `page` of the library, BACKFILL the main example, or `-` for
none. Memory is watched for N seconds.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import traceback

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from program import Program

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Opened:
    """A page with all that it said and asked for."""

    def __init__(self, browser, url, wide=1280, scheme="light", is_live=True):
        self.context = browser.new_context(viewport={"width": wide, "height": 900}, color_scheme=scheme, accept_downloads=True)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page = self.context.new_page()
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append((message.type, message.text)))
        self.page.on("pageerror", lambda error: self.said.append(("pageerror", str(error))))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.begun = time.time()
        self.page.goto(url)
        if is_live:
            self.page.wait_for_selector("#status[data-state=live]")
            self.page.wait_for_selector("#function-table tbody tr")

    def tick(self, times=1):
        """Waits until so many readings more are shown."""
        for _ in range(times):
            before = self.page.text_content("#at") + (self.page.evaluate("document.documentElement.dataset.script") or "")
            self.page.wait_for_function(
                "before => document.getElementById('at').textContent + document.documentElement.dataset.script !== before", arg=before)

    def cells(self, table, column):
        """What stands in a column of a table, by the head's text."""
        return self.page.evaluate(
            """([table, column]) => {
                const heads = [...document.querySelectorAll(`#${table} thead th`)];
                const index = heads.findIndex(head => head.textContent === column);
                return [...document.querySelectorAll(`#${table} tbody tr`)].map(row => row.children[index].textContent);
            }""", [table, column])

    def errors(self):
        return [message for message in self.said if message[0] in ("error", "pageerror", "warning", "debug")]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


def number(text):
    return float(text.replace(",", "")) if text else 0.0


def violations(page):
    found = Axe().run(page).response["violations"]
    return [(one["id"], one["help"], [node["html"][:160] + " | " + node["failureSummary"][:300] for node in one["nodes"][:3]]) for one in found]


@test
def says_nothing_loads_nothing_and_has_one_origin(browser, run):
    with Program(run.page) as program, Opened(browser, program.url) as opened:
        opened.tick(3)
        assert opened.errors() == [], opened.errors()
        outside = [url for url in opened.asked if not url.startswith(program.url) and not url.startswith("data:")]
        assert outside == [], outside
        loaded = {url.removeprefix(program.url) for url in opened.asked if url.startswith("http")}
        assert loaded == {"", "api/live"}, loaded


@test
def shows_what_the_exposition_says_at_that_moment(browser, run):
    with Program(run.page) as program, Opened(browser, program.url) as opened:
        for _ in range(3):
            before = program.metrics()
            opened.tick(2)
            shown = dict(zip(opened.cells("function-table", "function"), map(number, opened.cells("function-table", "calls"))))
            orders = dict(zip(opened.cells("metrics", "series"), map(number, opened.cells("metrics", "value"))))
            after = program.metrics()

            def calls(metrics, name):
                return sum(value for key, value in metrics.items() if key.startswith("function_calls_total{") and f'function="{name}"' in key)

            assert set(shown) == {"handle", "parse", "price", "store"}, shown
            for name, value in shown.items():
                assert calls(before, name) < value <= calls(after, name), (name, calls(before, name), value, calls(after, name))
            for country in ["de", "fr"]:
                key = f'orders_total{{country="{country}"}}'
                assert before[key] < orders[key] <= after[key], (key, before[key], orders[key], after[key])


@test
def sorts_and_searches(browser, run):
    with Program([*run.page, "300"]) as program, Opened(browser, program.url) as opened:
        page = opened.page
        for expected in [lambda values: values == sorted(values, reverse=True), lambda values: values == sorted(values)]:
            page.click("#function-table thead button:text-is('calls')")
            values = [number(text) for text in opened.cells("function-table", "calls")]
            assert len(values) > 5 and expected(values), values
        page.click("#function-table thead button:text-is('function')")
        names = opened.cells("function-table", "function")
        assert names == sorted(names) and names[0] == "function_00000", names
        assert page.get_attribute("#function-table thead th:first-child", "aria-sort") == "ascending"
        page.fill("#search", "TION_0012")
        assert opened.cells("function-table", "function") == [f"function_0012{digit}" for digit in range(10)]
        page.fill("#search", "nothing is called so")
        assert page.is_visible("#function-table .note")
        page.fill("#search", "")
        # All of them can be reached.
        page.evaluate("document.querySelector('#function-table .scroller').scrollTop = 1e9")
        page.wait_for_function("() => [...document.querySelectorAll('#function-table tbody th')].some(cell => cell.textContent === 'store')")


@test
def is_used_by_keyboard_alone(browser, run):
    with Program(run.page) as program, Opened(browser, program.url) as opened:
        page, key = opened.page, opened.page.keyboard
        focused = lambda: page.evaluate("document.activeElement.textContent")
        key.press("Tab")
        assert focused() == "Skip to the functions"
        key.press("/")
        assert page.evaluate("document.activeElement.id") == "search"
        key.type("par")
        for _ in range(40):
            key.press("Tab")
            if page.evaluate("document.activeElement.closest('#function-table tbody') !== null"):
                break
        assert focused() == "parse", focused()
        key.press("ArrowRight")
        assert page.text_content("#query") == 'sum(function_calls_total{function="parse",module="page"})'
        key.press("c")
        page.wait_for_function("() => document.getElementById('said').textContent.startsWith('Copied')")
        assert page.evaluate("navigator.clipboard.readText()") == 'sum(function_calls_total{function="parse",module="page"})'
        key.press("End")
        key.press("Home")
        key.press("Enter")
        assert focused() == "parse" and page.evaluate("document.activeElement.tagName") == "H3"
        assert page.text_content("#chosen .ways").startswith("handle: "), page.text_content("#chosen")
        opened.tick(3)
        assert "At most" in page.text_content("#chosen") or "at most" in page.text_content("#chosen")
        key.press("Escape")
        assert page.is_hidden("#chosen")
        page.focus("#icicle [tabindex='0']")
        assert focused().startswith("handle"), focused()
        key.press("ArrowDown")
        below = focused()
        assert below.split("  ")[0] in ("parse", "price", "store"), below
        key.press("Enter")
        assert page.is_visible("#tree-out") and focused().startswith(below.split("  ")[0])
        # To its caller, and to the whole tree; the focus stays where it is.
        key.press("Escape")
        assert page.is_visible("#tree-out") and focused().startswith(below.split("  ")[0])
        key.press("Escape")
        assert page.is_hidden("#tree-out")
        page.focus("#pause")
        key.press("Space")
        shown = page.text_content("#function-table")
        time.sleep(2.5)
        assert page.text_content("#function-table") == shown and page.text_content("#status") == "paused"


@test
def every_number_has_a_query_that_prometheus_would_read(browser, run):
    with Program(run.page) as program, Opened(browser, program.url) as opened:
        page = opened.page
        cells = page.query_selector_all("#function-table tbody tr:first-child td, #metrics tbody td, #process tbody td, #own tbody td")
        queries = set()
        for cell in cells[:80]:
            if cell.is_visible() and cell.text_content():
                cell.click()
                if page.is_visible("#query-bar"):
                    queries.add(page.text_content("#query"))
        for button in page.query_selector_all("#tiles button, #jobs .number"):
            button.click()
            queries.add(page.text_content("#query"))
        assert len(queries) > 30, queries
        check_queries(queries)


def check_queries(queries):
    """Prometheus' own tool reads them as the expressions of rules."""
    rules = [{"record": f"query_{place}", "expr": query} for place, query in enumerate(sorted(queries))]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump({"groups": [{"name": "page", "rules": rules}]}, file)
        file.flush()
        checked = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr + checked.stdout


@test
def ten_thousand_functions_stay_usable(browser, run):
    with Program([*run.page, "10000"]) as program:
        time.sleep(1)
        with Opened(browser, program.url) as opened:
            first = time.time() - opened.begun
            paint = opened.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000")
            opened.tick(3)
            scripts = []
            for _ in range(9):
                opened.tick()
                scripts.append(float(opened.page.evaluate("document.documentElement.dataset.script")))
            assert opened.page.text_content("#function-count") in ("10,005", "10,006"), opened.page.text_content("#function-count")
            begun = time.time()
            opened.page.fill("#search", "function_09999")
            assert opened.cells("function-table", "function") == ["function_09999"]
            searched = time.time() - begun
            rows = opened.page.evaluate("document.querySelectorAll('*').length")
            script = statistics.median(scripts)
            print(f"    10,000 functions: first paint {paint:.2f} s, rows after {first:.2f} s, script {script:.1f} ms a second (median of 9), search {searched:.2f} s, {rows} elements")
            assert paint < 1.0 and script < 50.0 and rows < 3_000, (paint, script, rows)


@test
def names_stay_text(browser, run):
    with Program([*run.page, "0", "hostile"]) as program, Opened(browser, program.url) as opened:
        page = opened.page
        opened.tick(2)
        names = opened.cells("function-table", "function")
        assert '<img src=x onerror="window.harmed=1">' in names, names
        for name in list(names):
            page.fill("#search", name)
            page.click("#function-table tbody th")
            check_queries({page.text_content("#query")})
            opened.tick()
            assert page.text_content("#chosen h3") == name
        assert page.evaluate("window.harmed") is None
        assert page.evaluate("document.querySelectorAll('img, iframe, object, main script').length") == 0
        assert opened.errors() == [], opened.errors()
        # Whoever found a way to hand markup over is stopped by the policy.
        stopped = page.evaluate("""() => { try { document.body.insertAdjacentHTML('beforeend', '<i></i>'); return null; } catch (error) { return error.name; } }""")
        assert stopped == "TypeError", stopped


@test
def asks_for_the_token_and_keeps_it_to_itself(browser, run):
    with Program(run.page, TELEMETRY_TOKEN="s3cret") as program, Opened(browser, program.url, is_live=False) as opened:
        page = opened.page
        page.wait_for_selector("#ask[open]")
        assert violations(page) == []
        page.fill("#token", "wrong")
        page.click("#ask button")
        page.wait_for_function("() => document.getElementById('ask-note').textContent === 'The token was refused.' && document.getElementById('ask').open")
        page.fill("#token", "s3cret")
        page.keyboard.press("Enter")
        page.wait_for_selector("#function-table tbody tr")
        opened.tick(2)
        assert "s3cret" not in page.content() and all("s3cret" not in url for url in opened.asked)
        with page.expect_download() as download:
            page.click("text=Save snapshot")
        with open(download.value.path()) as file:
            assert json.load(file)["version"] == 1


@test
def saves_the_snapshot_and_flame_graphs(browser, run):
    with Program(run.page) as program, Opened(browser, program.url) as opened:
        def saved(text):
            with opened.page.expect_download() as download:
                opened.page.click(f"text={text}")
            with open(download.value.path()) as file:
                return download.value.suggested_filename, file.read()

        name, text = saved("Save for speedscope")
        profile = json.loads(text)
        assert name.startswith("page-") and name.endswith(".speedscope.json"), name
        assert [one["name"] for one in profile["profiles"]] == ["time", "cpu", "bytes"], profile["profiles"]
        for one in profile["profiles"]:
            assert len(one["samples"]) == len(one["weights"]) and abs(sum(one["weights"]) - one["endValue"]) < 1e-6 * one["endValue"]
            assert all(0 <= frame < len(profile["shared"]["frames"]) for sample in one["samples"] for frame in sample)
        _, folded = saved("Save folded stacks")
        assert any(line.startswith("page::handle;page::parse ") for line in folded.splitlines()), folded


@test
def goes_on_after_the_program_started_anew(browser, run):
    with Program(run.page) as first, Opened(browser, first.url) as opened:
        opened.tick(3)
        before = number(opened.cells("function-table", "calls")[0])
        port = int(first.url.rstrip("/").rsplit(":", 1)[1])
        first.stop()
        opened.page.wait_for_selector("#status[data-state=lost]", timeout=10_000)
        with Program(run.page, port=port):
            opened.page.wait_for_selector("#status[data-state=live]", timeout=10_000)
            opened.tick(2)
            after = number(opened.cells("function-table", "calls")[0])
            assert after < before, (before, after)
            rates = [number(text) for text in opened.cells("function-table", "calls/s")]
            assert all(0 <= rate < 5_000 for rate in rates), rates


@test
def axe_finds_nothing(browser, run):
    with Program([*run.page, "40", "hostile"]) as program:
        for wide in (1280, 390):
            for scheme in ("light", "dark"):
                with Opened(browser, program.url, wide, scheme) as opened:
                    page = opened.page
                    opened.tick(2)
                    page.click("#function-table tbody tr:nth-child(2) th")
                    page.click("#metrics tbody td >> nth=0")
                    page.click("details >> nth=0")
                    opened.tick()
                    found = violations(page)
                    assert found == [], (wide, scheme, json.dumps(found, indent=1))
                    overflow = page.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth")
                    assert overflow <= 0, (wide, overflow)


@test
def memory_is_flat(browser, run):
    with Program([*run.page, "200"]) as program, Opened(browser, program.url) as opened:
        session = opened.context.new_cdp_session(opened.page)
        opened.page.click("#function-table tbody tr:nth-child(2) th")

        def used():
            session.send("HeapProfiler.collectGarbage")
            counters = session.send("Memory.getDOMCounters")
            return session.send("Runtime.getHeapUsage")["usedSize"], counters["nodes"], counters["jsEventListeners"]

        # What is kept of the last minutes is full after two of them; before that it grows.
        settle = min(130, run.seconds / 2)
        time.sleep(settle)
        first = used()
        time.sleep(run.seconds - settle)
        last = used()
        print(f"    memory: {first[0] / 1e6:.2f} MB, {first[1]} nodes, {first[2]} listeners after {settle:.0f} s; {last[0] / 1e6:.2f} MB, {last[1]}, {last[2]} after {run.seconds} s")
        assert last[0] < first[0] * 1.15 + 300_000 and last[1] <= first[1] + 150 and last[2] <= first[2] + 20, (first, last)


@test
def shows_the_main_example(browser, run):
    """Its jobs, its statements with their plans, and figures that agree with the exposition."""
    if run.backfill is None:
        return print("    without the main example")
    with tempfile.TemporaryDirectory() as folder:
        with Program([os.path.abspath(run.backfill), "--rate", "25", "--database", folder + "/flights.duckdb"]) as program, Opened(browser, program.url) as opened:
            page = opened.page
            page.wait_for_selector("#jobs article")
            page.wait_for_selector("#statement-table tbody tr", timeout=20_000)
            opened.tick(3)
            before = program.metrics()
            opened.tick(2)
            shown = dict(zip(opened.cells("function-table", "function"), map(number, opened.cells("function-table", "calls"))))
            after = program.metrics()
            for name, value in shown.items():
                calls = lambda metrics: sum(value for key, value in metrics.items() if key.startswith("function_calls_total{") and f'function="{name}"' in key)
                assert calls(before) <= value <= calls(after), (name, calls(before), value, calls(after))
            page.click("#statement-table tbody th >> nth=0")
            opened.tick()
            assert page.text_content("#statement-text") == page.text_content("#statement-table tbody th")
            assert opened.errors() == [], opened.errors()
            assert violations(page) == []
            if run.pictures:
                pictures(browser, program, run.pictures)


def pictures(browser, program, folder):
    os.makedirs(folder, exist_ok=True)
    for scheme in ("light", "dark"):
        for name, wide in (("wide", 1280), ("narrow", 390)):
            with Opened(browser, program.url, wide, scheme) as opened:
                opened.tick(6)
                opened.page.screenshot(path=f"{folder}/{name}-{scheme}.png", full_page=True)


class Run:
    pass


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("page")
    arguments.add_argument("backfill")
    arguments.add_argument("--only")
    arguments.add_argument("--seconds", type=int, default=40)
    arguments.add_argument("--pictures")
    given = arguments.parse_args()
    if CHROMIUM is None:
        sys.exit("no chromium: apt-get install chromium")
    run = Run()
    run.page, run.backfill, run.seconds, run.pictures = [os.path.abspath(given.page)], given.backfill if given.backfill != "-" else None, given.seconds, given.pictures
    failed = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for one in TESTS:
            if given.only and given.only not in one.__name__:
                continue
            begun = time.time()
            try:
                one(browser, run)
                print(f"ok   {one.__name__} ({time.time() - begun:.1f} s)", flush=True)
            except Exception:
                failed.append(one.__name__)
                print(f"FAIL {one.__name__}\n{traceback.format_exc()}", flush=True)
        browser.close()
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
