"""The doors: GraphQL, the collection routes, the explorer."""
