"""What everybody may read. These come last: their first part is any team's slug."""

from django.urls import path

from . import downloads, feed, linking, pages, subscribing, vagrant

app_name = "catalog"
urlpatterns = [
    path("", pages.home, name="home"),
    path("api/v2/vagrant/<slug:team>/<slug:appliance>", vagrant.box, name="vagrant"),
    path("<slug:team>", pages.team, name="team"),
    path("<slug:team>/<slug:appliance>", pages.appliance, name="appliance"),
    # A version begins with a digit.
    path("<slug:team>/<slug:appliance>/feed.atom", feed.feed, name="feed"),
    path("<slug:team>/<slug:appliance>/subscribe", subscribing.subscribe, name="subscribe"),
    path("<slug:team>/<slug:appliance>/<str:version>", pages.version, name="version"),
    path("<slug:team>/<slug:appliance>/<str:version>/r<int:number>/SHA256SUMS", downloads.sums, name="sums"),
    path("<slug:team>/<slug:appliance>/<str:version>/r<int:number>/<str:name>", downloads.file, name="file"),
    path("<slug:team>/<slug:appliance>/<str:version>/r<int:number>/<str:name>/link", linking.link, name="link"),
]
