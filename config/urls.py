"""Addresses. The catalog owns the root: an appliance lives at /<team>/<appliance>, so the words below are reserved."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
