// Purpose: Which sources told of some links.
// Access: read
// Space: keys
// Parameters:
//   w.links: list of [key, key] – both ends, either way round
// Columns:
//   links: list of [key, key, sources] – as asked; only those that exist
UNWIND $w.links AS pair
MATCH (a:Identifier {key: pair[0]})
MATCH (b:Identifier {key: pair[1]})
OPTIONAL MATCH (a)-[l:OBSERVED_TOGETHER]-(b)
WITH pair, l WHERE l IS NOT NULL
RETURN collect([pair[0], pair[1], l.sources]) AS links
