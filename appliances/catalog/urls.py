"""What everybody may read. These come last: their first part is any team's slug."""

from django.urls import path

from . import (
    catalog_json,
    coreos,
    downloads,
    feed,
    incus,
    keys,
    pages,
    simplestreams,
    subscribing,
    sums,
    vagrant,
    virt_builder,
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
    path("keys", keys.page, name="keys"),
    *(path(name, keys.file, {"path": name}, name="public-key") for name in keys.FILES),
    # A server of its own for Vagrant, whose users want prereleases: box_server_url = "https://…/prereleases".
    *(path(f"prereleases/{each}", vagrant.box, {"prereleases": True}) for each in VAGRANT),
    path("catalog.json", catalog_json.page, name="json"),
    path("catalog/after-<int:after>.json", catalog_json.page, name="json-page"),
    path("feed.atom", feed.whole_feed, name="whole-feed"),
    path("streams/v1/<str:name>", simplestreams.stream, name="simplestreams"),
    path("streams/<slug:team>/<slug:appliance>/<slug:channel>.json", coreos.stream, name="stream"),
    path("streams/<slug:team>/<slug:appliance>/<slug:channel>.json.asc", coreos.signature, name="stream-signature"),
    path("virt-builder/index", virt_builder.index, name="virt-builder"),
    path("virt-builder/index.asc", virt_builder.signed_index, name="virt-builder-signed"),
    path("<slug:team>", pages.team, name="team"),
    path("<slug:team>/feed.atom", feed.team_feed, name="team-feed"),
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
    path(
        "<slug:team>/<slug:appliance>/<str:version>/r<int:number>/<str:name>.metadata.tar", incus.metadata, name="incus"
    ),
    path("<slug:team>/<slug:appliance>/<str:version>/r<int:number>/<str:name>", downloads.file, name="file"),
]
