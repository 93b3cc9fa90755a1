"""The settings, as frozen values: what config.toml may say, its defaults and its words.

Each field's metadata documents it (docs/configuration.md is made from here); `bot.config` fills
these from the file. A new setting is a new field here and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from datetime import date
from typing import Any


def setting(doc: str, default: Any = MISSING, **more: Any) -> Any:
    """A field with its documentation. Lists and tables are given as tuples and frozen mappings.

    `more` is what `bot.config` checks: `choices`, `least` (the smallest number), `check` ("url",
    "timezone", "language", "duration", "name", …), `networks` (the only ones that know the setting),
    `built_in` (another default on some networks), `one` (a text alone stands for a list of it).
    """
    return field(default=default, metadata={"doc": doc, **more})


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Names where a secret lives; the value is read when it is needed and kept by nobody."""

    env: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    url: str = setting(
        "The address of the site, with https://; Hugo's baseURL with [content] hugo",
        "",
        check="url",
    )
    title: str = setting("The name of the site", "")
    language: str = setting("Its language (BCP 47)", "en", check="language")
    timezone: str = setting("The zone of dates that name none (IANA)", "UTC", check="timezone")
    author: str = setting("Who writes, where a post does not say", "")
    description: str = setting("One sentence about the site, shown in feeds", "")
    id: str = setting(
        "The ledger's name for this site; by default host and path of `url` at the first run", ""
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    path: str = setting("The folder of Markdown files", "content")
    static: str = setting("The folder of files that are served as they are", "static")
    permalink: str = setting(
        "The pattern of a post's address: `:slugorfilename`, `:slug`, `:filename`, `:title`, `:section`, `:sections`, `:year`, `:month`, `:day`",
        "/posts/:slugorfilename/",
    )
    sections: tuple[str, ...] = setting("Only these first-level folders hold posts; empty: all", ())
    hugo: str = setting(
        "The folder of a Hugo site (`.`: here): its own configuration decides addresses, folders, languages and dates; empty: the settings here do",
        "",
    )
    languages: tuple[str, ...] = setting(
        "The languages of posts named like `post.ja.md`, the site's own first; the others stand below `/en/`",
        (),
    )
    language_in_path: bool = setting("The site's own language stands in addresses, too", False)
    ugly_urls: bool = setting("Addresses end in `.html`, not in `/`", False)
    lowercase: bool = setting("Addresses are in lower case", True)
    remove_accents: bool = setting("Addresses hold no accents (é → e, が → か)", False)
    drafts: bool = setting("Drafts count as published", False)
    future: bool = setting("Posts of the future count as published", False)
    expired: bool = setting("Posts whose time is over count as published", False)
    ignore: tuple[str, ...] = setting(
        "Files whose path matches one of these are no posts (regular expressions)", ()
    )
    ignore_covers: tuple[str, ...] = setting(
        "Covers that are not shared, like a default picture of many posts, as the front matter names them",
        (),
    )
    cover_hosts: tuple[str, ...] = setting(
        "Hosts in your own network that covers with an https:// address may be fetched from", ()
    )
    body_cover: bool = setting("A post without a cover takes the first picture of its text", False)
    unsafe: bool = setting(
        "Feeds keep the raw HTML of posts (cleaned, always); with [content] hugo Hugo's own setting of that name decides",
        True,
    )
    pull: str = setting(
        "`bot run` fetches the site's git branch at this interval (`git pull --ff-only`); empty: never",
        "",
        check="duration",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarySettings:
    headings: tuple[str, ...] = setting(
        "Headings of the section whose list items are shared, in order of priority", ("3行要約",)
    )
    aliases: tuple[str, ...] = setting(
        "Headings that stand in where a post has none of `headings`, in order of priority",
        (
            "3行まとめ",
            "3行でまとめると",
            "3行サマリー",
            "今北産業",
            "TL;DR",
            "要約",
            "この記事のポイント",
            "Key takeaways",
            "この記事でわかること",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    path: str = setting("The folder that the feeds are written to", "public")
    limit: int = setting("How many posts a feed holds", 20, least=1)
    rss: str = setting("File name of RSS 2.0; empty: not written", "feed.xml")
    atom: str = setting("File name of Atom 1.0; empty: not written", "atom.xml")
    json: str = setting("File name of JSON Feed 1.1; empty: not written", "feed.json")
    content: str = setting(
        "full: the whole text of each post; summary: its lines alone",
        "full",
        choices=("full", "summary"),
    )
    strip: tuple[str, ...] = setting(
        'What feeds leave out of posts, as CSS selectors, like `".ad"`; the line that leads to it goes with it; `[]`: nothing',
        ("a[rel~=sponsored]",),
    )
    url: str = setting("Where `path` is served, with https://; empty: the site's address", "")
    guid: str = setting(
        "How a post that is new gets its lasting id: permalink (as Hugo's feeds do) or tag (a tag URI)",
        "permalink",
        choices=("permalink", "tag"),
    )
    hubs: tuple[str, ...] = setting("WebSub hubs that are told of changes, with https://", ())
    ttl: int = setting(
        "RSS: minutes that a reader may wait before it asks again; 0: not said", 0, least=0
    )
    icon: str = setting("A square picture of the site: an address, or a path on the site", "")
    style: str = setting(
        "File name of the stylesheet that makes a feed readable in a browser; empty: not written",
        "feed.css",
    )
    gzip: bool = setting(
        "Write a copy compressed with gzip beside each feed (`feed.xml.gz`)", False
    )
    brotli: bool = setting(
        "Write a copy compressed with brotli beside each feed (`feed.xml.br`; needs the package brotli)",
        False,
    )
    tags: bool = setting("A feed for each tag, in `tags/NAME/`", False)
    categories: bool = setting("A feed for each category, in `categories/NAME/`", False)
    sections: bool = setting("A feed for each section, in `NAME/`", False)
    languages: bool = setting("A feed for each language, in `LANGUAGE/`", False)
    term_limit: int = setting("How many posts these hold; 0: as many as `limit`", 0, least=0)
    archive: str = setting(
        "Folder of the older posts, month by month (RFC 5005); empty: not written", ""
    )
    opml: str = setting("File name of the list of all feeds (OPML); empty: not written", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    flood: int = setting(
        "More new posts than this in one scan are held until `bot approve`", 10, least=0
    )
    old_ledger: str = setting(
        "A ledger in which nothing has happened for so long may be an old copy; so may one that `bot state import` has just filled. More posts at once than `old_ledger_posts` are then held until `bot approve`, for accounts that are not read back (`adopt = 0`)",
        "3d",
        check="duration",
    )
    old_ledger_posts: int = setting(
        "So many posts at once go out whatever the ledger's age", 1, least=0
    )
    timeout: float = setting("Seconds that one call to a network may take", 15.0, least=0.1)
    settle_gap: float = setting(
        "Seconds between the two looks that settle a lost answer", 2.0, least=0
    )
    give_up: str = setting(
        "Retries end when a delivery has been due for so long", "3d", check="duration"
    )
    wait_until_live: bool = setting(
        "A post is shared when its page is online and is this post's; false: at once (accounts of the network `file` never wait)",
        True,
    )
    live_wait: str = setting(
        "How long `bot post` waits for the pages of new posts before it ends; the next run looks again",
        "2m",
        check="duration",
    )
    live_deadline: str = setting(
        "A page that is not online after so long is shown as needing you", "2d", check="duration"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GitState:
    """[state] git: a ledger on a branch, for jobs on machines that are thrown away."""

    branch: str = setting(
        "The branch that holds the ledger, like `bot-state`; empty: `url` holds", ""
    )
    remote: str = setting(
        "Where it is fetched from and pushed to: a remote of the site's repository, or an address",
        "origin",
        check="name",
    )
    commits: int = setting(
        "So many commits the branch has at most; then it begins anew with one", 100, least=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSettings:
    url: str | Secret = setting(
        "Where the ledger lives: sqlite:///PATH or postgresql://…; with a password: { env = … }",
        "sqlite:///state/bot.db",
        check="store",
    )
    git: GitState = setting(
        'Instead of `url`: a branch of the site\'s repository, like `{ branch = "bot-state" }`',
        GitState(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ui:
    language: str = setting(
        "The language bot speaks: en or ja; empty: the terminal's, else the site's",
        "",
        choices=("", "en", "ja"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    format: str = setting(
        "How `bot run` tells what it does: text, a line for people, or json, an object a line",
        "text",
        choices=("text", "json"),
    )
    level: str = setting(
        "What it tells: debug, info, warning or error, and what is more than that",
        "info",
        choices=("debug", "info", "warning", "error"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    run: bool = setting(
        "`bot run` must be alive; false where a timer calls `bot post` instead", True
    )
    scan: str = setting("The last look at the content may be so old", "15m", check="duration")
    overdue: str = setting("What is due may wait so long", "30m", check="duration")
    token: str = setting(
        "So long before a token ends (`token_ends`) it is said", "7d", check="duration"
    )
    disk: int = setting("MiB that must be free where the ledger lives", 200, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    host: str = setting("The SMTP server; empty: no mail", "")
    port: int = setting("Its port", 587, least=1)
    security: str = setting(
        "starttls, tls (usually port 465) or none", "starttls", choices=("starttls", "tls", "none")
    )
    user: str = setting("The login there; empty: without one", "")
    password: Secret | None = setting("The password of the login", None)
    sender: str = setting("Whom the mail is from", "")
    to: tuple[str, ...] = setting("Who gets it", ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    webhook: Secret | None = setting(
        "An address that gets a POST with JSON when health turns bad, and when it is well again",
        None,
    )
    mail: Mail = setting("A mail at these turns, like `[notify.mail]`", Mail())


NETWORKS = ("file", "mastodon", "x", "bluesky", "misskey")


LINKS = ("always", "auto", "never")


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """The posts that a rule is for: every list that is not empty must agree."""

    languages: tuple[str, ...] = setting("Posts in one of these languages; empty: all", ())
    sections: tuple[str, ...] = setting("Posts of one of these sections; empty: all", ())
    tags: tuple[str, ...] = setting("Posts with one of these tags; empty: all", ())
    categories: tuple[str, ...] = setting("Posts of one of these categories; empty: all", ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One [[accounts.rules]]: what holds for the posts of `when`; None leaves it as it is."""

    when: When = setting('The posts that it is for, like `{ tags = ["AI"] }`; all, without', When())
    priority: int | None = setting("Which goes first where not all can go: the larger", None)
    link: str | None = setting("As the account's `link`", None, choices=LINKS)
    template: str | None = setting("As the account's `template`", None)
    skip: bool | None = setting("true: the account does not take these posts", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One [[accounts.prices]]: what a network takes from a day on, in US dollars."""

    since: date = setting("The day from which it holds: `since = 2026-04-20`")
    post: float = setting("A post without a link", 0.0, least=0)
    link_post: float = setting("A post with a link", 0.0, least=0)
    alt: float = setting("The alt text of a picture", 0.0, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One [budgets.NAME]: money that several accounts share."""

    usd: float = setting("US dollars a calendar month (UTC)", least=0)


NO_BUDGET = "none"
"""Instead of the name of a budget: nothing is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshare:
    """One [[accounts.reshare]]: posts that are shared again, from time to time."""

    tags: tuple[str, ...] = setting("Posts with one of these tags; empty: all", ())
    sections: tuple[str, ...] = setting("Posts of one of these sections; empty: all", ())
    min_age: str = setting(
        "Never one that was shared within so long", "26w", check="positive-duration"
    )
    per_week: int = setting("So many a week at most, evenly over the week", 1, least=1)
    template: str = setting("As the account's `template`; empty: the account's own", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One [[accounts]] table over [defaults.NETWORK] over [defaults] over built-in."""

    name: str = setting("The account's name, as you call it", check="name")
    network: str = setting("file, mastodon, x, bluesky or misskey", choices=NETWORKS)
    was: tuple[str, ...] = setting("Earlier names of this account", ())
    enabled: bool = setting("false: shown in the dry run, nothing is planned", True)
    template: str = setting("Jinja2: all the text that is sent; empty: the built-in one", "")
    limit: int | None = setting("The length limit, where the account has its own", None, least=1)
    token_ends: date | None = setting(
        "The day on which its token ends, where you know of one: `bot status` says so before", None
    )
    backfill: int = setting(
        "Of the posts that are there when the account starts, share the newest n", 0, least=0
    )
    on_edit: str = setting(
        "update: what was shared is edited when its post changes, where the network can",
        "ignore",
        choices=("ignore", "update"),
    )
    on_delete: str = setting(
        "retract: what was shared is taken back when its post is gone for an hour, where the network can",
        "ignore",
        choices=("ignore", "retract"),
    )
    wait_until_live: bool | None = setting("As `[publish] wait_until_live`", None)
    adopt: int = setting(
        "Before the first share of a process, so many of the account's own posts are read: what is there already is not repeated; 0: none",
        40,
        least=0,
    )
    hashtags: int = setting("How many hashtags at most", 3, least=0)
    keep_hashtags: bool = setting("Bullets yield before hashtags do, not after", False)
    aliases: Mapping[str, str] | None = setting(
        'Spellings of hashtags: `"machine learning" = "ML"`; an empty one leaves the tag out', None
    )
    link: str = setting(
        "always; auto: where the day's links and the budget allow; never", "always", choices=LINKS
    )
    utm: Mapping[str, str] | None = setting(
        "What is added to the link to count its visitors: `source`, `medium`, `campaign`", None
    )
    image: str = setting(
        "cover: the post's picture with its alt text; card: the link's preview (on Bluesky with the cover in it); none; empty: on Bluesky the card, elsewhere the cover",
        "",
        choices=("", "cover", "card", "none"),
    )
    thread: bool = setting("Bullets that do not fit go on in replies to the first post", False)
    numbered: bool = setting("The parts of a thread end in (1/3), (2/3), …", False)
    thread_link: str = setting(
        "Which part of a thread has the link: first or last", "first", choices=("first", "last")
    )
    languages: tuple[str, ...] = setting(
        "Only posts in these languages, the first that there is of a post's translations; empty: the site's language, else the one there is",
        (),
    )
    sections: tuple[str, ...] = setting("Only posts of these sections; empty: all", ())
    tags: tuple[str, ...] = setting("Only posts with one of these tags; empty: all", ())
    categories: tuple[str, ...] = setting("Only posts of one of these categories; empty: all", ())
    rules: tuple[Rule, ...] = setting(
        "What holds for some posts only, one table each; a later one over an earlier", ()
    )
    slots: tuple[str, ...] = setting(
        'When it posts, one post each: `"mon-fri 08:00,12:10,19:00"`, `"08:00"` for every day, `"月-金 08:00"`, or cron, `"0 8 * * 1-5"`; one such text or a list of them; empty: at once',
        (),
        check="slots",
        one=True,
    )
    timezone: str = setting(
        "The zone of `slots`, `quiet` and the day (IANA); empty: the site's",
        "",
        check="timezone",
    )
    slot_open: str = setting(
        "How long after its time a slot may still be used; empty: until the next slot",
        "",
        check="positive-duration",
    )
    quiet: str = setting(
        'Hours in which nothing is posted: `"23:00-07:00"`; several with commas between them',
        "",
        check="quiet",
    )
    min_gap: str = setting("The least time between two posts", "", check="duration")
    jitter: str = setting(
        "A post goes out up to so long after its slot's time, each slot by an amount of its own (at most half of what the slot is open)",
        "",
        check="duration",
    )
    max_per_day: int = setting(
        "Posts a calendar day of the account's zone at most; 0: no limit", 0, least=0
    )
    max_per_hour: int = setting("Posts within any 60 minutes at most; 0: no limit", 0, least=0)
    links_per_day: int | None = setting(
        "Posts with a link a calendar day at most (with `link` always the others wait, with auto they go without it); 0: none; without this setting: no limit",
        None,
        least=0,
    )
    max_age: str = setting(
        "What has waited for so long, from when it was first seen, is skipped; empty: never",
        "7d",
        check="age",
    )
    order: tuple[str, ...] = setting(
        "Which goes first where several wait: priority (of rules and front matter), then newest or oldest",
        ("priority", "oldest"),
        choices=("priority", "newest", "oldest"),
        check="order",
    )
    daily_cap: int = setting(
        "Posts within any 24 hours at most, whatever else is said: also those that a person asks for; 0: no cap",
        24,
        least=0,
        built_in={"x": 10},
    )
    budget: float | str | None = setting(
        'US dollars a calendar month (UTC) at most: what would cost more waits; 0: nothing that costs is sent; the name of a [budgets.NAME] shares one; `"none"`: no budget',
        None,
        least=0,
        check="name",
        networks=("x",),
        built_in={"x": 5.0},
    )
    reshare: tuple[Reshare, ...] = setting(
        "Posts that are shared again later, one table each; without one: none", ()
    )
    path: str = setting("The file that lines are added to", "", networks=("file",))
    instance: str = setting(
        "The server, with https://", "", networks=("mastodon", "misskey"), check="url"
    )
    token: Secret | None = setting("The access token", None, networks=("mastodon", "misskey"))
    visibility: str = setting(
        "public, unlisted or private",
        "public",
        networks=("mastodon",),
        choices=("public", "unlisted", "private"),
    )
    handle: str = setting("The handle, like name.bsky.social", "", networks=("bluesky",))
    app_password: Secret | None = setting("An app password", None, networks=("bluesky",))
    pds: str = setting(
        "The account's server, with https://",
        "https://bsky.social",
        networks=("bluesky",),
        check="url",
    )
    consumer_key: Secret | None = setting("OAuth 1.0a", None, networks=("x",))
    consumer_secret: Secret | None = setting("OAuth 1.0a", None, networks=("x",))
    access_token: Secret | None = setting("OAuth 1.0a", None, networks=("x",))
    access_token_secret: Secret | None = setting("OAuth 1.0a", None, networks=("x",))
    prices: tuple[Price, ...] = setting(
        "What a post costs, beside the prices that bot knows; the newest of the day holds",
        (),
        networks=("x",),
    )
    client_id: str = setting(
        "OAuth 2.0, instead of OAuth 1.0a: the app's client id", "", networks=("x",)
    )
    client_secret: Secret | None = setting(
        "OAuth 2.0: the secret of a confidential client; none for a public one",
        None,
        networks=("x",),
    )
    refresh_token: Secret | None = setting(
        "OAuth 2.0: the refresh token that the account begins with; the newer ones are kept in `state/sessions/`",
        None,
        networks=("x",),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole file, validated. `root` is its folder: relative paths start there. `lines` maps a
    dotted key (`site.url`, `accounts.0.token`) to its line in `file`."""

    file: str
    root: str
    site: Site
    content: Content
    summary: SummarySettings
    feed: Feed
    publish: Publish
    state: StateSettings
    ui: Ui
    log: Log
    health: Health
    notify: Notify
    accounts: tuple[Account, ...]
    lines: Mapping[str, int]
    budgets: Mapping[str, Budget] = field(default_factory=dict)
