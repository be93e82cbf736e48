// Purpose: The people who share each of the given identifiers, the latest users first.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
//   w.bound: integer – most links of one identifier to read
//   w.most: integer – most people of one identifier
// Columns:
//   shared: list of [key, list of customer ids], only identifiers that exist
UNWIND $w.keys AS key
MATCH (i:Identifier {key: key})
CALL (i) {
  MATCH (i)-[l:OBSERVED_TOGETHER]-(n:Identifier) WHERE NOT n:SuperConnector
  WITH l, n LIMIT $w.bound
  MATCH (n)-[:BELONGS_TO]->(c:Customer) WHERE c.kind = 'KNOWN'
  WITH c, max(l.last_seen) AS seen
  ORDER BY seen DESC, c.id LIMIT $w.most
  RETURN collect(c.id) AS people
}
RETURN collect([key, people]) AS shared
