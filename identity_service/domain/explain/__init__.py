"""Why identifiers are one customer, or are not."""
