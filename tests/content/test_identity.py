"""Which post is which: renames, moves, copies and new slugs are one post; doubt is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.content.identity import Identified, identify
from bot.content.sketches import mostly_same, sketch
from bot.model import Article, Post, Summary

LINES = [f"この段落の{n}行目には、それぞれ別のことが書いてあります。" for n in range(40)]


def post(path: str, *, text: Sequence[str] = LINES, **more: Any) -> Post:
    data = "\n".join(text).encode()
    values: dict[str, Any] = {
        "source": path,
        "url": f"https://b/{path.removesuffix('.md')}/",
        "title": path,
        "date": None,
        "lastmod": None,
        "language": "ja",
        "tags": (),
        "categories": (),
        "summary": Summary(lines=(), source="title"),
        "cover": None,
        "content_hash": str(hash(data)),
        "visible": True,
        "why_not": None,
        "sketch": sketch(data),
    }
    return Post(path=path, **(values | more))


def text(seed: str) -> list[str]:
    return [f"{seed}について書いた段落その{n}です。" for n in range(40)]


def scan(
    posts: Sequence[Post], before: Identified | None = None, now: int = 1, **more: Any
) -> Identified:
    """One scan after another: what the ledger kept of the one before is known."""
    known: dict[str, Article] = {}
    if before is not None:
        known = {a.id: a for a in before.articles}
        known |= {a.id: replace(a, gone_at=now) for a in before.missing}
    return identify(posts, list(known.values()), "site", now, **more)


def ids(found: Identified) -> dict[str, str]:
    return {p.path: p.id for p in found.posts}


def test_the_id_is_of_the_first_sight() -> None:
    one = scan([post("a.md")])
    edited = scan([post("a.md", title="別の題", url="https://b/new/")], one, 2)
    assert ids(edited) == ids(one)
    assert edited.articles[0].guid == "https://b/a/"
    assert edited.articles[0].first_seen == 1


def test_a_moved_file_is_the_same_post() -> None:
    one = scan([post("a.md")])
    assert ids(scan([post("b.md")], one, 2))["b.md"] == ids(one)["a.md"]


def test_a_file_moved_and_edited_at_once_is_the_same() -> None:
    one = scan([post("a.md")])
    mended = [*LINES[:10], "直した行です。", *LINES[11:]]
    two = scan([post("b.md", text=mended, title="新しい題")], one, 2)
    assert ids(two)["b.md"] == ids(one)["a.md"]
    other = scan([post("b.md", text=text("別の話"))], one, 2)
    assert ids(other)["b.md"] != ids(one)["a.md"]


def test_a_moved_and_edited_file_with_its_address_or_alias_is_the_same() -> None:
    one = scan([post("a.md")])
    kept = scan([post("b.md", text=text("新"), url="https://b/a/")], one, 2)
    assert ids(kept)["b.md"] == ids(one)["a.md"]
    alias = scan([post("c.md", text=text("新"), aliases=("https://b/a/",))], one, 2)
    assert ids(alias)["c.md"] == ids(one)["a.md"]


def test_git_mv_and_a_new_file_in_its_place() -> None:
    one = scan([post("a.md")])
    two = scan([post("b.md"), post("a.md", text=text("新しい話"), title="新しい話")], one, 2)
    assert ids(two)["b.md"] == ids(one)["a.md"]
    assert ids(two)["a.md"] != ids(one)["a.md"]
    assert two.doubtful == {}


def test_a_copy_of_a_post_that_was_then_edited_takes_nothing() -> None:
    one = scan([post("a.md", title="題")])
    edited = [*LINES[:20], "直した行です。", *LINES[21:]]
    two = scan([post("a.md", text=edited, title="題"), post("copy.md", title="題")], one, 2)
    assert ids(two)["a.md"] == ids(one)["a.md"]


def test_two_files_that_change_places() -> None:
    one = scan([post("a.md", text=text("い")), post("b.md", text=text("ろ"))])
    two = scan(
        [
            post("a.md", text=text("ろ"), url="https://b/x/"),
            post("b.md", text=text("い"), url="https://b/y/"),
        ],
        one,
        2,
    )
    assert ids(two) == ids(one), "each path is still there: nothing says that they moved"


def test_a_renamed_folder_keeps_every_post() -> None:
    one = scan([post(f"old/{n}.md", text=text(str(n))) for n in range(20)])
    two = scan([post(f"new/{n}.md", text=text(str(n))) for n in range(20)], one, 2)
    assert sorted(ids(two).values()) == sorted(ids(one).values())
    assert not two.missing


def test_a_changed_permalink_pattern_keeps_every_post() -> None:
    one = scan([post(f"{n}.md", text=text(str(n))) for n in range(20)])
    two = scan(
        [post(f"{n}.md", text=text(str(n)), url=f"https://b/2026/{n}/") for n in range(20)], one, 2
    )
    assert ids(two) == ids(one)


def test_an_explicit_id_goes_with_the_post_and_a_copy_is_another() -> None:
    one = scan([post("a.md", explicit_id="mine")])
    assert ids(one) == {"a.md": "mine"}
    copied = [
        post("a.md", explicit_id="mine"),
        post("0-copy.md", explicit_id="mine", url="https://b/c/"),
    ]
    two = scan(copied, one, 2)
    assert ids(two)["a.md"] == "mine"
    assert ids(two)["0-copy.md"] != "mine"
    assert [p.code for p in two.problems] == ["duplicate-id"]
    moved = scan([post("z.md", explicit_id="mine", text=text("全部新しい"))], two, 3)
    assert ids(moved)["z.md"] == "mine"


def test_a_copied_file_is_a_new_post() -> None:
    one = scan([post("a.md")])
    two = scan([post("a.md"), post("b.md")], one, 2)
    assert ids(two)["a.md"] == ids(one)["a.md"]
    assert ids(two)["b.md"] != ids(one)["a.md"]


def test_a_branch_switch_and_back() -> None:
    one = scan([post("a.md"), post("b.md", text=text("ろ"))])
    away = scan([post("a.md")], one, 2)
    assert [a.path for a in away.missing] == ["b.md"]
    known = [*away.articles, *(replace(a, gone_at=2) for a in away.missing)]
    back = identify([post("a.md"), post("b.md", text=text("ろ"))], known, "site", 3)
    assert ids(back) == ids(one)


def test_moved_to_where_another_post_was_once() -> None:
    one = scan([post("a.md"), post("b.md", text=text("ろ"))])
    known = [replace(a, gone_at=2) if a.path == "b.md" else a for a in one.articles]
    two = identify([post("b.md", url="https://b/b/")], known, "site", 3)
    assert ids(two)["b.md"] == ids(one)["a.md"]


def test_everything_new_at_an_old_path_is_a_doubt() -> None:
    one = scan([post("a.md")])
    two = scan([post("a.md", text=text("別"), title="別", url="https://b/other/")], one, 2)
    assert two.doubtful == {ids(two)["a.md"]: ids(one)["a.md"]}
    assert ids(two) != ids(one)
    assert [p.code for p in two.problems] == ["new-or-old"]


def test_most_of_the_text_is_enough() -> None:
    one = scan([post("a.md")])
    mended = [*LINES[:10], "直した行です。", *LINES[11:]]
    two = scan([post("a.md", text=mended, title="新しい題", url="https://b/other/")], one, 2)
    assert ids(two) == ids(one)
    assert two.articles[0].changed_at == 2


def test_sketches() -> None:
    assert mostly_same(sketch("\n".join(LINES).encode()), sketch("\n".join(LINES[5:]).encode()))
    assert not mostly_same(sketch("\n".join(LINES).encode()), sketch("\n".join(text("x")).encode()))
    assert not mostly_same(sketch(b""), sketch(b""))


def test_of_two_posts_with_one_address_the_first_is_published() -> None:
    one = scan([post("b.md", url="https://b/same/")])
    both = [
        post("a.md", text=text("い"), url="https://b/same/"),
        post("b.md", url="https://b/same/"),
    ]
    two = scan(both, one, 2)
    assert {p.path: (p.visible, p.why_not) for p in two.posts} == {
        "a.md": (False, "collision"),
        "b.md": (True, None),
    }
    assert len(set(ids(two).values())) == 2


def test_an_unread_file_is_not_taken_as_moved() -> None:
    one = scan([post("a.md")])
    two = scan([post("b.md")], one, 2, unread=["a.md"])
    assert ids(two)["b.md"] != ids(one)["a.md"]
    assert not two.missing


def test_translations_are_one_article() -> None:
    ja, en = post("a.ja.md", translation="a"), post("a.en.md", text=text("en"), translation="a")
    first = scan([ja])
    both = scan([en, ja], first, 2)
    assert {p.subject for p in both.posts} == {ids(first)["a.ja.md"]}
    assert len(set(ids(both).values())) == 2
    known = [*both.articles]
    without = identify([en], known, "site", 3)
    assert {p.subject for p in without.posts} == {ids(first)["a.ja.md"]}


def test_posts_without_translations_are_their_own_subject() -> None:
    found = scan([post("a.md"), post("b.md", text=text("ろ"))])
    assert [p.subject for p in found.posts] == [p.id for p in found.posts]


def test_the_loser_of_an_address_is_told_who_has_it() -> None:
    one = scan([post("b.md", url="https://b/x/")])
    both = [post("a.md", text=text("甲"), url="https://b/x/"), post("b.md", url="https://b/x/")]
    found = scan(both, one, 2)
    assert {p.path: p.why_not for p in found.posts} == {"a.md": "collision", "b.md": None}
    assert [(p.path, p.code, p.post_lost) for p in found.problems] == [
        ("a.md", "url-collision", False)
    ]
    assert str(found.problems[0].message).startswith("b.md ")


def test_a_draft_at_the_address_of_a_post_is_told() -> None:
    draft = post("a.md", text=text("甲"), url="https://b/x/", visible=False, why_not="draft")
    hidden = post("c.md", text=text("乙"), url="https://b/x/", visible=False, why_not="other-file")
    found = scan([draft, post("b.md", url="https://b/x/"), hidden])
    assert [(p.path, p.code) for p in found.problems] == [("a.md", "url-collision")]


@pytest.mark.parametrize("copies", [["copy.md"], ["0.md"], ["zz.md", "a.md"]])
def test_a_copy_made_while_the_folder_moves_is_asked_about(copies: list[str]) -> None:
    """The file with the old name is the old post, whatever the order of the names."""
    one = scan([post("old/p.md"), post("old/q.md", text=text("ろ"))])
    moved = [post("new/p.md"), post("new/q.md", text=text("ろ"))]
    two = scan([*moved, *(post(f"new/{name}") for name in copies)], one, 2)
    assert (ids(two)["new/p.md"], ids(two)["new/q.md"]) == tuple(ids(one).values())
    assert two.doubtful == {ids(two)[f"new/{name}"]: ids(one)["old/p.md"] for name in copies}
    assert {p.path for p in two.problems} == {f"new/{name}" for name in copies}
    assert not two.missing


def test_a_copy_and_its_original_move_together() -> None:
    one = scan([post("old/copy.md"), post("old/p.md")])
    two = scan([post("new/copy.md"), post("new/p.md")], one, 2)
    assert ids(two) == {f"new/{path[4:]}": id for path, id in ids(one).items()}
    assert two.doubtful == {}


def test_a_new_post_beside_a_renamed_folder_is_no_doubt() -> None:
    one = scan([post("old/p.md")])
    two = scan([post("new/p.md"), post("new/n.md", text=text("新しい話"))], one, 2)
    assert (two.doubtful, two.problems) == ({}, ())


def test_two_posts_swap_their_names() -> None:
    """Their addresses are made of their titles, and so go along."""
    first: dict[str, Any] = {"text": text("い"), "title": "い", "url": "https://b/i/"}
    second: dict[str, Any] = {"text": text("ろ"), "title": "ろ", "url": "https://b/ro/"}
    one = scan([post("a.md", **first), post("b.md", **second)])
    two = scan([post("a.md", **second), post("b.md", **first)], one, 2)
    assert ids(two) == {"a.md": ids(one)["b.md"], "b.md": ids(one)["a.md"]}
    assert (two.doubtful, two.problems, two.missing) == ({}, (), ())


def test_a_file_that_pushes_a_shared_one_aside_is_asked_about() -> None:
    one = scan([post("q.md", url="https://b/q/")])
    aside = post("q.md", url="https://b/q/", visible=False, why_not="other-file")
    two = scan([aside, post("q.ja.md", text=text("乙"), url="https://b/q/")], one, 2)
    assert two.doubtful == {ids(two)["q.ja.md"]: ids(one)["q.md"]}
