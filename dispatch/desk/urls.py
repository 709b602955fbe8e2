from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

app_name = "desk"
urlpatterns = [
    path("login/", LoginView.as_view(template_name="desk/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("", LoginView.as_view(template_name="desk/login.html"), name="home"),
]
