"""Events that nobody sends: read from files and databases."""
