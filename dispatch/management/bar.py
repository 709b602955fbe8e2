"""A progress bar for commands."""

from django.core.management.base import OutputWrapper

#: The width of the bar, in characters.
WIDTH = 40


def draw(stream: OutputWrapper, number: int, *, of: int) -> None:
    """Draw the bar at `number` of `of`; nothing if the stream is no terminal."""
    if stream.isatty():
        full = WIDTH * number // of
        filled = "█" * full + "░" * (WIDTH - full)
        ending = "\n" if number == of else ""
        stream.write(f"\r{filled} {number}/{of}", style_func=str, ending=ending)
