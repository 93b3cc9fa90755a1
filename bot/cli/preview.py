"""`bot preview`, and the dry run of `bot post`: one screen that shows what would be sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from bot.app.wiring import App
from bot.cli.box import box, fitting
from bot.cli.common import (
    bot_command,
    emit,
    glyph,
    printable,
    problem_json,
    say,
    say_problem,
    say_problems,
)
from bot.i18n import Message, msg
from bot.model import Image, Measure, Replay
from bot.words import UNITS, reason

if TYPE_CHECKING:
    from decimal import Decimal

    from bot.app.asked import Refusal, Request
    from bot.app.preview import Change, DryRun, Shown

LOST = {
    (Replay.KEYED,): msg("the same request again is safe, and is made"),
    (Replay.SEARCHABLE,): msg("the account is read for it before anything is repeated"),
    (Replay.BLIND,): msg("only you can know; you are asked"),
    (Replay.KEYED, Replay.SEARCHABLE): msg(
        "the same request again, where the server knows its key; else the account is read for it"
    ),
}


@bot_command("preview", "Show how posts would appear on every account, drafts too. Writes nothing.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--account", metavar="NAME", help="Only this account.")
@click.option("--full", is_flag=True, help="Show a text again that another account has as well.")
def preview_command(
    app: App, as_json: bool, paths: tuple[str, ...], account: str | None, full: bool
) -> int:
    from bot.app.preview import preview

    run = preview(app, paths, account)
    if as_json:
        emit(run_json(run, why=False))
    else:
        _say_refused(run.refused)
        seen = {shown.post.path for shown in run.shown}
        say_problems([p for p in run.outlook.site.problems if p.path in seen])
        for block in _screen(run, full=full):
            say(block + "\n")
    return 1 if run.refused or any(shown.error for shown in run.shown) else 0


def say_dry_run(app: App, request: Request, *, as_json: bool, why: bool, full: bool) -> int:
    """`bot post --dry-run`."""
    from bot.app.preview import dry_run

    run = dry_run(app, request)
    if as_json:
        emit(run_json(run, why=why))
    else:
        _say_run(run, why=why, full=full)
    failed = any(shown.error for shown in run.shown) or run.outlook.refused
    lost = any(p.post_lost for p in run.outlook.site.problems) or not run.outlook.site.readable
    return 1 if failed or lost else 0


# --- JSON -----------------------------------------------------------------------------------------


def run_json(run: DryRun, *, why: bool) -> dict[str, Any]:
    skipped: list[dict[str, Any]] = []
    for code, paths in run.skipped.items():
        skipped.append(
            {"reason": code, "count": len(paths)} | ({"posts": list(paths)} if why else {})
        )
    problems = [problem_json(p) for p in run.outlook.site.problems]
    problems += [refused_json(r) for r in (*run.outlook.refused, *run.refused)]
    problems += [_error_json(shown) for shown in run.shown if shown.error]
    return {
        "deliveries": [_shown_json(shown) for shown in run.shown if shown.draft],
        "changes": [_change_json(change) for change in run.changes],
        "cost_usd": _dollars(run.cost),
        "skipped": skipped,
        "problems": problems,
    }


def _change_json(change: Change) -> dict[str, Any]:
    row = change.delivery
    return {
        "kind": row.kind,
        "post": row.path,
        "account": row.account,
        "there": change.there,
        "texts": None if change.texts is None else list(change.texts),
    }


def refused_json(refusal: Refusal) -> dict[str, Any]:
    return {
        "path": refusal.path,
        "line": None,
        "message": str(refusal.message),
        "code": refusal.code,
    }


def _error_json(shown: Shown) -> dict[str, Any]:
    assert shown.error is not None
    return {
        "path": shown.post.path,
        "line": shown.error.line,
        "message": str(shown.error),
        "code": shown.error.code,
        "account": shown.account.name,
    }


def _shown_json(shown: Shown) -> dict[str, Any]:
    draft = shown.draft
    assert draft is not None
    return {
        "post": shown.post.path,
        "url": draft.url,
        "account": shown.account.name,
        "network": shown.account.network,
        "enabled": shown.account.enabled,
        "when": str(shown.when),
        "cost_usd": _dollars(shown.cost),
        "parts": [
            {"text": part.text, **_measure_json(part.measures[0])}
            | ({"also": [_measure_json(m) for m in part.measures[1:]]} if part.measures[1:] else {})
            for part in draft.parts
        ],
        "fold": draft.options.get("fold"),
        "cw": draft.options.get("cw"),
        "link": draft.link,
        "hashtags": list(draft.hashtags),
        "images": [_image_json(image, draft.network) for image in draft.images],
        "left_out": [str(m) for m in draft.left_out],
        "lost_answer": [way.value for way in shown.lost],
        "example": shown.example,
    }


def _measure_json(measure: Measure) -> dict[str, Any]:
    return {"length": measure.length, "limit": measure.limit, "unit": measure.unit}


def _image_json(image: Image, network: str) -> dict[str, Any]:
    remark = _remark(image, network)
    return {
        "file": image.shown or image.url,
        "alt": image.alt,
        "width": image.width,
        "height": image.height,
        "remark": str(remark) if remark else None,
    }


def _dollars(cost: Decimal | None) -> float | None:
    return None if cost is None else float(cost)


# --- the screen -----------------------------------------------------------------------------------


def _say_run(run: DryRun, *, why: bool, full: bool) -> None:
    say_problems(run.outlook.site.problems)
    _say_refused(run.outlook.refused)
    if any(shown.example for shown in run.shown):
        say(str(msg("Nothing is due. As an example, the newest post:")) + "\n")
    elif not run.shown and not run.changes:
        say(str(msg("Nothing is due.")))
    for change in run.changes:
        _say_change(change)
    for block in _screen(run, full=full):
        say(block + "\n")
    for code, paths in run.skipped.items():
        words = msg("not sent: {count} posts, {reason}", count=len(paths), reason=reason(code))
        say(str(words))
        for path in paths if why else ():
            say(f"    {printable(path)}")


def _say_change(change: Change) -> None:
    row = change.delivery
    words = {"name": row.account, "path": row.path, "link": change.there}
    if change.texts is None:
        say(printable(str(msg("{name}: taken back: {path}: {link}", **words))) + "\n")
        return
    say(printable(str(msg("{name}: edited to: {path}: {link}", **words))))
    for text in change.texts:
        say("\n".join(box(printable(text), marks={})) + "\n")


def _say_refused(refused: tuple[Refusal, ...]) -> None:
    for refusal in refused:
        say_problem(printable(refusal.path), refusal.message, refusal.code, None)


def _screen(run: DryRun, *, full: bool) -> Iterator[str]:
    """A block for each post, and one for each of its accounts."""
    for path in dict.fromkeys(shown.post.path for shown in run.shown):
        group = [shown for shown in run.shown if shown.post.path == path]
        post = group[0].post
        yield printable("\n".join(" ".join(s.split()) for s in (post.title, post.url, path)))
        first: dict[tuple[str, ...], str] = {}
        for shown in group:
            texts = tuple(part.text for part in shown.draft.parts) if shown.draft else ()
            twin = first.setdefault(texts, shown.account.name) if texts and not full else None
            yield "\n".join(_account(shown, None if twin == shown.account.name else twin))
    if run.cost is not None:
        yield str(msg("All that is shown costs {cost}.", cost=_price(run.cost)))


def _account(shown: Shown, twin: str | None) -> Iterator[str]:
    facts = [shown.account.name, shown.account.network, str(shown.when)]
    facts += [_price(shown.cost)] if shown.cost is not None else []
    yield printable(f"  {glyph(' · ', ' - ').join(facts)}")
    if shown.error is not None:
        code = shown.error.code
        yield printable(f"  {msg('cannot be sent: {why}', why=shown.error)} [{code}]")
        if shown.error.place:
            yield printable(f"      {shown.error.place}")
        if shown.error.hint is not None:
            yield f"      {shown.error.hint}"
    if shown.draft is not None:
        yield from map(printable, _texts(shown, twin))
        yield from map(printable, () if twin else _within(shown))
        yield from map(printable, _beside(shown))


def _texts(shown: Shown, twin: str | None) -> Iterator[str]:
    draft = shown.draft
    assert draft is not None
    if twin is not None:
        yield f"  {msg('the same text as {account}', account=twin)}"
    for n, part in enumerate(draft.parts):
        if twin is None:
            fold = draft.options.get("fold") if n == 0 else None
            marks = {fold: str(msg("X shows the rest on a click"))} if fold else {}
            yield from box(printable(part.text), marks=marks)
        yield "  " + ", ".join(_measure(measure) for measure in part.measures)


def _measure(measure: Measure) -> str:
    limit = "" if measure.limit is None else f"/{measure.limit}"
    return f"{measure.length}{limit} {UNITS[measure.unit]}"


def _within(shown: Shown) -> Iterator[str]:
    """What of the text is a link and a hashtag."""
    draft = shown.draft
    assert draft is not None
    yield f"  {msg('link: {link}', link=draft.link or glyph('–', '-'))}"
    if draft.hashtags:
        yield f"  {msg('hashtags: {tags}', tags=' '.join(f'#{t}' for t in draft.hashtags))}"


def _beside(shown: Shown) -> Iterator[str]:
    """What goes with the text, and what does not."""
    draft = shown.draft
    assert draft is not None
    if warning := draft.options.get("cw"):
        yield f"  {msg('content warning: {text}', text=warning)}"
    if draft.options.get("embed") == "card":
        yield f"  {msg('card: the preview of {url}', url=draft.link or draft.url)}"
    for image in draft.images:
        yield from _image(image, draft.network)
    for what in draft.left_out:
        yield f"  {msg('left out: {what}', what=what)}"
    yield f"  {msg('if the answer is lost: {how}', how=LOST[shown.lost])}"


def _image(image: Image, network: str) -> Iterator[str]:
    facts = [image.shown or image.url or ""]
    if image.width and image.height:
        facts.append(f"{image.width}{glyph('×', 'x')}{image.height}")
    if image.size:
        facts.append(f"{max(1, round(image.size / 1000)):,} kB")
    yield f"  {msg('image: {facts}', facts=', '.join(facts))}"
    if image.alt:
        yield f"      {msg('alt text: {alt}', alt=fitting(image.alt))}"
    remark = _remark(image, network)
    if remark is not None:
        yield f"    {glyph('⚠', '!')} {remark}"


def _remark(image: Image, network: str) -> Message | None:
    from bot.compose import alt_remark

    return alt_remark(image.alt, image.shown or image.url or "", network)


def _price(dollars: Decimal) -> str:
    return f"${dollars:.3f}"
