from django.urls import path

from tickets import api

app_name = "tickets"
urlpatterns = [
    path("escalations", api.Escalations.as_view(), name="escalations"),
    path("tickets/<uuid:ticket_id>", api.TicketDetail.as_view(), name="ticket"),
    path("tickets/<uuid:ticket_id>/messages", api.Messages.as_view(), name="messages"),
    path("tickets/<uuid:ticket_id>/cancel", api.Cancel.as_view(), name="cancel"),
    path("tickets/<uuid:ticket_id>/review", api.Reviews.as_view(), name="review"),
]
