"""Journeys run over a space, and their figures."""
