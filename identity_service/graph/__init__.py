"""The only place that talks to Neo4j: statements, the database, and one repository per subject."""
