// Purpose: Write what was computed of customers or of accounts, and the changes of their memberships. Nothing is written
//   when another worker has taken over, nor of a customer that was settled since it was read, or an account with such a
//   member.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.worker: string – who computed it
//   w.lease: integer – milliseconds until others may take over
//   w.guards: list of [customer id, rev that was read], in order
//   w.profiles: list of [customer id, mark that was read or null, properties that differ], in order
//   w.values_gone: list of [customer id, keys of values that it has no longer], of some of the profiles
//   w.values_changed: list of [customer id, map from the key of a value that it had to that of the value in its place],
//     likewise
//   w.values_new: list of [customer id, keys of values that it did not have], likewise
//   w.version: integer – of the text that they were computed by
//   w.named: list of [account key, account id, position, always], in order: accounts to be computed, those that are
//     not `always` unless that version computed them. What the ledger says after the position is news to a new one
//   w.accounts: list of [account key, mark that was read, properties that differ, list of [customer id, rev that was
//     read] of its members], in order
//   w.fellows: ids of other customers whose profiles rest on the same accounts, in order
//   w.gone: ids of customers that are no longer there, in order
//   w.entered: list of [whose, key of the membership, properties of a Membership]; whose: a customer id, or the key of
//     an account
//   w.left: list of [whose, key of the membership]
//   w.changes: list of [whose, properties of a MembershipChange, without its position]
//   w.outgoing: ids of customers of which something changed that may concern a destination
// Columns:
//   written: list of the ids of the customers, and the keys of the accounts, of which all was written
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
CALL () {
  UNWIND $w.accounts AS row
  WITH {key: row[0], members: row[3]} AS account
  MATCH (p:AccountProfile {key: account.key})
  SET p.space = $w.space
  WITH account
  CALL (account) {
    UNWIND account.members AS row
    WITH {id: row[0], rev: row[1]} AS member
    OPTIONAL MATCH (c:Customer {id: member.id}) WHERE c.space = $w.space AND c.rev = member.rev
    WITH c WHERE c IS NULL
    RETURN count(*) AS stale
  }
  WITH account WHERE stale = 0
  RETURN collect(account.key) AS accounts
}
WITH k, fresh + gone + accounts AS written, $w AS w
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
CALL (w, written) {
  UNWIND w.values_gone AS row
  WITH {id: row[0], keys: row[1]} AS before WHERE before.id IN written
  MATCH (p:Profile {customer_id: before.id})-[v:HAS_VALUE]->()
  WHERE v.key IN before.keys
  DELETE v
}
CALL (w, written) {
  UNWIND w.values_changed AS row
  WITH {id: row[0], keys: row[1]} AS change WHERE change.id IN written
  MATCH (p:Profile {customer_id: change.id})-[v:HAS_VALUE]->()
  WITH v, change.keys[v.key] AS key WHERE key IS NOT NULL
  SET v.key = key
}
CALL (w, written) {
  UNWIND w.values_new AS row
  WITH {id: row[0], keys: row[1]} AS after WHERE after.id IN written
  MATCH (p:Profile {customer_id: after.id})
  FOREACH (key IN after.keys | CREATE (p)-[:HAS_VALUE {key: key}]->(p))
}
CALL (w, written) {
  UNWIND w.accounts AS row
  WITH {key: row[0], mark: row[1], properties: row[2]} AS computed WHERE computed.key IN written
  MATCH (p:AccountProfile {key: computed.key})
  SET p += computed.properties
  SET p.touched = CASE WHEN p.touched = computed.mark THEN null ELSE p.touched END
}
CALL (w) {
  WITH w, timestamp() * 1000 AS mark
  UNWIND w.named AS row
  WITH mark, {key: row[0], id: row[1], position: row[2], always: row[3]} AS named, w
  MERGE (p:AccountProfile {key: named.key})
    ON CREATE SET p.account_id = named.id, p.position = named.position
  SET p.space = w.space
  WITH p, mark, named, w WHERE named.always OR coalesce(p.version, 0) <> w.version
  SET p.touched = CASE WHEN p.touched >= mark THEN p.touched + 1 ELSE mark END
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
  WITH {whose: row[0], key: row[1]} AS left WHERE left.whose IN written
  MATCH (m:Membership {key: left.key})
  DELETE m
}
CALL (w, written) {
  UNWIND w.entered AS row
  WITH {whose: row[0], key: row[1], properties: row[2]} AS entered WHERE entered.whose IN written
  MERGE (m:Membership {key: entered.key})
  SET m += entered.properties
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
  UNWIND w.changes AS row
  WITH k, {whose: row[0], properties: row[1]} AS change WHERE change.whose IN written
  WITH k, collect(change.properties) AS changes
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
