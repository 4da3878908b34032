"""The site itself: settings, addresses, text, search, export, and the pages that belong to no one app."""

__version__ = "0.1.0"
