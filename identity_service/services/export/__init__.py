"""Spaces as files, and as copies."""
