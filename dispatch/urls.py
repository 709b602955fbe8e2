"""URLs of the API that need both sides. The agents' pages are in `dispatch.desk.urls`."""

from django.urls import path

from dispatch import api

app_name = "dispatch"
urlpatterns = [path("availability", api.AvailabilityView.as_view(), name="availability")]
