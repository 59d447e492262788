"""Words that cannot be a team's slug: the site's own addresses begin with them, now or one day."""

RESERVED = frozenset(
    """
    about account accounts admin api appliances assets audit auth bases blog builds catalog channels
    content-library dashboard debug demo docs download downloads favicon feed feeds files health healthz
    help hooks images index keys login logout me media metrics new notifications password prereleases privacy queue
    rebuild register releases resources robots rq rss schema search security session settings signin signup sitemap
    static status streams subscriptions support team teams terms tokens user users vagrant vcsp version virt-builder
    webhooks well-known www
    """.split()  # noqa: SIM905 -- a list of words reads better than a column of quotes
)
