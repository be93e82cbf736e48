// Purpose: How far the deletion of a space is.
// Access: read
// Space: parameter
// Parameters:
//   space: string
// Columns:
//   deletion: [space, begun_at, author, deleted]
MATCH (d:SpaceDeletion {name: $space})
RETURN [d.name, d.begun_at, d.author, d.deleted] AS deletion
