"""Reading: a cold read beside Hugo, a look at an unchanged tree beside bare scandir and stat, and how
soon a saved post is noticed and sent. Every row is measured in the same run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bot.app.hugo_check import find_hugo

ROOT = Path(__file__).parents[1]
POSTS, BLOG, FILES, FOLDERS = 10_000, 1_900, 100_000, 120
"""How many posts to read cold, posts of a blog with some years behind it, files of the large tree."""
ROUNDS = 3
SAVES = 20
IDLE_SECONDS = 60.0
"""One look by interval is among them."""
PARAGRAPH = (
    "朝の工場では、機械の音より先に人の声がする。**材料**と[道具](https://e.example/)、そして記録。"
    "数字は毎日変わるが、手順は変わらない。だから手順を書く、というのがこの話のはじまりである。\n\n"
)
HUGO_TOML = """baseURL = "https://blog.example/"
timeZone = "Asia/Tokyo"
[services.rss]
limit = 20
[segments.feeds]
[[segments.feeds.includes]]
kind = "home"
output = "rss"
"""
BOT_TOML = """[content]
hugo = "."
[feed]
path = "feeds"
[[accounts]]
name = "log"
network = "file"
path = "out.jsonl"
"""


def table() -> str:
    rows = ["| what | bot | beside it | ratio |", "|---|---:|---:|---:|"]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        site(root, POSTS)
        rows += _cold_rows(root)
        rows += _run_rows(root, POSTS)
    with tempfile.TemporaryDirectory() as folder:
        site(Path(folder), BLOG)
        rows += _run_rows(Path(folder), BLOG)
    with tempfile.TemporaryDirectory() as folder:
        rows.append(_unchanged_row(Path(folder)))
    return "\n".join(rows)


def site(root: Path, count: int) -> None:
    """Posts of 14 to 15 kB with a summary and a cover, in `FOLDERS` folders."""
    (root / "hugo.toml").write_text(HUGO_TOML, encoding="utf-8")
    (root / "bot.toml").write_text(BOT_TOML, encoding="utf-8")
    (root / "static").mkdir()
    picture = next((ROOT / "static" / "images" / "posts").glob("*.png"))
    shutil.copy(picture, root / "static" / "cover.png")
    for number in range(count):
        folder = root / "content" / "posts" / f"{number % FOLDERS:03}"
        if number < FOLDERS:
            folder.mkdir(parents=True)
        (folder / f"p{number:05}.md").write_text(post(number), encoding="utf-8")


def post(number: int) -> str:
    bullets = "".join(
        f"- {number}本目の記事の{n}つ目の要点は、ここに書いてあります。\n" for n in "一二三"
    )
    matter = (
        f'title: "記事の題名 {number} と AI"\ndate: 2025-{number % 12 + 1:02}-{number % 28 + 1:02}'
        f'T00:00:00+09:00\ndescription: "{number}本目の記事の説明です。"\ncover:\n  image: "/cover.png"\n'
        '  alt: "図"\n  relative: false\ncategories:\n  - "AI News"\ntags:\n  - "GenAI"\n  - "速報"\n'
    )  # fmt: skip
    sections = "".join(f"## {n}つ目の節 {number}\n\n{PARAGRAPH * 6}" for n in "一二三四五六七八")
    return f"---\n{matter}---\n## 3行要約\n\n{bullets}\n{sections}"


# --- a cold read --------------------------------------------------------------------------------


def _cold_rows(root: Path) -> Iterator[str]:
    """Whole processes, best of several, each beginning with nothing of its own."""
    bot = best(root, [sys.executable, "-m", "bench.content", "read", str(root)], ROOT)
    turn = best(root, [sys.executable, "-m", "bot", "feed"], root)
    hugo = find_hugo(os.environ)
    theirs = best(root, [hugo, "--renderSegments", "feeds", "--quiet"], root) if hugo else None
    names = (
        (f"cold read of {POSTS:,} posts and a feed of 20, without the ledger", bot),
        ("the same as `bot feed`, which writes the ledger, too", turn),
    )
    for name, (seconds, mebibytes) in names:
        yield _row(f"{name}: s", seconds, theirs and theirs[0])
        yield _row(f"{name}: peak MiB", mebibytes, theirs and theirs[1])
    if theirs is None:
        yield "| (there is no hugo here to put beside these) | | | |"


def best(root: Path, command: list[str], cwd: Path) -> tuple[float, float]:
    """Wall seconds and peak MiB of the quickest of some runs."""
    return min(_measured(root, command, cwd) for _ in range(ROUNDS))


def _measured(root: Path, command: list[str], cwd: Path) -> tuple[float, float]:
    for name in ("feeds", "public", "state", "resources"):
        shutil.rmtree(root / name, ignore_errors=True)
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return time.perf_counter() - start, used.ru_maxrss / 1024


def _read(root: Path) -> None:
    """What `_cold_rows` measures of bot: read every post, write the feeds."""
    from bot.app.wiring import App, system_world
    from bot.config import load
    from bot.content import read_body, to_html
    from bot.model import Entry

    app = App(load("bot.toml", str(root)), system_world())
    posts = [p for p in app.scanner.scan(app.now()).posts if p.visible and p.date]
    posts.sort(key=lambda p: (p.date, p.path), reverse=True)
    entries = [
        Entry(post=p, guid=p.url, published=p.date, updated=p.date, html="")
        for p in posts
        if p.date is not None
    ]
    app.press.publish(entries, lambda e: to_html(read_body(e.post), e.post.url))


# --- an unchanged tree --------------------------------------------------------------------------


def _unchanged_row(root: Path) -> str:
    from bot.content.rules import SiteRules
    from bot.content.scanner import Scanner

    content = root / "content"
    for number in range(FILES):
        folder = content / f"{number % FOLDERS:03}"
        if number < FOLDERS:
            folder.mkdir(parents=True)
        (folder / f"{number:06}.md").write_text(f"---\ntitle: {number}\n---\n", encoding="utf-8")
    scanner = Scanner(SiteRules(root=str(root), content=str(content), url="https://b.example/"))
    now = _clock()
    scanner.scan(now)
    pairs = [
        (_wall(lambda: scanner.scan(now)), _wall(lambda: _bare(str(content)))) for _ in range(7)
    ]
    ours, theirs = (median(column) for column in zip(*pairs, strict=True))
    return _row(f"unchanged scan of {FILES:,} files beside bare scandir and stat: s", ours, theirs)


def _bare(top: str) -> dict[str, int]:
    stamps: dict[str, int] = {}
    waiting = [top]
    while waiting:
        with os.scandir(waiting.pop()) as listing:
            for entry in listing:
                if entry.is_dir():
                    waiting.append(entry.path)
                else:
                    stamps[entry.path] = entry.stat().st_mtime_ns
    return stamps


# --- a process that runs ------------------------------------------------------------------------


def _run_rows(root: Path, count: int) -> Iterator[str]:
    """`bot run` among so many posts: from the save of a new one to the line in its account's file."""
    with _running(root) as process:
        sent = [_save_to_line(root, count + number) for number in range(SAVES)]
        idle = _idle(process.pid) if count == BLOG else None
    yield f"| save to visible call among {count:,} posts, median of {SAVES}: ms | {median(sent) * 1000:.0f} | | |"
    yield f"| the same, longest: ms | {max(sent) * 1000:.0f} | | |"
    if idle is not None:
        noticed = [_event_to_hint(root) for _ in range(SAVES)]
        yield f"| idle CPU of that process: ms a second | {idle * 1000:.1f} | | |"
        yield f"| event to noticed, median of {SAVES}: ms | {median(noticed) * 1000:.1f} | | |"


