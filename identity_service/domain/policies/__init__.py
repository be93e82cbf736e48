"""Policies: their text, their rules, and what they make of the values of events."""
