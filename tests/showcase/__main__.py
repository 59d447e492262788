"""Fill the database that the settings name. Sign in as maria, password "showcase"."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from tests.showcase.rows import fill  # noqa: E402 -- models need the settings

fill()
