// Purpose: Contested identifiers, those that most people share first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.bound: integer – most identifiers to rank, those with the most links
//   w.people: integer – people who share the last one of the page before
//   w.key: string – its key
//   w.most: integer
// Columns:
//   identifiers: list of [people, key]
MATCH (i:Contested {space: $w.space})
WITH i, COUNT { (i)-[:OBSERVED_TOGETHER]-() } AS links
ORDER BY links DESC, i.key LIMIT $w.bound
CALL (i) {
  MATCH (i)-[:OBSERVED_TOGETHER]-(n:Identifier) WHERE NOT n:SuperConnector
  MATCH (n)-[:BELONGS_TO]->(c:Customer) WHERE c.kind = 'KNOWN'
  RETURN count(DISTINCT c) AS people
}
WITH i, people
WHERE people < $w.people OR (people = $w.people AND i.key > $w.key)
WITH i, people ORDER BY people DESC, i.key LIMIT $w.most
RETURN collect([people, i.key]) AS identifiers
