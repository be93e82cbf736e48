"""Scoring: what policies make of people of whom it is known which identifiers are theirs."""
