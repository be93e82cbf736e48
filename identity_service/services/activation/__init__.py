"""Activation: customers are sent to destinations, and what came of it is kept."""
