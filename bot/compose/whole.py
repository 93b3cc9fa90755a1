"""What of a sentence stays whole: a number with its unit, a date, a name, a word, a link, an emoji.

A number is one in any writing (1,200, １兆２０００億, 二〇二六), with what stands before it (約, 第,
午後), between its parts (分の, a space) and behind it (億ドル, か月ぶり): cut anywhere inside, it
would be another value.
"""

from __future__ import annotations

import re

from bot.compose.units import grapheme_spans
from bot.links import find_links

_UNITS = [
    "パーセント",
    "ポイント",
    "ドル",
    "ユーロ",
    "ポンド",
    "ウォン",
    "円",
    "元",
    "人",
    "社",
    "件",
    "個",
    "回",
    "位",
    "倍",
    "歳",
    "代",
    "台",
    "枚",
    "本",
    "冊",
    "名",
    "点",
    "校",
    "店",
    "世帯",
    "か国",
    "カ国",
    "ヶ国",
    "ヵ国",
    "年度",
    "年",
    "月",
    "日",
    "時間",
    "時",
    "分",
    "秒",
    "週",
    "か月",
    "カ月",
    "ヶ月",
    "ヵ月",
    "ケ月",
    "箇月",
    "か所",
    "カ所",
    "ヶ所",
    "箇所",
    "四半期",
    "半期",
    "世代",
    "世紀",
    "次",
    "期",
    "番",
    "号",
    "章",
    "行",
    "文字",
    "字",
    "割",
    "分",
    "厘",
    "度",
    "階",
    "目",
    "間",
    "以上",
    "以下",
    "以内",
    "以降",
    "超",
    "未満",
    "程度",
    "前後",
    "前",
    "後",
    "強",
    "弱",
    "余り",
    "余",
    "半",
    "ぶり",
    "連続",
    "ほど",
    "あまり",
    "おき",
    "ごと",
    "ずつ",
    "つ",
    "組",
    "種",
    "種類",
    "通り",
    "層",
    "段",
    "軒",
    "頭",
    "匹",
    "羽",
    "杯",
    "票",
    "議席",
    "%",
    "％",
    "℃",
    "キロ",
    "メガ",
    "ギガ",
    "テラ",
    "ミリ",
    "センチ",
    "メートル",
    "グラム",
    "バイト",
    "ビット",
    "トン",
    "ワット",
    "ヘルツ",
    "リットル",
    "トークン",
]
_BEFORE = [
    "午前",
    "午後",
    "毎秒",
    "毎分",
    "毎時",
    "毎日",
    "毎週",
    "毎月",
    "毎年",
    "時速",
    "分速",
    "秒速",
    "令和",
    "平成",
    "昭和",
    "大正",
    "明治",
    "西暦",
    "およそ",
    "最大",
    "最高",
    "最低",
    "平均",
    "累計",
    "合計",
    "年率",
    "約",
    "第",
    "計",
    "各",
    "全",
    "数",
    "何",
    "上位",
]
_NAMED = [
    "Pro",
    "Max",
    "Ultra",
    "Plus",
    "Mini",
    "mini",
    "Nano",
    "nano",
    "Lite",
    "lite",
    "Flash",
    "Turbo",
    "Air",
    "SE",
    "Ti",
    "Super",
    "SUPER",
    "XT",
    "XTX",
    "Preview",
    "preview",
    "Codex",
    "Thinking",
    "Instruct",
    "Instant",
    "Opus",
    "Sonnet",
    "Haiku",
]
_SHORT = [
    "Dr",
    "Mr",
    "Mrs",
    "Ms",
    "St",
    "Prof",
    "Jr",
    "Sr",
    "Rev",
    "Gen",
    "Col",
    "Lt",
    "Mt",
    "Ft",
    "vs",
    "cf",
    "No",
    "Nos",
    "Vol",
    "Fig",
    "Inc",
    "Ltd",
    "Co",
    "Corp",
    "Dept",
    "approx",
    "ca",
    "al",
]


def _any(words: list[str]) -> str:
    return "|".join(map(re.escape, sorted(set(words), key=len, reverse=True)))


_LATIN = "A-Za-zÀ-ÖØ-öø-ɏ"
_UNIT = _any(_UNITS)
_SPACE = "[ \u00a0\u2009\u202f\u3000]?"
_DIGIT = "(?:[0-9０-９〇零一二三五六七八九十百千万億兆数余何½⅓⅔¼¾①-⑳⁰¹²³⁴-⁹₀-₉]|四(?!半期))"
_NUMBER = rf"{_DIGIT}+(?:(?:[.,．，、:：/／・]|{_SPACE}[~～〜\-−–]{_SPACE}){_DIGIT}+)*"
_SIGN = rf"[$¥€£￥＄±＋+\-−#]|(?:{_any(_BEFORE)})"
_QUANTITY = (
    rf"(?:(?:{_SIGN}){_SPACE})*{_NUMBER}(?:{_SPACE}(?:分の{_SPACE}{_NUMBER}|{_UNIT}|{_NUMBER}))*"
    rf"(?:{_SPACE}[{_LATIN}µμΩ°%²³]+|{_SPACE}[ァ-ヺー]+| [一-鿿])?(?:/(?:{_UNIT}|[{_LATIN}]+))?"
)
_PRODUCT = (  # iPhone 17 Pro Max: a name, its number and its kind
    rf"(?=[a-z]*[A-ZÀ-Þ])[{_LATIN}][{_LATIN}0-9.\-]*"
    rf"(?:(?<=[0-9])[{_LATIN}]*|(?: [0-9][0-9.{_LATIN}]*)+)"
    rf"(?: (?:{_any(_NAMED)})(?![{_LATIN}0-9]))*"
)
_JOINING = (  # words that the phrases are now and then cut in
    r"(?:それ|これ|報道|発表)?によ(?:ると|れば)|すなわち|にもかかわらず|したがって|とともに|ならびに|もしくは"
    r"|あるいは|ところが|に(?:対|関)し(?:て|た)?|について|において|にとって|に(?:基|もと)づ[いくき]|に伴[いうっ]"
)
_WHOLE = tuple(
    re.compile(pattern)
    for pattern in (
        _QUANTITY,
        r"[0-9][0-9.,]* ?[KMGTP]i?B [A-Z][A-Z0-9]+",  # 32GB VRAM
        rf"[{_LATIN}0-9]+(?:[.'’_+/&@#\-–][{_LATIN}0-9]+)*(?:[+#]+|\(\))*",
        _PRODUCT,
        rf"(?<![{_LATIN}0-9])(?:[A-Z]\. ?)+[{_LATIN}]+",  # J. R. R. Tolkien, U.S. law
        rf"(?<![{_LATIN}0-9])(?:{_any(_SHORT)}|[A-Za-z](?:\.[A-Za-z])+)\. ?\S",
        r"[ァ-ヺー]+",
        r"[$@#＠＃＄]\S",
        _JOINING,
    )
)
_SHORT_END = re.compile(rf"(?<![{_LATIN}0-9])(?:{_any(_SHORT)}|[A-Za-z](?:\.[A-Za-z])*)\.\Z")


def held(text: str) -> set[int]:
    """The positions inside what stays whole."""
    spans = [match.span() for whole in _WHOLE for match in whole.finditer(text)]
    spans += find_links(text) + grapheme_spans(text)
    return {place for start, end in spans for place in range(start + 1, end)}


def is_abbreviation(text: str) -> bool:
    """Whether the full stop at the end of `text` ends a word, not a sentence: Dr., U.S., e.g."""
    return _SHORT_END.search(text) is not None
