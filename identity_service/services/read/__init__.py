"""Customers as they are: who somebody is, and why."""
