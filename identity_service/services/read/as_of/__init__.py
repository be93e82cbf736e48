"""Customers as they were at a moment of the past."""
