// Purpose: What events say by which their persons are looked up, as it was sent.
// Access: read
// Space: keys
// Parameters:
//   w.events: list of event keys
// Columns:
//   events: list of [event key, type, properties, traits, context_traits, account id, account traits]; the
//     last two are null where it names no account, and all that is sent is JSON
UNWIND $w.events AS key
MATCH (e:Event {key: key})
OPTIONAL MATCH (e)-[:NAMES]->(a:Account)
OPTIONAL MATCH (e)-[:TOLD]->(t:AccountTraits)
RETURN collect([e.key, e.type, e.properties, e.traits, e.context_traits, a.account_id, t.traits]) AS events
