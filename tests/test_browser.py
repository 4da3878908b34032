"""The portal as its people use it: `manage.py demo` serving to a real Chromium. Run with `pytest -m browser`."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from portal.text import squeeze

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parent.parent
TEXTS = Path(os.environ.get("DUIZHAO_TEXTS") or ROOT.parent / "shared" / "seeds")

# One page of every public template, under either language.
PAGES = [
    "",
    "reports/",
    "reports/biden-issues-2021/",
    "reports/digital-economy-dialogue-2019/",
    "reports/st-cooperation-framework/",
    "authors/",
    "authors/lu-benfu/",
    "authors/sun-haiyong/",
    "institutions/",
    "institutions/siis/",
    "works/",
    "works/?shared=yes",
    "areas/",
    "areas/technology/",
    "recommendations/",
    "recommendations/?area=dialogue-mechanisms&force=should",
    "recommendations/?addressee=both-governments",
    "recommendations/digital-economy-dialogue-2019/R20/",
    "questions/",
    "questions/technology-decoupling/",
    "matrix/",
    "matrix/?area=cyberspace&report=cyber-relations-2021&report=st-cooperation-framework&ordering=kind",
    "matrix/?columns=holders&kind=normative&beside=authors:cyber-relations-2021",
    "matrix/?area=space&voice=joint",
    "questions/us-leadership-keep/",
    "frameworks/",
    "frameworks/benefit-risk/",
    "compare/",
    "compare/?reports=cyber-relations-2021",
    "compare/?reports=cyber-relations-2021&reports=digital-economy-dialogue-2019",
    "compare/?reports=cyber-relations-2021,biden-tech-policy-2021,st-cooperation-framework",
    "frameworks/benefit-risk/?view=panels",
    "subjects/",
    "subjects/carbon-capture/",
    "forecasts/",
    "timeline/",
    "timeline/?area=technology&year_min=2016",
    "search/",
    "search/?q=拜登",
    "search/?q=数据 cyber&type=positions",
    "search/?q=cyb zzz",
    "search/?q=cyber-relations-2021/R07",
    "about/codebook/",
    "corrections/",
    "nowhere/",
    "reports/?kind=poem",
]
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


class Site:
    """A running demo: its address, and the editor's password as printed."""

    def __init__(self, address, password):
        self.address, self.password = address, password

    def __call__(self, path, language="zh"):
        return f"{self.address}/{language}/{path}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "log"
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{folder / 'demo.sqlite3'}", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "manage.py", "demo", "--port", str(port)]
    if TEXTS.is_dir():
        command += ["--texts", str(TEXTS)]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2).close()
                break
            except (urllib.error.URLError, OSError):
                assert server.poll() is None, log.read_text()
                time.sleep(0.2)
        else:
            pytest.fail(f"The demo does not answer.\n{log.read_text()}")
        password = re.search(r"password: (\S+)", log.read_text())
        yield Site(f"http://127.0.0.1:{port}", password[1])
        assert not re.search(r"Traceback|\bERROR\b", log.read_text()), log.read_text()
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        executable = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium):
    """Return a function that opens a page; whatever the console complains of fails the test."""
    contexts, complaints = [], []

    def open_page(width=1280, scheme="light", script=True, **options):
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: said.type in ("error", "warning") and complaints.append(said.text))
        return page

    yield open_page
    for context in contexts:
        context.close()
    # The browser itself notes each 400 and 404 that a test asks for.
    assert not [line for line in complaints if "Failed to load resource" not in line], complaints


def faults(page):
    """Return what axe finds, one line each."""
    found = Axe().run(page, options=AXE).response["violations"]
    return [f"{v['id']}: {node['html'][:160]}" for v in found for node in v["nodes"]]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_every_template_is_accessible(site, tab, language, width, scheme):
    page = tab(width, scheme)
    found = {}
    for path in PAGES:
        page.goto(site(path, language))
        if lines := faults(page):
            found[path] = lines
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if overflow > 0:
            found.setdefault(path, []).append(f"{overflow} px wider than the screen")
    assert not found, "\n".join(f"{path}: {line}" for path, lines in found.items() for line in lines[:5])


@pytest.mark.parametrize("script", [True, False])
def test_from_the_front_page_to_the_other_documents_paragraph(site, tab, script):
    page = tab(script=script)
    page.goto(site(""))
    page.get_by_role("link", name="议题").first.click()
    page.get_by_role("link", name="对话机制", exact=True).first.click()
    expect(page.locator("h1")).to_have_text("对话机制")
    key = entry("cyber-relations-2021", "positions", question="restore-official-dialogue")["recommendation"]
    page.locator(f"main a[href='/zh/recommendations/cyber-relations-2021/{key}/']").first.click()
    expect(page.locator("h1")).to_be_visible()
    first = page.url
    other = page.locator("main a[href*='/reports/']:not([href*='cyber-relations-2021'])[href*='#']").first
    expect(other).to_be_visible()
    other.click()
    assert page.url != first and "#" in page.url
    anchor = page.url.partition("#")[2]
    expect(page.locator(f"[id='{anchor}']")).to_have_count(1)


