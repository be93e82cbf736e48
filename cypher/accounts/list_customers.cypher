// Purpose: The customers whose events name an account, by id.
// Access: read
// Space: keys
// Parameters:
//   w.key: string – account key
//   w.after: string – only ids after this one
//   w.most: integer
// Columns:
//   customers: list of customer ids
MATCH (:Account {key: $w.key})<-[:NAMES]-(:Event)-[:ATTRIBUTED_TO]->(:Identifier)-[:BELONGS_TO]->(c:Customer)
WHERE c.id > $w.after
WITH DISTINCT c.id AS id
ORDER BY id LIMIT $w.most
RETURN collect(id) AS customers
