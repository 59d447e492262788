from django.http import HttpResponse
from django.urls import include, path

urlpatterns = [path("bench/nothing", lambda _: HttpResponse()), path("", include("config.urls"))]
