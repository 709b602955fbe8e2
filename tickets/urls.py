from django.urls import path

from tickets.api import views

app_name = "tickets"
urlpatterns = [
    path("escalations", views.Escalations.as_view(), name="escalations"),
    path("tickets/<uuid:ticket_id>", views.TicketDetail.as_view(), name="ticket"),
    path("tickets/<uuid:ticket_id>/messages", views.Messages.as_view(), name="messages"),
    path("tickets/<uuid:ticket_id>/cancel", views.Cancel.as_view(), name="cancel"),
    path("tickets/<uuid:ticket_id>/review", views.Reviews.as_view(), name="review"),
]
