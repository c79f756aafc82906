"""Count the lines of a text, most frequent first."""

__version__ = "1.2.0"
