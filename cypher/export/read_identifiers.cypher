// Purpose: Identifiers with their customers, and the ids that are anchored at them.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns:
//   identifiers: list of [key, type, value, first_seen, last_seen, contested, super-connector, blocked,
//     customer id or null]
//   retired: list of [retired id, customer id that it forwards to or null, created_at]
UNWIND $w.keys AS key
MATCH (i:Identifier {key: key})
OPTIONAL MATCH (i)-[:BELONGS_TO]->(c:Customer)
WITH i, c, COLLECT {
  MATCH (i)<-[:ANCHORED_AT]-(r:RetiredId)
  OPTIONAL MATCH (r)-[:FORWARDS_TO]->(successor:Customer)
  RETURN [r.id, successor.id, r.created_at]
} AS anchored
WITH collect([i.key, i.type, i.value, i.first_seen, i.last_seen, i:Contested, i:SuperConnector, i:Blocked, c.id]) AS identifiers,
  collect(anchored) AS registers
CALL (registers) {
  UNWIND registers AS register
  UNWIND register AS id
  RETURN collect(id) AS retired
}
RETURN identifiers, retired
