// Purpose: How far all customers of a space are computed by the text in force.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
// Columns:
//   in_force: integer or null – version of the text
//   version: integer or null – by which all customers are computed
//   computing: integer or null – by which they are being computed
//   customers: integer – how many there were when that began
//   computed: integer – how many of these are done
MATCH (s:Space {name: $w.space})
OPTIONAL MATCH (k:ProfileWork {space: s.name})
RETURN s.profiles_version AS in_force, k.version AS version, k.computing AS computing, coalesce(k.to_compute, 0) AS customers, coalesce(k.computed, 0) AS computed
