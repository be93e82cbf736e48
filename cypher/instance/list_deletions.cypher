// Purpose: Spaces that are being deleted, by name.
// Access: read
// Space: instance
// Scan: few spaces are being deleted
// Parameters: none
// Columns:
//   deletions: list of [space, begun_at, author, deleted]
//   unattended: list of those of these spaces at which no worker is
MATCH (d:SpaceDeletion)
WITH d ORDER BY d.name
RETURN collect([d.name, d.begun_at, d.author, d.deleted]) AS deletions,
  collect(CASE WHEN coalesce(d.lease_until, 0) < timestamp() THEN d.name END) AS unattended
