// Purpose: Create a space with its first policy, its source and its keys, unless a name is taken. What was read
//   of an earlier space of that name is void, since the revision of the retractions is another.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string – also the name of the source
//   w.policy: string – text
//   w.policy_key: string
//   w.author: string
//   w.now: integer
//   w.keys: list of [hash, role, name, space or null, source or null]
// Columns:
//   space_taken: boolean
//   being_deleted: boolean – a space of that name is
//   source_taken: boolean
WITH EXISTS { (:Space {name: $w.space}) } AS space_taken, EXISTS { (:SpaceDeletion {name: $w.space}) } AS being_deleted,
  EXISTS { (:Source {name: $w.space}) } AS source_taken
CALL (space_taken, being_deleted, source_taken) {
  WITH space_taken, being_deleted, source_taken
  WHERE NOT space_taken AND NOT being_deleted AND NOT source_taken
  CREATE (s:Space {name: $w.space, created_at: $w.now, policy_version: 1, last_position: 0, property_names: [], judgements_rev: 0, retractions_rev: $w.now})
  CREATE (:Policy {
    key: $w.policy_key, space: $w.space, version: 1, text: $w.policy, created_at: $w.now, author: $w.author,
    to_settle: 0, settled: 0
  })
  CREATE (:Source {name: $w.space, created_at: $w.now})-[:FEEDS]->(s)
  WITH *
  UNWIND $w.keys AS row
  WITH {hash: row[0], role: row[1], name: row[2], space: row[3], source: row[4]} AS key
  CREATE (:ApiKey {hash: key.hash, role: key.role, name: key.name, space: key.space, source: key.source, created_at: $w.now})
  RETURN count(*) AS made
}
// Read once the name is locked. The division by zero ends the transaction.
CALL () {
  MATCH (d:SpaceDeletion {name: $w.space})
  WHERE EXISTS { (:Space {name: $w.space}) }
  SET d.deleted = d.deleted / 0
}
RETURN space_taken, being_deleted, source_taken
