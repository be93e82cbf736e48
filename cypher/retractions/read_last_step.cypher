// Purpose: The last step of a retraction whose events were not given back.
// Access: read
// Space: parameter
// Parameters:
//   space: string
//   id: string – retraction id
// Columns:
//   number: integer
//   events: list of event keys
MATCH (t:RetractionStep {space: $space, retraction: $id}) WHERE t.number > 0
WITH t ORDER BY t.number DESC LIMIT 1
RETURN t.number AS number, t.events AS events
