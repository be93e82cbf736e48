// Purpose: Create a destination, unless its space is missing or has one of that name.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.name: string
//   w.vendor: string
//   w.definition: string – YAML
//   w.events_since: string – JSON: the names of events that go there, each with the time from which on
//   w.secrets: string – encrypted
//   w.author: string
//   w.at: integer
// Columns:
//   created: boolean
MATCH (s:Space {name: $w.space})
SET s.name = $w.space // takes its lock
WITH s
OPTIONAL MATCH (before:Destination {key: s.name + '/' + $w.name})
WITH s, before IS NULL AS created
CALL (s, created) {
  WITH s, created
  WHERE created
  CREATE (d:Destination {key: s.name + '/' + $w.name})
  SET d.space = s.name, d.name = $w.name, d.vendor = $w.vendor, d.definition = $w.definition,
    d.events_since = $w.events_since, d.secrets = $w.secrets, d.created_at = $w.at, d.created_by = $w.author
  RETURN count(*) AS made
}
RETURN created
