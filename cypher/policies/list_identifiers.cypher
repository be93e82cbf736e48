// Purpose: The identifiers of a space, page by page in order of their keys.
// Access: read
// Space: keys
// Parameters:
//   after: key of the last identifier of the page before, or the lower bound of the space's keys
//   until: the upper bound of the space's keys
//   most: how many
// Columns:
//   last: key of the last one, null when there was none
//   identifiers: list of [identifier key, blocked]
MATCH (i:Identifier) WHERE $after < i.key < $until
WITH i ORDER BY i.key LIMIT $most
WITH collect(i) AS page
RETURN last(page).key AS last, [i IN page | [i.key, i:Blocked]] AS identifiers
