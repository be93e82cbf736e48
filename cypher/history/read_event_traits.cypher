// Purpose: The traits that the given events carry.
// Access: read
// Space: keys
// Parameters:
//   w.keys: list of event keys
// Columns:
//   traits: list of [event key, source, traits JSON or null, context traits JSON or null]
UNWIND $w.keys AS key
MATCH (e:Event {key: key})
RETURN collect([key, e.source, e.traits, e.context_traits]) AS traits
