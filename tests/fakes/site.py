"""A website that is deployed while it is looked at: each path answers as its script says.

The steps of a path are used up one a call, the last one stays: `"there"` (its own page), `"404"`,
`"503"`, `"other"` (200, but the page of another post), `"soft"` (200, and the site's front page),
`"hang"`, `"cut"`, `">ADDRESS"` (a redirect), a Reply.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from tests.fakes.http import Call, FakeServer, Reply

HTML = {"Content-Type": "text/html; charset=utf-8"}
NOT_FOUND = "<!doctype html><title>404 Page not found | 試験</title>"
FRONT = "<!doctype html><title>試験</title><link rel=canonical href=/>"
FAULTS = {"hang": "hang_before", "cut": "drop_before"}


@dataclass
class PageOf:
    """One path: its page, and what it answers before that."""

    html: str
    steps: deque[str | Reply] = field(default_factory=deque)


class FakeSite(FakeServer):
    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.pages: dict[str, PageOf] = {}

    def deploy(
        self,
        path: str,
        *steps: str | Reply,
        title: str = "題",
        canonical: str | None = None,
        image: str | None = None,
    ) -> None:
        """What is at `path` from now on."""
        address = canonical or f"{self.base}{path}"
        picture = f'<meta property="og:image" content="{image}">' if image else ""
        html = f"<!doctype html><title>{title}</title><link rel=canonical href={address}>{picture}"
        with self.lock:
            self.pages[path] = PageOf(html, deque(steps or ("there",)))

    def looks(self, path: str) -> int:
        """How often this path was asked for."""
        with self.lock:
            return sum(call.path == path for call in self.calls)

    def is_visible(self, call: Call) -> bool:
        """The calls that a fault may hit: those whose step names one."""
        with self.lock:
            page = self.pages.get(call.path)
            fault = FAULTS.get(str(page.steps[0])) if page else None
            if page is not None and fault is not None:
                self._step(page)
                self.script.append(fault)
            return fault is not None

    def handle(self, call: Call) -> Reply:
        with self.lock:
            page = self.pages.get(call.path)
            return self._answer(page, self._step(page)) if page else Reply(404, NOT_FOUND, HTML)

    def _step(self, page: PageOf) -> str | Reply:
        return page.steps.popleft() if len(page.steps) > 1 else page.steps[0]

    def _answer(self, page: PageOf, step: str | Reply) -> Reply:
        if isinstance(step, Reply):
            return step
        if step.startswith(">"):
            return Reply(301, "", {"Location": step[1:]})
        if step == "there":
            return Reply(200, page.html, HTML)
        if step == "soft":
            return Reply(200, FRONT, HTML)
        if step == "other":
            return Reply(
                200, page.html.replace("<title>", "<title>別の").replace("canonical", "x"), HTML
            )
        return Reply(int(step), NOT_FOUND, HTML)
