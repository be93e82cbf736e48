// Purpose: The accounts that events of a customer name, by id, with the first of these events.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customer: string – customer id
//   w.after: string – only account ids after this one
//   w.most: integer
// Columns:
//   accounts: list of [account id, time of the first event, its source]
MATCH (c:Customer {id: $w.customer})
WHERE c.space = $w.space
MATCH (c)<-[:BELONGS_TO]-(:Identifier)<-[:ATTRIBUTED_TO]-(e:Event)-[:NAMES]->(a:Account)
WHERE a.account_id > $w.after
WITH a.account_id AS id, min([e.at, e.received_at, e.source]) AS earliest
ORDER BY id LIMIT $w.most
RETURN collect([id, head(earliest), last(earliest)]) AS accounts
