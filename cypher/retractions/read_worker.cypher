// Purpose: Who works at a retraction.
// Access: read
// Space: keys
// Parameters:
//   id: string – retraction id
// Columns:
//   worker: string or null
MATCH (r:Retraction {id: $id})
RETURN r.worker AS worker
