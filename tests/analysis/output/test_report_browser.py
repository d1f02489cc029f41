"""The report in a real browser, driven through the DevTools protocol; skipped where no Chromium is installed."""

import base64
import itertools
import json
import shutil
import subprocess
import time
import urllib.request

import pytest
from websockets.sync.client import connect

from analysis.output import figures, index, report, summary
from analysis.results.findings import Findings

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; on Debian: apt-get install chromium")
ERRORS = {
    "original": {0: 6.5, 1: 6.6, 2: 6.7},
    "bn_after_add": {0: 7.5, 1: 8.6, 2: 9.7},
    "full_preact": {0: 6.3, 1: 6.3, 2: None},
}


class Tab:
    """One tab; every event that the browser reports is kept, newest last."""

    def __init__(self, socket):
        self.socket, self.sent, self.events = socket, 0, []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": parameters}))
        while (answer := json.loads(self.socket.recv(timeout=20))).get("id") != self.sent:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def of(self, method):
        return [event["params"] for event in self.events if event.get("method") == method]

    def run(self, script):
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def count(self, selector):
        return self.run(f"document.querySelectorAll({json.dumps(selector)}).length")

    def open(self, path, width):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        until = time.monotonic() + 20
        while not self.of("Page.loadEventFired"):
            assert time.monotonic() < until
            self.run("1")

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def plot(self):
        """Left, top, width and height of the plot, scrolled into view."""
        self.run("document.getElementById('plot').scrollIntoView({block: 'center'})")
        box = "(({x, y, width, height}) => [x, y, width, height])"
        return self.run(f"{box}(document.querySelector('#plot > svg').getBoundingClientRect())")

    def axis(self):
        return self.run("[...document.querySelectorAll('#plot text.x')].map((text) => +text.textContent)")


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    home = tmp_path_factory.mktemp("chromium")
    words = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0")
    process = subprocess.Popen([CHROMIUM, *words, f"--user-data-dir={home}", "about:blank"], stderr=subprocess.DEVNULL)
    try:
        port_file, until = home / "DevToolsActivePort", time.monotonic() + 20
        while not (port_file.exists() and port_file.read_text().strip()):
            assert time.monotonic() < until
            time.sleep(0.05)
        with urllib.request.urlopen(f"http://127.0.0.1:{port_file.read_text().split()[0]}/json") as answer:
            (url,) = [page["webSocketDebuggerUrl"] for page in json.load(answer) if page["type"] == "page"]
        with connect(url, max_size=None, proxy=None) as socket:
            yield Tab(socket)
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def page(ablation_runs, ablation_history, tmp_path):
    """The report of 12 epochs; seed 2 of full_preact diverged."""
    runs = ablation_runs(ERRORS)
    history = ablation_history(runs, epochs=12)
    every = figures.all_figures(runs, history)
    pictures = {name: figures.save(figure, tmp_path, name)[1] for name, figure in every.items()}
    return report.write(Findings.from_frames(runs, history), pictures, tmp_path)


@pytest.mark.parametrize("width", [1280, 400])
def test_it_renders_fetches_nothing_and_complains_of_nothing(tab, page, width):
    tab.open(page, width)
    requested = [event["request"]["url"] for event in tab.of("Network.requestWillBeSent")]
    assert page.as_uri() in requested
    assert [url for url in requested if url != page.as_uri() and not url.startswith("data:")] == []
    assert tab.of("Log.entryAdded") == tab.of("Runtime.exceptionThrown") == tab.of("Runtime.consoleAPICalled") == []
    assert tab.count("#plot path.median") == 3
    pictures = tab.run("[...document.images].map((image) => image.complete && image.naturalWidth > 0)")
    assert len(pictures) > 1
    assert all(pictures)
    assert tab.run("document.documentElement.scrollWidth") <= width
    shot = base64.b64decode(tab.call("Page.captureScreenshot")["data"])
    assert len(shot) > 20_000  # an empty page of this size is below 5 kB


def test_a_variant_and_a_seed_are_switched_off_and_on(tab, page):
    tab.open(page, 1280)
    click = "document.querySelector('input[name={}][value=\"{}\"]').click()"
    tab.run(click.format("variant", "bn_after_add"))
    assert (tab.count("[data-variant=bn_after_add]"), tab.count("#plot path.median")) == (0, 2)
    tab.run(click.format("variant", "bn_after_add"))
    assert tab.count("[data-variant=bn_after_add] path.median") == 1
    assert tab.count("[data-seed='1']") == 0
    tab.run(click.format("seed", "1"))
    assert tab.count("[data-seed='1']") == 3
    tab.run(click.format("seed", "1"))
    assert tab.count("[data-seed='1']") == 0
    # A run that diverged is always drawn, and ends in a cross.
    assert (tab.count("[data-seed='2']"), tab.count("[data-variant=full_preact] .cross")) == (1, 1)


