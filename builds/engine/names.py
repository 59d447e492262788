"""How appliances are named in templates and in addresses: "acme/wiki", "bento/ubuntu-24.04"."""

WORD = "[-A-Za-z0-9_]+"
SLUG = rf"{WORD}(\.{WORD})*"
"""Of an appliance. A team's has no dots."""
APPLIANCE = f"{WORD}/{SLUG}"
