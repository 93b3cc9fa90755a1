"""Brings the posts of a Markdown blog to its readers: feeds, and each post to each account once."""

__version__ = "0.1.0"