def test_hovering_shows_the_numbers_of_the_logs(tab, page):
    tab.open(page, 1280)
    x, y, width, height = tab.plot()
    tab.mouse("mouseMoved", x + width - 16, y + height / 2)
    said = tab.run("document.getElementById('tip').innerText")
    assert "epoch 12" in said
    assert "original: 6.6 (6.5 to 6.7, n = 3)" in said
    assert "full pre-activation: 6.3 (6.3 to 6.3, n = 2)" in said
    tab.mouse("mouseMoved", x + 57, y + height / 2)
    assert "original: 116.6 (116.5 to 116.7, n = 3)" in tab.run("document.getElementById('tip').innerText")
    tab.run("document.querySelector('input[value=\"train/error\"]').click()")
    tab.mouse("mouseMoved", x + width - 18, y + height / 2)
    assert "original: 4.6 (4.5 to 4.7, n = 3)" in tab.run("document.getElementById('tip').innerText")


def test_dragging_zooms_and_a_double_click_or_the_button_shows_all_again(tab, page):
    tab.open(page, 1280)
    whole = tab.axis()
    assert (whole[0], whole[-1]) == (1, 12)

    def drag():
        x, y, width, height = tab.plot()
        tab.mouse("mousePressed", x + width * 0.5, y + height / 2, button="left", buttons=1, clickCount=1)
        tab.mouse("mouseMoved", x + width * 0.7, y + height / 2, button="left", buttons=1)
        tab.mouse("mouseReleased", x + width * 0.75, y + height / 2, button="left", clickCount=1)
        return tab.axis()

    zoomed = drag()
    assert 1 < zoomed[0] <= zoomed[-1] < 12
    assert not tab.run("document.getElementById('reset').hidden")
    tab.run("document.getElementById('reset').click()")
    assert tab.axis() == whole
    assert drag() == zoomed
    x, y, width, height = tab.plot()
    for clicks in (1, 2):
        tab.mouse("mousePressed", x + width / 2, y + height / 2, button="left", clickCount=clicks)
        tab.mouse("mouseReleased", x + width / 2, y + height / 2, button="left", clickCount=clicks)
    assert tab.axis() == whole


def test_axis_labels_do_not_collide_on_a_narrow_page(tab, ablation_runs, ablation_history, tmp_path):
    runs = ablation_runs({"original": {0: 6.5}})
    history = ablation_history(runs, epochs=1640)
    tab.open(report.write(Findings.from_frames(runs, history), {}, tmp_path), 400)
    boxes = tab.run(
        "[...document.querySelectorAll('#plot text.x')].map((text) => text.getBoundingClientRect())"
        ".map((box) => [box.left, box.right])"
    )
    assert len(boxes) > 2
    assert all(left > right + 4 for (_, right), (left, _) in itertools.pairwise(boxes))
    assert 0 <= boxes[0][0] < boxes[-1][1] <= 400


def test_the_index_shows_what_is_asked_for(tab, ablation_runs, tmp_path):
    """Two studies: in one a variant is better, in the other none is; words, a verdict and both together."""
    studies = {
        "depth": ERRORS | {"full_preact": {0: 4.0, 1: 4.1, 2: 4.0}},
        "order": {name: {0: 6.5, 1: 6.9, 2: 6.6} for name in ERRORS},
    }
    for name, errors in studies.items():
        (tmp_path / name).mkdir()
        runs = ablation_runs(errors, ablation__question=f"Which {name}?", ablation__published=None)
        summary.write(Findings.from_frames(runs), tmp_path / name)
    (page, _) = index.write(tmp_path)
    tab.open(page, 400)
    assert tab.of("Log.entryAdded") == tab.of("Runtime.exceptionThrown") == tab.of("Runtime.consoleAPICalled") == []
    assert tab.run("document.documentElement.scrollWidth") <= 400
    shown = (
        "[...document.querySelectorAll('.studies > li')].filter(row => row.offsetParent)"
        ".map(row => row.querySelector('h2').innerText)"
    )
    assert tab.run(shown) == ["Which depth?", "Which order?"]
    search = (
        "document.getElementById('words').value = '{}';"
        "document.getElementById('words').dispatchEvent(new Event('input', {{bubbles: true}}))"
    )
    tab.run(search.format("which ORDER"))
    assert tab.run(shown) == ["Which order?"]
    tab.run("document.querySelector('[name=verdict][value=better]').click()")
    assert tab.run(shown) == []
    tab.run(search.format(""))
    assert tab.run(shown) == ["Which depth?"]
    assert tab.run("document.getElementById('shown').value") == "1 of 2 shown"
