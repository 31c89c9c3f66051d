"""Picketline: solidarity letter campaigns, from the page to the target's mailbox."""

__version__ = "0.1.0"
