// Purpose: Make a retraction, whose events are still to be taken out of the evidence. From now on nothing is
//   written that was drafted without knowing of it.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.properties: map of the properties of a Retraction
// Columns:
//   id: string
MATCH (s:Space {name: $w.space})
SET s.retractions_rev = coalesce(s.retractions_rev, 0) + 1
CREATE (r:Retraction:Retracting)
SET r = $w.properties, r.space = s.name
RETURN r.id AS id
