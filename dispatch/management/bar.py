"""A bar that fills up while a command works."""

from django.core.management.base import OutputWrapper

#: How wide it is, in characters.
WIDTH = 40


def draw(stream: OutputWrapper, number: int, *, of: int) -> None:
    """One line that fills up; where nobody watches, nothing."""
    if stream.isatty():
        full = WIDTH * number // of
        filled = "█" * full + "░" * (WIDTH - full)
        ending = "\n" if number == of else ""
        stream.write(f"\r{filled} {number}/{of}", style_func=str, ending=ending)
