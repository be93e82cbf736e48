MATCH (i:Identifier {key: $key})-[:BELONGS_TO]->(c:Customer)
MATCH (c)<-[:BELONGS_TO]-(m:Identifier)
RETURN c.id AS id, c.kind AS kind, c.rev AS rev, collect([m.type, m.value, m.first_seen, m.last_seen]) AS identifiers
