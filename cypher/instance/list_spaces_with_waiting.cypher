// Purpose: Spaces in which identifiers wait to be settled.
// Access: read
// Space: instance
// Scan: few identifiers of the whole instance carry the label Unsettled
// Parameters: none
// Columns:
//   spaces: list of names
MATCH (i:Unsettled)
RETURN collect(DISTINCT i.space) AS spaces
