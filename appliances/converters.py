"""Parts of addresses. A version begins with a digit and a channel with a letter: both can stand in one place.

Where an appliance stands no document does: their endings are no appliance's (`words.DOCUMENTS`).
"""

from __future__ import annotations

from django.urls import register_converter
from django.urls.converters import StringConverter

from builds.engine.names import SLUG


class Appliance(StringConverter):
    regex = SLUG


class Version(StringConverter):
    regex = "[0-9][0-9A-Za-z.-]*"


class Channel(StringConverter):
    regex = "[a-z][a-z0-9-]{0,19}"


register_converter(Appliance, "appliance")
register_converter(Version, "version")
register_converter(Channel, "channel")
