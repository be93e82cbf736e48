"""Components of a space: loaded from the graph and resolved, writing nothing."""
