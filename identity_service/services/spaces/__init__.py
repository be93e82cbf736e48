"""Spaces, their keys and their policies."""
