"""Webhooks of vendors: a signed body in, events and upstream notices out, one module a vendor."""
