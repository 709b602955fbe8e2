"""The addresses of the desk."""

from django.urls import path

from dispatch.desk.views import account, conversations, decisions, offers, pages, presence

app_name = "desk"
urlpatterns = [
    path("", pages.home, name="home"),
    path("state", pages.state, name="state"),
    path("login/", account.LogIn.as_view(), name="login"),
    path("logout/", presence.log_out, name="logout"),
    path("language", account.set_language, name="language"),
    path("leave/", pages.leave, name="leave"),
    path("presence", presence.set_status, name="presence"),
    path("auto-accept", presence.set_auto_accept, name="auto_accept"),
    path("earnings/", pages.earnings, name="earnings"),
    path("decisions/", decisions.decisions, name="decisions"),
    path("offers/<uuid:offer_id>/accept", offers.accept, name="accept"),
    path("offers/<uuid:offer_id>/decline", offers.decline, name="decline"),
    path("offers/<uuid:offer_id>/because", offers.give_reason, name="because"),
    path("offers/<uuid:offer_id>/shown", offers.acknowledge, name="shown"),
    path("offers/<uuid:offer_id>/shown.gif", offers.acknowledge_by_image, name="shown_image"),
    path("conversations/<uuid:assignment_id>/", pages.talk, name="talk"),
    path("conversations/<uuid:assignment_id>/messages", conversations.say, name="say"),
    path("conversations/<uuid:assignment_id>/resolve", conversations.resolve, name="resolve"),
    path("conversations/<uuid:assignment_id>/hand-back", conversations.hand_back, name="hand_back"),
    path("conversations/<uuid:assignment_id>/finish", conversations.finish, name="finish"),
]
