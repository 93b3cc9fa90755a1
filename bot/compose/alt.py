"""Whether an alt text tells anything to those who cannot see the picture."""

from __future__ import annotations

import re
import unicodedata

from bot.i18n import Message, msg

_NOTHING = re.compile(
    r"""(?:an?\ |the\ |my\ )?
    (?:(?:ai[ \-]?)?generated\ |blog\ |post\ |article\ |featured\ |cover\ |hero\ |header\ |main\ |eye[ \-]?catch\ )*
    (?:image|picture|photo|photograph|cover|thumbnail|thumb|banner|eye[ \-]?catch|graphic|illustration
      |img|alt|alt\ text|untitled|screenshot|placeholder|todo|null|none|undefined|n/a)
    |(?:(?:ai|AI)?生成(?:した|された)?の?)?(?:ブログ|記事)?の?
    (?:アイキャッチ|サムネイル|サムネ|カバー|ヘッダー|トップ|メイン|イメージ|見出し|代替)?
    の?(?:画像|写真|図|イラスト|イメージ|テキスト|アイキャッチ|サムネイル|サムネ|カバー|スクリーンショット|スクショ)
    """,
    re.X | re.I,
)
_FILE = re.compile(r"\S+\.(?:png|jpe?g|webp|gif|avif|svg|heic|bmp|tiff?)", re.I)
_CAMERA = re.compile(
    r"(?:img|dsc[nf]?|pxl|image|screenshot|photo|スクリーンショット)[\d _.\-]+", re.I
)


LONGEST = {"x": 1000, "misskey": 512, "mastodon": 1500, "bluesky": 2000}
"""How much of an alt text a network takes (a Mastodon server may say another number); as the
posters of bot/posters cut it."""


def alt_remark(alt: str, file: str = "", network: str = "") -> Message | None:
    """What is wrong with an alt text; None where it seems to say something. `file`: the picture's
    path or address; `network`: where it is shown."""
    plain = " ".join(unicodedata.normalize("NFKC", alt).split()).strip(" .。、,:-_*\"'「」()[]")
    if not plain:
        return msg("there is no alt text: who cannot see the picture learns nothing of it")
    if _FILE.fullmatch(plain) or _CAMERA.fullmatch(plain) or plain.casefold() == _stem(file):
        return msg("the alt text is the name of a file: say what the picture shows")
    if _NOTHING.fullmatch(plain):
        return msg("the alt text says nothing of this picture: say what it shows")
    if len(alt) > (most := LONGEST.get(network, len(alt))):
        return msg("the alt text is too long here: it is cut to {most} characters", most=most)
    return None


def _stem(file: str) -> str:
    return file.rpartition("/")[2].rpartition(".")[0].casefold()
