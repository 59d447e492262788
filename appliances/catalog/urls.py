"""What everybody may read. These come last: their first part is any team's slug."""

from django.urls import path

from . import downloads, feed, keys, pages, subscribing, sums, vagrant

VAGRANT = (
    "<slug:team>/<slug:appliance>",
    "<slug:team>/<slug:appliance>/metadata.json",
    "api/v2/vagrant/<slug:team>/<slug:appliance>",
)
app_name = "catalog"
urlpatterns = [
    path("", pages.home, name="home"),
    path("api/v2/vagrant/<slug:team>/<slug:appliance>", vagrant.box, name="vagrant"),
    path("keys", keys.page, name="keys"),
    *(path(name, keys.file, {"path": name}, name="public-key") for name in keys.FILES),
    # A server of its own for Vagrant, whose users want prereleases: box_server_url = "https://…/prereleases".
    *(path(f"prereleases/{each}", vagrant.box, {"prereleases": True}) for each in VAGRANT),
    path("<slug:team>", pages.team, name="team"),
    path("<slug:team>/<slug:appliance>", pages.appliance, name="appliance"),
    # A version begins with a digit.
    path("<slug:team>/<slug:appliance>/metadata.json", vagrant.box, name="metadata"),
    path("<slug:team>/<slug:appliance>/feed.atom", feed.feed, name="feed"),
    path("<slug:team>/<slug:appliance>/subscribe", subscribing.subscribe, name="subscribe"),
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
]
