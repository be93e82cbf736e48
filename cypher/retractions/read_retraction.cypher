// Purpose: A retraction by its id.
// Access: read
// Space: parameter
// Parameters:
//   space: string
//   id: string – retraction id
// Columns:
//   retraction: as list_retractions has each
MATCH (r:Retraction {id: $id}) WHERE r.space = $space
RETURN [r.id, r.source, r.from, r.until, r.made_at, r.author, r.reason, r.withdrawn_at, r.withdrawn_by, r.withdrawn_reason, r.events, r.skipped, r.total, r.place_at, NOT r:Retracting] AS retraction
