"""Logins and groups. Only a superuser makes superusers or grants permissions."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from agents.models import User

PERMISSION_FIELDS = ["is_staff", "is_superuser", "groups", "user_permissions"]

admin.site.unregister(Group)


class LoginCreationForm(UserCreationForm):
    class Meta(UserCreationForm.Meta):
        model = User


class LoginChangeForm(UserChangeForm):
    class Meta(UserChangeForm.Meta):
        model = User


@admin.register(User)
class UserAdmin(BaseUserAdmin, ModelAdmin):
    form = LoginChangeForm
    add_form = LoginCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "language", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser", "groups"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Person"), {"fields": [("first_name", "last_name"), ("email", "language")]}),
        (_("Permissions"), {"fields": ["is_active", *PERMISSION_FIELDS]}),
        (_("Dates"), {"fields": [("last_login", "date_joined")]}),
    ]
    readonly_fields = ["last_login", "date_joined"]
    compressed_fields = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else fields + PERMISSION_FIELDS

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An editor of a login can take it over, so nobody may edit a login with more power."""
        allowed = bool(super().has_change_permission(request, obj))
        return allowed and (_has_no_staff_rights(obj) or bool(request.user.is_superuser))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = bool(super().has_delete_permission(request, obj))
        return allowed and (_has_no_staff_rights(obj) or bool(request.user.is_superuser))


@admin.register(Group)
class GroupAdmin(BaseGroupAdmin, ModelAdmin):
    """Groups carry permissions, so only a superuser changes them."""

    compressed_fields = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


def _has_no_staff_rights(login: Any) -> bool:
    """True for a login without staff rights. Django's lists ask without a row, which is allowed."""
    return not isinstance(login, User) or not (login.is_staff or login.is_superuser)
