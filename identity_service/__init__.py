"""An identity graph in Neo4j that says who a customer is, why, and can take it back."""
