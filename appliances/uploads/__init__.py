"""Boxes that were made elsewhere: how they come into a release. One function per verb, as in `releases.py`.

A release whose template names the platform `upload` takes them. What was once published never changes: another
provider can be added to it, in a new revision; to replace or remove one takes a new version.
"""

from .declaring import change, declare, remove
from .deleting import delete, delete_appliance
from .files import sweep
from .publishing import release
from .receiving import receive, refuse_unless_wanted
from .rules import Refused, problems_of_checks, published_keys, takes_boxes, template_of

__all__ = [
    "Refused",
    "change",
    "declare",
    "delete",
    "delete_appliance",
    "problems_of_checks",
    "published_keys",
    "receive",
    "refuse_unless_wanted",
    "release",
    "remove",
    "sweep",
    "takes_boxes",
    "template_of",
]