def test_the_language_changes_and_the_page_stays(site, tab):
    page = tab()
    page.goto(site("recommendations/?force=may"))
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    page.get_by_role("link", name="English", exact=True).click()
    assert page.url == site("recommendations/?force=may", "en")
    assert page.locator("html").get_attribute("lang") == "en"
    page.goto(site.address)
    assert page.url == site("", "en")
    page.get_by_role("link", name="中文", exact=True).click()
    assert page.url == site("")


def test_the_root_follows_the_browsers_language(site, tab):
    for locale, language in (("en-GB", "en"), ("zh-CN", "zh"), ("fr-FR", "zh")):
        page = tab(locale=locale)
        page.goto(site.address)
        assert page.url == site("", language), locale


@pytest.mark.parametrize("script", [True, False])
def test_a_finder_on_a_phone(site, tab, script):
    page = tab(360, script=script)
    page.goto(site("recommendations/"))
    box = page.locator("input[name=force][value=may]")
    if not box.is_visible():
        page.locator("details:has(input[name=force]) summary").click()
    box.check()
    page.locator("main form:has(input[name=force]) button").last.click()
    assert "force=may" in page.url
    chip = page.locator(".chips a").first
    expect(chip).to_be_visible()
    chip.click()
    assert "force=may" not in page.url


def test_a_wrong_filter_says_so(site, tab):
    page = tab()
    assert page.goto(site("recommendations/?aera=health", "en")).status == 400
    expect(page.locator("main")).to_contain_text("aera")


def whole(report):
    """Return the first report of a shipped dossier."""
    return json.loads((ROOT / "reports" / "corpus" / f"{report}.json").read_text(encoding="utf-8"))["reports"][0]


def entry(report, part, **members):
    """Return the first row of a part of a shipped dossier that has these members, and rests on a recommendation."""
    rows = [row for row in whole(report)[part] if members.items() <= row.items()]
    return next((row for row in rows if "recommendation" in row), rows[0])


def quotation(report, key):
    """Return the first quotation of a recommendation of the shipped corpus, read from the source file itself."""
    span = entry(report, "recommendations", key=key)["evidence"][0]
    text = squeeze((TEXTS / whole(report)["source"]["file"]).read_text(encoding="utf-8"))
    return text[span["start"] : span["end"]]


def test_quotations_are_shown_from_the_text(site, tab):
    page = tab()
    page.goto(site("recommendations/digital-economy-dialogue-2019/R20/"))
    expect(page.locator("main")).to_contain_text(quotation("digital-economy-dialogue-2019", "R20"))


def test_headers_and_hashed_names(site, tab):
    page = tab()
    response = page.goto(site(""))
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    sheet = page.locator("link[rel=stylesheet]").get_attribute("href")
    assert re.search(r"duizhao\.[0-9a-f]{12}\.css$", sheet), sheet
    assert "max-age=315360000" in page.request.get(site.address + sheet).headers["cache-control"]


def test_an_editor_codes_a_report_by_pasting_a_quotation(site, tab):
    page = tab(locale="en-GB")
    page.goto(f"{site.address}/admin/")
    page.fill("#id_username", "editor")
    page.fill("#id_password", site.password)
    page.locator("input[type=submit], button[type=submit]").first.click()
    page.goto(f"{site.address}/admin/recommendations/recommendation/add/")
    pick(page, "report", "digital-economy-dialogue-2019")
    page.fill("#id_summary_zh", "测试用的一条建议。")
    page.fill("#id_summary_en", "A recommendation made by a test.")
    page.locator("[name=voice]").first.select_option("joint") if page.locator("select[name=voice]").count() else None
    pick(page, "areas", "dialogue")
    page.select_option("select[name=action_type]", "dialogue")
    page.select_option("select[name=force]", "should")
    words = quotation("digital-economy-dialogue-2019", "R20")
    page.locator("textarea[name$=-quotation], input[name$=-quotation]").first.fill(f"{words[:9]} \n{words[9:]}")
    page.locator("[name=_continue]").click()
    expect(page.locator(".errornote")).to_have_count(0)
    expect(page.locator("body")).to_contain_text(words)


def pick(page, name, words):
    """Choose the first answer of an autocomplete field, once it has answered to these words."""
    page.locator(f".field-{name} .select2-selection").click()
    with page.expect_response(lambda answer: "/autocomplete/" in answer.url and f"term={words}" in answer.url):
        page.locator(f".field-{name} .select2-search__field, .select2-dropdown .select2-search__field").first.fill(
            words
        )
    expect(page.locator(".select2-results .loading-results")).to_have_count(0)
    page.locator(".select2-results__option").first.click()
