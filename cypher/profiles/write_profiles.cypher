// Purpose: Write what was computed of customers, and the changes of their memberships. Nothing is written when
//   another worker has taken over, nor of a customer that was settled since it was read.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.worker: string – who computed it
//   w.lease: integer – milliseconds until others may take over
//   w.guards: list of [customer id, rev that was read], in order
//   w.profiles: list of [customer id, mark that was read or null, properties that differ], in order
//   w.fellows: ids of other customers whose profiles rest on the same accounts, in order
//   w.gone: ids of customers that are no longer there, in order
//   w.entered: list of [customer id, key of the membership, audience, since]
//   w.left: list of [customer id, key of the membership]
//   w.changes: list of maps of the properties of a MembershipChange, without its position
//   w.outgoing: ids of customers of which something changed that may concern a destination
// Columns:
//   written: list of the ids of the customers of which all was written
//   last_position: integer – of the last change of a membership, or null without any
MATCH (k:ProfileWork {space: $w.space})
SET k.space = $w.space // takes its lock
WITH k WHERE k.worker = $w.worker
SET k.lease_until = timestamp() + $w.lease
WITH k
CALL () {
  UNWIND $w.guards AS row
  WITH {id: row[0], rev: row[1]} AS guard
  MATCH (c:Customer {id: guard.id}) WHERE c.space = $w.space
  SET c.space = $w.space
  WITH c, guard WHERE c.rev = guard.rev
  RETURN collect(c.id) AS fresh
}
CALL () {
  UNWIND $w.gone AS id
  OPTIONAL MATCH (r:RetiredId {id: id})
  SET r.space = $w.space
  WITH id WHERE NOT EXISTS { (:Customer {id: id}) }
  RETURN collect(id) AS gone
}
WITH k, fresh + gone AS written, $w AS w
CALL (w, written) {
  UNWIND w.profiles AS row
  WITH {id: row[0], mark: row[1], properties: row[2]} AS computed WHERE computed.id IN written
  MATCH (c:Customer {id: computed.id})
  MERGE (p:Profile {customer_id: computed.id})
  SET p.space = w.space
  SET p += computed.properties
  // What was settled since it was read keeps its mark.
  SET p.touched = CASE WHEN p.touched = computed.mark THEN null ELSE p.touched END
  MERGE (c)-[:HAS_PROFILE]->(p)
}
CALL (w) {
  UNWIND w.fellows AS id
  MATCH (p:Profile {customer_id: id}) WHERE p.space = w.space
  SET p.due = 0
}
CALL (w, written) {
  UNWIND w.gone AS id
  WITH id WHERE id IN written
  MATCH (p:Profile {customer_id: id}) WHERE p.space = w.space
  DETACH DELETE p
}
CALL (w, written) {
  UNWIND w.left AS row
  WITH {id: row[0], key: row[1]} AS left WHERE left.id IN written
  MATCH (m:Membership {key: left.key})
  DELETE m
}
CALL (w, written) {
  UNWIND w.entered AS row
  WITH {id: row[0], key: row[1], audience: row[2], since: row[3]} AS entered WHERE entered.id IN written
  MERGE (m:Membership {key: entered.key})
  SET m.space = w.space, m.audience = entered.audience, m.customer_id = entered.id, m.since = entered.since
}
CALL (w, written) {
  MATCH (d:Destination {space: w.space})
  UNWIND w.outgoing AS id
  WITH d, id WHERE id IN written
  WITH d, id ORDER BY d.name, id
  MERGE (o:Outgoing {key: w.space + '/' + d.name + '/' + id})
  SET o.space = w.space, o.destination = d.name, o.customer_id = id, o.due = 0
}
CALL (k, w, written) {
  WITH k, [change IN w.changes WHERE change.customer_id IN written] AS changes
  WITH k, changes WHERE size(changes) > 0
  SET k.last_position = coalesce(k.last_position, 0) + size(changes)
  WITH k.last_position - size(changes) AS before, changes
  UNWIND range(0, size(changes) - 1) AS n
  WITH before + n + 1 AS position, changes[n] AS properties
  CREATE (m:MembershipChange)
  SET m = properties, m.position = position
  RETURN max(position) AS last_position
}
RETURN written, last_position
