// Purpose: The context in which each of the given events was sent.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of event keys
// Columns:
//   contexts: list of [key, context JSON or null, context traits JSON or null], only events that exist
UNWIND $w.keys AS key
MATCH (e:Event {key: key})
RETURN collect([key, e.context, e.context_traits]) AS contexts
