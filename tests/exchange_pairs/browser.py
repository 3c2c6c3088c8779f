"""A browser of the plainest kind: cookies, forms and links over real HTTP, for tests of two portals."""

from __future__ import annotations

import html
import re
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin, urlsplit


class Page:
    """What stands at an address: status, where redirects ended, text."""

    def __init__(self, status: int, url: str, text: str) -> None:
        self.status, self.url, self.text = status, url, text

    def field(self, name: str) -> str:
        """The value of a hidden field."""
        for tag in re.findall(r"<input[^>]*>", self.text):
            if f'name="{name}"' in tag:
                found = re.search(r'value="([^"]*)"', tag)
                return html.unescape(found[1]) if found else ""
        raise AssertionError(f"no field {name} at {self.url}: {self.text[-3000:]}")

    def hidden(self) -> dict[str, str]:
        """All hidden fields of the page's main part, by name."""
        found = {}
        main = self.text.partition("<main")[2].partition("</main>")[0]
        for tag in re.findall(r'<input[^>]*type="hidden"[^>]*>', main):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name:
                found[name[1]] = html.unescape(value[1]) if value else ""
        return found

    def link(self, pattern: str) -> str:
        """The address of the first link whose tag fits the pattern."""
        for tag in re.findall(r"<a [^>]*>", self.text):
            if re.search(pattern, tag):
                found = re.search(r'href="([^"]*)"', tag)
                if found:
                    return urljoin(self.url, html.unescape(found[1]))
        raise AssertionError(f"no link {pattern} at {self.url}: {self.text[-3000:]}")


class Browser:
    """One person's browser; knows its cookies by host and port, as two portals on one machine need it."""

    def __init__(self) -> None:
        self._jars: dict[str, CookieJar] = {}

    def open(self, url: str, form: dict[str, str] | None = None, *, steps: int = 8) -> Page:
        """Follows redirects, across portals too."""
        for _ in range(steps):
            page, location = self._one(url, form)
            if not location:
                return page
            url, form = urljoin(url, location), None
        raise AssertionError(f"redirects without end at {url}")

    def last_address(self, url: str, form: dict[str, str]) -> str:
        """Where a form leads, not followed."""
        page, location = self._one(url, form)
        assert location, page.text[-3000:]
        return urljoin(url, location)

    def _one(self, url: str, form: dict[str, str] | None) -> tuple[Page, str]:
        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_arguments: object, **_options: object) -> None:
                return None

        jar = self._jars.setdefault(urlsplit(url).netloc, CookieJar())
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar), Stay())
        body = urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(url, data=body, headers={"Accept": "text/html"})
        try:
            with opener.open(request, timeout=60) as answer:
                return Page(answer.status, answer.url, answer.read().decode()), ""
        except urllib.error.HTTPError as fault:
            location = fault.headers.get("Location", "") if 300 <= fault.code < 400 else ""
            return Page(fault.code, url, fault.read().decode()), location

    def submit(self, page: Page, url: str, **form: str) -> Page:
        """Sends a form of a page, with its token."""
        return self.open(urljoin(page.url, url), {"csrfmiddlewaretoken": page.field("csrfmiddlewaretoken"), **form})

    def sign_in(self, base: str, who: str = "student@demo.example") -> None:
        """As one of the demo people."""
        page = self.submit(self.open(f"{base}/"), "/", login=who, password="demo-portal-2026")
        assert page.status == 200, page.text[-2000:]
