// Purpose: The keys of a space that are good, by name; those before a newer one of the same name are counted with it.
// Access: read
// Space: parameter
// Scan: keys
// Parameters:
//   w.space: string
//   w.after: string – name of the last one of the page before
//   w.most: integer
// Columns:
//   name: string
//   role: string
//   created_at: integer – of the newest
//   earlier_good_until: integer or null – when the last of those before the newest ends
MATCH (k:ApiKey {space: $w.space})
WHERE k.name > $w.after AND k.revoked_at IS NULL AND coalesce(k.good_until > timestamp(), true)
WITH k.name AS name, max(k.created_at) AS created_at, max(k.role) AS role, max(k.good_until) AS earlier_good_until
RETURN name, role, created_at, earlier_good_until ORDER BY name LIMIT $w.most
