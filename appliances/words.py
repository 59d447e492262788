"""Words that cannot be a team's slug, or a channel's name: the site has addresses of its own with them, or may have."""

RESERVED = frozenset(
    """
    about account accounts admin api appliances assets audit auth bases blog builds catalog channels content-library
    dashboard debug demo docs download downloads favicon feed feeds files health healthz help hooks images index items
    keys login logout me media metrics new notifications password prereleases privacy private queue rebuild register
    releases resources robots rq rss schema search security session settings signin signup sitemap static status streams
    subscriptions support team teams terms tokens user users vagrant vcsp version virt-builder webhooks well-known www
    """.split()  # noqa: SIM905 -- a list of words reads better than a column of quotes
)

LATEST = "latest"
"""What everybody should take: where nobody said otherwise, the newest. It is no channel, but has its addresses."""
CHANNELS = frozenset(
    f"""
    {LATEST} archive boxes channels checksums download downloads edit embed feed files history icon index item items
    lib link links metadata new provider providers release releases revision revisions rss search signatures
    sitemap subscribe subscription subscriptions sums unsubscribe verify version versions
    """.split()
)
"""Words that cannot be a channel's name: they stand in the same place in an address."""

DOCUMENTS = (".asc", ".atom", ".box", ".gpg", ".json", ".sha256", ".sig", ".tar")
"""How documents end. An appliance of such a name could stand in the place of one: `/acme/feed.atom`."""
