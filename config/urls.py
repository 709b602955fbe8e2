"""Every HTTP address. `config.asgi` serves /ws/."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config import rest_framework, schema, views
from dispatch.desk.views import how_matching_works

# The import registers our types with drf-spectacular.
assert schema

urlpatterns = [
    path("", views.landing, name="doors"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("how-matching-works/", how_matching_works.how_matching_works, name="how_matching_works"),
    path("language", set_language, name="set_language"),
    path("desk/", include("dispatch.desk.urls")),
    path("api/v1/", include("tickets.urls")),
    path("api/v1/", include("dispatch.urls")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    re_path(r"^api/", rest_framework.render_not_found),
    path("admin/", admin.site.urls),
]