def _idle(pid: int) -> float:
    time.sleep(2)
    before = _cpu(pid)
    time.sleep(IDLE_SECONDS)
    return (_cpu(pid) - before) / IDLE_SECONDS


@contextmanager
def _running(root: Path) -> Iterator[subprocess.Popen[str]]:
    for name in ("feeds", "public", "state"):
        shutil.rmtree(root / name, ignore_errors=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "run", "--first-run"],
        cwd=root,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "feed.json" in line:
                break
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def _event_to_hint(root: Path) -> float:
    """From the rename of a saved file to the call of a watcher of its own in this process."""
    import threading

    from bot.content import Watcher

    folder = root / "watched"
    folder.mkdir(exist_ok=True)
    told = threading.Event()
    watcher = Watcher([str(folder)], told.set)
    watcher.start()
    (folder / "a.tmp").write_text("x", encoding="utf-8")
    start = time.perf_counter()
    (folder / "a.tmp").rename(folder / "a.md")
    assert told.wait(10)
    passed = time.perf_counter() - start
    watcher.stop()
    return passed


def _save_to_line(root: Path, number: int) -> float:
    """As editors save: written beside, then renamed."""
    out, name = root / "out.jsonl", f"new-{number:05}"
    file = root / "content" / "posts" / f"{name}.md"
    beside = file.with_name(f".{name}.tmp")
    beside.write_text(post(number), encoding="utf-8")
    start = time.perf_counter()
    beside.rename(file)
    while not (out.exists() and name.encode() in out.read_bytes()):
        assert time.perf_counter() - start < 60
        time.sleep(0.001)
    return time.perf_counter() - start


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used. (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html)"""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _row(name: str, ours: float, theirs: float | None) -> str:
    if theirs is None:
        return f"| {name} | {ours:.2f} | – | – |"
    return f"| {name} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} |"


def _wall(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251


if __name__ == "__main__":
    _read(Path(sys.argv[2]))
