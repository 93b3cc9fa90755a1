"""Post → Draft, pure: the same post, account and limit always give the same text.

`compose` makes what would appear on one account; `check_template` says what is wrong with an
account's template; `measure` counts a text as a network does; `choose` says which of a post's
translations an account takes; `cost` what a draft costs; `social_problems` what is wrong in
an author's `social`; `alt_remark` whether an alt text says anything.
"""

from __future__ import annotations

from bot.compose.alt import alt_remark
from bot.compose.draft import compose
from bot.compose.prices import cost, link_costs
from bot.compose.routing import choose
from bot.compose.social import social_problems
from bot.compose.template import check_template
from bot.compose.units import measure

__all__ = [
    "alt_remark",
    "check_template",
    "choose",
    "compose",
    "cost",
    "link_costs",
    "measure",
    "social_problems",
]
