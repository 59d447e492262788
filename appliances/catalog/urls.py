"""What everybody may read. These come last: their first part is any team's slug."""

from django.urls import include, path

from .. import converters  # noqa: F401 -- registers converters
from . import (
    catalog_json,
    channels,
    coreos,
    downloads,
    feed,
    incus,
    keys,
    linking,
    pages,
    simplestreams,
    subscribing,
    sums,
    vagrant,
    virt_builder,
)

APPLIANCE = "<slug:team>/<appliance:appliance>"
VAGRANT = (APPLIANCE, f"{APPLIANCE}/metadata.json", f"api/v2/vagrant/{APPLIANCE}")
app_name = "catalog"
urlpatterns = [
    path("", pages.home, name="home"),
    path(f"api/v2/vagrant/{APPLIANCE}", vagrant.box, name="vagrant"),
    # A server of its own for Vagrant, whose users want prereleases: box_server_url = "https://…/prereleases".
    *(path(f"prereleases/{each}", vagrant.box, {"prereleases": True}) for each in VAGRANT),
    path("vcsp/", include("appliances.catalog.content_library.urls")),
    path("catalog.json", catalog_json.page, name="json"),
    path("catalog/after-<int:after>.json", catalog_json.page, name="json-page"),
    path("feed.atom", feed.whole_feed, name="whole-feed"),
    path("streams/v1/<str:name>", simplestreams.stream, name="simplestreams"),
    path(f"streams/{APPLIANCE}/<slug:channel>.json", coreos.stream, name="stream"),
    path(f"streams/{APPLIANCE}/<slug:channel>.json.asc", coreos.signature, name="stream-signature"),
    path("virt-builder/index", virt_builder.index, name="virt-builder"),
    path("virt-builder/index.asc", virt_builder.signed_index, name="virt-builder-signed"),
    path("keys", keys.page, name="keys"),
    *(path(name, keys.file, {"path": name}, name="public-key") for name in keys.FILES),
    path("<slug:team>", pages.team, name="team"),
    path("<slug:team>/feed.atom", feed.team_feed, name="team-feed"),
    path(APPLIANCE, pages.appliance, name="appliance"),
    # A version begins with a digit.
    path(f"{APPLIANCE}/metadata.json", vagrant.box, name="metadata"),
    path(f"{APPLIANCE}/feed.atom", feed.feed, name="feed"),
    path(f"{APPLIANCE}/subscribe", subscribing.subscribe, name="subscribe"),
    # A channel's name begins with a letter, and `words.CHANNELS` are none.
    path(f"{APPLIANCE}/<channel:channel>", channels.page, name="channel"),
    path(f"{APPLIANCE}/<channel:channel>/", channels.page),
    path(f"{APPLIANCE}/<channel:channel>/SHA256SUMS", channels.sums),
    path(f"{APPLIANCE}/<channel:channel>/<slug:format>.sha256", channels.sum_of),
    path(f"{APPLIANCE}/<channel:channel>/<slug:format>", channels.image),
    path(f"{APPLIANCE}/<str:version>", pages.version, name="version"),
    path(f"{APPLIANCE}/<str:version>/r<int:number>/SHA256SUMS", sums.sums, name="sums"),
    *(
        path(
            f"{APPLIANCE}/<str:version>/r<int:number>/SHA256SUMS.{suffix}",
            sums.sums,
            {"signature": suffix},
            name="signature",
        )
        for suffix in sums.SIGNATURES
    ),
    path(f"{APPLIANCE}/<str:version>/r<int:number>/<str:name>.metadata.tar", incus.metadata, name="incus"),
    path(f"{APPLIANCE}/<str:version>/r<int:number>/<str:name>", downloads.file, name="file"),
    path(f"{APPLIANCE}/<str:version>/r<int:number>/<str:name>/link", linking.link, name="link"),
]
