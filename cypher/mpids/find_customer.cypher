// Purpose: The id, current or retired, that has a number.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.mpid: integer
// Columns:
//   id: string – customer id
CALL () {
  MATCH (c:Customer {space: $w.space, mpid: $w.mpid}) RETURN c
  UNION
  MATCH (c:RetiredId {space: $w.space, mpid: $w.mpid}) RETURN c
}
RETURN c.id AS id ORDER BY id LIMIT 1
