// Purpose: How large the newest rejected events of a space are, newest first.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.most: integer
// Columns:
//   sizes: list of [id, bytes]
MATCH (r:RejectedEvent {space: $w.space})
WHERE r.id > ''
WITH r ORDER BY r.id DESC LIMIT $w.most
RETURN collect([r.id, coalesce(r.bytes, size(r.message) + size(coalesce(r.body, '')))]) AS sizes
