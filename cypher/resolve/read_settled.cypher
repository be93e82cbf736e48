// Purpose: Customers as they were settled, found by identifiers or by ids, current or retired.
// Access: read
// Space: keys
// Product: each of the two lookups is one row
// Parameters:
//   w.keys: list of identifier keys
//   w.ids: list of [space, customer id]
//   w.most: integer – most identifiers of one customer to return, the first by key
// Columns:
//   by_key: list of [key, customer id or null, blocked], only keys that exist
//   by_id: list of [space, id, id of the customer that has it now], only ids that exist
//   customers: list of [id, kind, rev, policy_version, settled_at, first_seen, last_seen, identifier count,
//     list of [key, type, value, first_seen, last_seen, contested, super-connector]]
CALL () {
  UNWIND $w.keys AS key
  MATCH (i:Identifier {key: key})
  OPTIONAL MATCH (i)-[:BELONGS_TO]->(c:Customer)
  RETURN collect([key, c.id, i:Blocked]) AS by_key, collect(c) AS of_keys
}
CALL () {
  UNWIND $w.ids AS row
  WITH row[0] AS space, row[1] AS id
  OPTIONAL MATCH (current:Customer {id: id})
  OPTIONAL MATCH (:RetiredId {id: id})-[:FORWARDS_TO]->(successor:Customer)
  WITH space, id, coalesce(current, successor) AS c
  WHERE c.space = space
  RETURN collect([space, id, c.id]) AS by_id, collect(c) AS of_ids
}
CALL (of_keys, of_ids) {
  UNWIND of_keys + of_ids AS found
  WITH DISTINCT found AS c
  CALL (c) {
    MATCH (c)<-[:BELONGS_TO]-(i:Identifier)
    WITH i ORDER BY i.key
    RETURN min(i.first_seen) AS first_seen, max(i.last_seen) AS last_seen, count(i) AS size,
      collect([i.key, i.type, i.value, i.first_seen, i.last_seen, i:Contested, i:SuperConnector]) AS members
  }
  RETURN collect([c.id, c.kind, c.rev, c.policy_version, c.settled_at, first_seen, last_seen, size, members[..$w.most]]) AS customers
}
RETURN by_key, by_id, customers
