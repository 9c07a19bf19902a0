"""The package's version: that of the library whose functions it knows."""

__version__ = "0.1.0"
