// Purpose: How large a component is, up to a bound, and which of its identifiers have the most links.
// Access: read
// Space: keys
// Parameters:
//   w.key: string – key of one of its identifiers
//   w.others: list of keys that may be in it too
//   w.bound: integer – where counting ends
//   w.most: integer – how many identifiers to name
// Columns:
//   size: integer
//   most_linked: list of [key, type, value, first_seen, last_seen, contested, super-connector]
//   members: list of those of w.others that are among the counted
MATCH (start:Identifier {key: $w.key})
MATCH (start) ((a)-[:OBSERVED_TOGETHER|JUDGED_SAME]-(b) WHERE NOT a:SuperConnector AND NOT b:Blocked)* (i:Identifier)
WITH DISTINCT i LIMIT $w.bound
WITH collect(i) AS found
CALL (found) {
  UNWIND found AS i
  WITH i, COUNT { (i)-[:OBSERVED_TOGETHER]-() } AS links
  ORDER BY links DESC, i.key LIMIT $w.most
  RETURN collect([i.key, i.type, i.value, i.first_seen, i.last_seen, i:Contested, i:SuperConnector]) AS most_linked
}
RETURN size(found) AS size, most_linked, [i IN found WHERE i.key IN $w.others | i.key] AS members
