// Purpose: Give back identifiers that were blocked; they have no customer until they are settled.
// Access: write
// Space: keys
// Parameters:
//   keys: list of identifier keys
// Columns: none
UNWIND $keys AS key
MATCH (i:Identifier {key: key})
REMOVE i:Blocked
SET i:Unsettled
