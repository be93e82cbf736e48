"""Journeys: what customers did, asked with parameters."""
