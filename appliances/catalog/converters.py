"""Parts of addresses. A version begins with a digit and a channel with a letter: both can stand in one place."""

from __future__ import annotations

from django.urls import register_converter
from django.urls.converters import StringConverter


class Version(StringConverter):
    regex = "[0-9][0-9A-Za-z.-]*"


class Channel(StringConverter):
    regex = "[a-z][a-z0-9-]{0,19}"


register_converter(Version, "version")
register_converter(Channel, "channel")
