// Purpose: Spaces in which profiles wait to be computed or to be found by their values, or something changed that may
//   concern a destination, and when the next profile of each other space can change.
// Access: read
// Space: instance
// Scan: spaces are few
// Parameters:
//   now: integer
// Columns:
//   spaces: list of names
//   next: list of [name, the next moment at which a profile can change]
MATCH (s:Space)
WHERE s.profiles_version IS NOT NULL OR EXISTS { (:Destination {space: s.name}) }
OPTIONAL MATCH (k:ProfileWork {space: s.name})
CALL (s) {
  MATCH (i:Identifier) WHERE i.space = s.name AND i.touched > 0
  WITH i LIMIT 1
  RETURN count(i) > 0 AS touched
}
CALL (s) {
  MATCH (p:Profile) WHERE p.space = s.name AND p.touched > 0
  WITH p LIMIT 1
  RETURN count(p) > 0 AS settled
}
CALL (s) {
  MATCH (p:AccountProfile) WHERE p.space = s.name AND p.touched > 0
  WITH p LIMIT 1
  RETURN count(p) > 0 AS named
}
CALL (s) {
  CALL (s) {
    MATCH (p:Profile) WHERE p.space = s.name AND p.due >= 0
    WITH p ORDER BY p.space, p.due LIMIT 1
    RETURN p.due AS next
    UNION ALL
    MATCH (p:AccountProfile) WHERE p.space = s.name AND p.due >= 0
    WITH p ORDER BY p.space, p.due LIMIT 1
    RETURN p.due AS next
  }
  RETURN min(next) AS due
}
WITH s.name AS space, due, touched OR settled OR named OR coalesce(due <= $now, false) OR coalesce(s.profiles_version, 0) <> coalesce(k.version, 0) OR k.findable IS NULL AS waits
RETURN collect(CASE WHEN waits THEN space END) AS spaces, collect(CASE WHEN NOT waits AND due IS NOT NULL THEN [space, due] END) AS next
