// Purpose: Take identifiers away from the retired ids that they belong to: they wait to be settled.
// Access: write
// Space: keys
// Parameters:
//   w.keys: list of identifier keys
// Columns: none
UNWIND $w.keys AS key
MATCH (i:Identifier {key: key})-[b:BELONGS_TO]->(:RetiredId)
DELETE b
SET i:Unsettled
