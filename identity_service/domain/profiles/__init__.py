"""Profiles: traits by rule, features and audiences, computed from the evidence of a customer."""
