// Purpose: Of a page of identifiers, in order of their keys, those that belong to a retired id. There
//   should be none.
// Access: read
// Space: keys
// Parameters:
//   after: string – key of the last one of the page before, or the lower bound of the space's keys
//   until: string – a text that all keys of the space come before
//   most: integer – how many identifiers
// Columns:
//   last: key of the last identifier of the page, null when there are none
//   lost: list of identifier keys
MATCH (i:Identifier) WHERE i.key > $after AND i.key < $until
WITH i ORDER BY i.key LIMIT $most
WITH collect(i) AS page
RETURN last(page).key AS last, [i IN page WHERE EXISTS { (i)-[:BELONGS_TO]->(:RetiredId) } | i.key] AS lost
