"""The resolution function, what it rests on, and the ids and changes that follow from it."""
