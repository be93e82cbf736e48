// Purpose: Begin to delete a space. From now on there is none of that name, no source feeds it and its keys
//   are gone, together with those of sources that fed nothing else.
// Access: write
// Space: parameter
// Scan: keys
// Parameters:
//   w.space: string
//   w.author: string – who asked for it
//   w.now: integer
// Columns:
//   hashes: list of the keys that are gone, and of those whose source fed it too
MATCH (s:Space {name: $w.space})
SET s.name = $w.space // takes its lock
WITH s WHERE s:Space
CALL (s) {
  MATCH (source:Source)-[:FEEDS]->(s)
  WITH source ORDER BY source.name
  SET source.name = source.name // takes its lock
  RETURN collect(source) AS sources
}
WITH s, [source IN sources | source.name] AS names,
  [source IN sources WHERE NOT EXISTS { MATCH (source)-[:FEEDS]->(other:Space) WHERE other <> s } | source.name] AS only_here
CALL (s) {
  MATCH (s)<-[feeds:FEEDS]-()
  DELETE feeds
  RETURN count(*) AS ended
}
CALL () {
  MATCH (k:ApiKey) WHERE k.space = $w.space
  RETURN collect(k) AS keys
}
CALL (names) {
  UNWIND names AS name
  MATCH (k:ApiKey {source: name})
  RETURN collect(k) AS senders
}
WITH s, only_here, keys, senders, [k IN keys + senders | k.hash] AS hashes
FOREACH (k IN keys + [k IN senders WHERE k.source IN only_here] | DETACH DELETE k)
REMOVE s:Space
SET s:SpaceDeletion, s = {name: $w.space, begun_at: $w.now, author: $w.author, sources: only_here, deleted: 0}
RETURN hashes
