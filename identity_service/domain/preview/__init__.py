"""What another policy would change, computed over a copy of a space."""
