// Purpose: Contested identifiers that the identifiers of a customer were observed with, the latest
//   first. Links of super-connectors do not count.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customer: string – customer id
//   w.most: integer
// Columns:
//   identifiers: list of [key, type, value, first_seen, last_seen, contested, super-connector]
MATCH (c:Customer {id: $w.customer})
WHERE c.space = $w.space
MATCH (c)<-[:BELONGS_TO]-(own:Identifier)-[l:OBSERVED_TOGETHER]-(i:Contested)
WHERE NOT own:SuperConnector AND NOT EXISTS { (i)-[:BELONGS_TO]->(c) }
WITH i, max(l.last_seen) AS seen
ORDER BY seen DESC, i.key LIMIT $w.most
RETURN collect([i.key, i.type, i.value, i.first_seen, i.last_seen, i:Contested, i:SuperConnector]) AS identifiers
