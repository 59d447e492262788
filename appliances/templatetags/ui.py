"""The small parts that every page is made of. Markup only: what they show is decided elsewhere."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import nh3
from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

register = template.Library()

# state: (the word people read, tone, shape). The shape says the same as the colour, for those who see none.
STATES = {
    "queued": ("queued", "", "ring"),
    "running": ("running", "busy", "half"),
    "cancelling": ("cancelling", "warn", "half"),
    "succeeded": ("passed", "good", "disc"),
    "failed": ("failed", "bad", "cross"),
    "cancelled": ("cancelled", "", "slash"),
    "pending": ("waiting", "", "ring"),
    "skipped": ("skipped", "", "slash"),
    "reused": ("reused", "good", "layers"),
    "building": ("building", "busy", "half"),
    "ready": ("ready to publish", "warn", "ring"),
    "rejected": ("rejected", "bad", "slash"),
    "published": ("published", "good", "disc"),
    "superseded": ("superseded", "", "slash"),
    "draft": ("draft", "", "ring"),
    "withdrawn": ("withdrawn", "bad", "slash"),
    "done": ("done", "good", "disc"),
}
# Where the value of a variable is from.
WHENCE = {
    "release": "this release",
    "team": "the team",
    "environment": "the server’s environment",
    "default": "the template",
    "secret": "the team’s secrets",
}
SHAPES = {
    "ring": '<circle cx="7" cy="7" r="5.2" fill="none" stroke="currentColor" stroke-width="1.6"/>',
    "disc": '<circle cx="7" cy="7" r="6" fill="currentColor"/>',
    "half": '<circle cx="7" cy="7" r="5.2" fill="none" stroke="currentColor" stroke-width="1.6"/>'
    '<path d="M7 1.800a5.200 5.200 0 0 1 0 10.400z" fill="currentColor"/>',
    "cross": '<path d="M2.500 2.500l9 9m0-9l-9 9" fill="none" stroke="currentColor" stroke-width="2"/>',
    "layers": '<path d="M1.500 3.500h11M1.500 7h11M1.500 10.500h11" stroke="currentColor" stroke-width="1.8"/>',
    "slash": '<circle cx="7" cy="7" r="5.2" fill="none" stroke="currentColor" stroke-width="1.6"/>'
    '<path d="M3.400 10.600l7.200-7.200" stroke="currentColor" stroke-width="1.6"/>',
}


@register.filter
def whence(origin: str) -> str:
    return WHENCE.get(origin, origin)


@register.simple_tag
def state(value: str, word: str = "") -> SafeString:
    """● passed: a shape, a colour and a word."""
    label, tone, shape = STATES.get(value, (value, "", "ring"))
    svg = mark_safe(SHAPES[shape])  # noqa: S308 -- one of the constants above
    return format_html(
        '<span class="state {}"><svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">{}</svg>{}</span>',
        tone,
        svg,
        word or label,
    )


@register.filter
def tone(value: str) -> str:
    return STATES.get(value, ("", "", ""))[1]


# (ground, slipway, sky): calm pairs that carry white initials on light and on dark pages.
PALETTE = (
    ("#1f6fb2", "#164f86", "#3f93d6"),
    ("#2b5fc0", "#1e438c", "#5586e4"),
    ("#5156c4", "#393d92", "#787de6"),
    ("#7a4bb8", "#573488", "#9d72d8"),
    ("#a24391", "#762f6a", "#c46ab4"),
    ("#b9405f", "#882b44", "#d96b86"),
    ("#bd5434", "#8b3b22", "#dd7c5c"),
    ("#a36a1c", "#774b10", "#c98e3e"),
    ("#2f7d5b", "#205a40", "#53a37f"),
    ("#1d7b85", "#135861", "#41a2ac"),
    ("#47657f", "#314a5f", "#6c8ba6"),
    ("#5b6b3a", "#414d28", "#82935c"),
)


@register.simple_tag
def icon(appliance: Any, pixels: int = 48) -> SafeString:
    """An appliance's face: its initials over a slipway, both from its slug, so that it never changes."""
    seed = hashlib.sha256(appliance.slug.encode()).digest()
    ground, slipway, sky = PALETTE[int.from_bytes(seed[:4]) % len(PALETTE)]
    tilt = 5 + seed[1] % 12
    words = [word for word in appliance.name.replace("-", " ").split() if word[0].isalnum()] or ["?"]
    initials = words[0][0] + words[1][0] if len(words) > 1 else words[0][:2].capitalize()
    return format_html(
        '<svg class="icon" width="{size}" height="{size}" viewBox="0 0 64 64" aria-hidden="true">'
        '<rect width="64" height="64" fill="{ground}"/>'
        '<circle cx="{sun}" cy="10" r="24" fill="{sky}" fill-opacity=".6"/>'
        '<path d="M0 {left} 64 {right} 64 64 0 64z" fill="{slipway}"/>'
        '<text x="32" y="40.500" text-anchor="middle" font-family="system-ui, sans-serif" font-size="25" '
        'font-weight="650" letter-spacing="-.5" fill="#fff">{initials}</text></svg>',
        size=pixels,
        ground=ground,
        sky=sky,
        slipway=slipway,
        left=46 - tilt,
        right=46 + tilt // 2,
        sun=42 + seed[2] % 20,
        initials=initials,
    )


