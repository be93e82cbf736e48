"""Profiles and memberships, kept as the evidence says."""
