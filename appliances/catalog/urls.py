"""What everybody may read. These come last: their first part is any team's slug."""

from django.urls import include, path

from . import (
    channels,
    converters,  # noqa: F401 -- registers converters
    downloads,
    feed,
    keys,
    linking,
    pages,
    subscribing,
    sums,
    vagrant,
)

VAGRANT = (
    "<slug:team>/<slug:appliance>",
    "<slug:team>/<slug:appliance>/metadata.json",
    "api/v2/vagrant/<slug:team>/<slug:appliance>",
)
app_name = "catalog"
urlpatterns = [
    path("", pages.home, name="home"),
    path("api/v2/vagrant/<slug:team>/<slug:appliance>", vagrant.box, name="vagrant"),
    # A server of its own for Vagrant, whose users want prereleases: box_server_url = "https://…/prereleases".
    *(path(f"prereleases/{each}", vagrant.box, {"prereleases": True}) for each in VAGRANT),
    path("vcsp/", include("appliances.catalog.content_library.urls")),
    path("keys", keys.page, name="keys"),
    *(path(name, keys.file, {"path": name}, name="public-key") for name in keys.FILES),
    path("<slug:team>", pages.team, name="team"),
    path("<slug:team>/<slug:appliance>", pages.appliance, name="appliance"),
    # A version begins with a digit.
    path("<slug:team>/<slug:appliance>/metadata.json", vagrant.box, name="metadata"),
    path("<slug:team>/<slug:appliance>/feed.atom", feed.feed, name="feed"),
    path("<slug:team>/<slug:appliance>/subscribe", subscribing.subscribe, name="subscribe"),
    # A channel's name begins with a letter, and `words.CHANNELS` are none.
    path("<slug:team>/<slug:appliance>/<channel:channel>", channels.page, name="channel"),
    path("<slug:team>/<slug:appliance>/<channel:channel>/", channels.page),
    path("<slug:team>/<slug:appliance>/<channel:channel>/SHA256SUMS", channels.sums),
    path("<slug:team>/<slug:appliance>/<channel:channel>/<slug:format>.sha256", channels.sum_of),
    path("<slug:team>/<slug:appliance>/<channel:channel>/<slug:format>", channels.image),
    path("<slug:team>/<slug:appliance>/<str:version>", pages.version, name="version"),
    path("<slug:team>/<slug:appliance>/<str:version>/r<int:number>/SHA256SUMS", sums.sums, name="sums"),
    *(
        path(
            f"<slug:team>/<slug:appliance>/<str:version>/r<int:number>/SHA256SUMS.{suffix}",
            sums.sums,
            {"signature": suffix},
            name="signature",
        )
        for suffix in sums.SIGNATURES
    ),
    path("<slug:team>/<slug:appliance>/<str:version>/r<int:number>/<str:name>", downloads.file, name="file"),
    path("<slug:team>/<slug:appliance>/<str:version>/r<int:number>/<str:name>/link", linking.link, name="link"),
]