@register.simple_tag
def copyable(text: str) -> SafeString:
    """A command with its button."""
    return format_html(
        '<div class="copy"><pre tabindex="0">{}</pre>'
        '<button type="button" class="js-only" data-copy>Copy</button></div>',
        text,
    )


@register.simple_tag
def copy_id(text: str, shown: str = "") -> SafeString:
    """An identifier inside a line of text, with its button."""
    return format_html(
        '<span class="copy inline"><code title="{}">{}</code>'
        '<button type="button" class="js-only" data-copy aria-label="Copy {}">Copy</button></span>',
        text,
        shown or text,
        shown or text,
    )


@register.filter
def ago(when: datetime | None) -> str | SafeString:
    """ "3 days ago", with the exact moment on hover; the page's script keeps it true."""
    if when is None:
        return "never"
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        when.isoformat(timespec="seconds"),
        timezone.localtime(when).strftime("%Y-%m-%d %H:%M:%S %Z"),
        age((timezone.now() - when).total_seconds()),
    )


def age(seconds: float) -> str:
    for unit, size in (
        ("year", 31536000),
        ("month", 2592000),
        ("day", 86400),
        ("hour", 3600),
        ("minute", 60),
    ):
        if count := int(seconds // size):
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


@register.filter
def duration(seconds: float | None) -> str:
    """41 s, 3 min 05 s, 1 h 20 min."""
    if seconds is None:
        return "–"
    if 0 < seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(max(0, seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


@register.filter
def roughly(seconds: float | None) -> str:
    """For estimates: about 4 min; empty when nobody knows."""
    if seconds is None:
        return ""
    if seconds < 45:
        return "under a minute"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} min"
    return f"about {minutes // 60} h {minutes % 60 // 5 * 5:02} min"


@register.filter
def size(count: int | None) -> str:
    """Bytes in the units that download pages use: 412 MB."""
    amount = float(count or 0)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


MARKDOWN_TAGS = {
    *("a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre"),
    *("s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])


@register.filter
def markdown(text: str) -> SafeString:
    """What people wrote, as HTML without anything that could act."""
    html = nh3.clean(
        _markdown.render(text or ""),
        tags=MARKDOWN_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener",
    )
    return mark_safe(html)  # noqa: S308 -- nh3 has just cleaned it


@register.simple_tag(takes_context=True)
def with_query(context: dict[str, Any], **changes: Any) -> str:
    """This page's address with some of its query changed; an empty value removes."""
    query = context["request"].GET.dict() | {name: str(value) for name, value in changes.items()}
    return "?" + urlencode({name: value for name, value in query.items() if value})


@register.filter
def lookup(mapping: dict[Any, Any], key: Any) -> Any:
    return mapping.get(key)
