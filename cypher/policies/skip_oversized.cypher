// Purpose: Mark the customers of components that are too large to resolve as settled by the policy, so
//   that its settlement skips them; otherwise they stay as they are.
// Access: write
// Space: parameter
// Parameters:
//   w.space: string
//   w.version: integer
//   w.starts: list of identifier keys in these components
//   w.most: how many identifiers to walk to
//   w.customers: list of ids of customers that are marked in any case
// Columns: none
MATCH (s:Space {name: $w.space}) WHERE s.policy_version = $w.version
CALL () {
  UNWIND $w.starts AS key
  MATCH (start:Identifier {key: key})
  CALL (start) {
    MATCH (start) ((a)-[:OBSERVED_TOGETHER|JUDGED_SAME]-(b) WHERE NOT b:SuperConnector AND NOT b:Blocked)* (i:Identifier)
    WITH DISTINCT i LIMIT $w.most
    RETURN collect(i) AS interior
  }
  UNWIND interior AS i
  MATCH (i)-[:BELONGS_TO]->(c:Customer)
  RETURN collect(DISTINCT c.id) AS around
}
UNWIND around + $w.customers AS id
WITH DISTINCT id ORDER BY id
MATCH (c:Customer {id: id}) WHERE c.space = $w.space AND c.policy_version < $w.version
SET c.policy_version = $w.version
