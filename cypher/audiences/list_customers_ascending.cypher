// Purpose: Customers whose features fulfil all conditions, in the order of the value of one feature, lowest first, page by
//   page. At most so many values are looked at.
// Access: read
// Space: keys
// Parameters:
//   w.above: string – key after which values of the feature begin
//   w.below: string – key before which they end
//   w.audience: string or null – only its members
//   w.conditions: list of {property, operator, operand}
//   w.looked_at: integer – most values that are looked at
//   w.most: integer
// Columns:
//   customers: list of [customer id, key of its value]
//   last: string or null – key of the last value looked at, where they were too many before so many customers were found
CALL () {
  MATCH (p:Profile)-[v:HAS_VALUE]->()
  WHERE v.key > $w.above AND v.key < $w.below
  WITH p, v ORDER BY v.key LIMIT $w.looked_at
  WHERE ($w.audience IS NULL OR $w.audience IN p.audiences)
    AND all(each IN $w.conditions WHERE coalesce(CASE each.operator
      WHEN 'is' THEN p[each.property] = each.operand
      WHEN 'gt' THEN p[each.property] > each.operand
      WHEN 'gte' THEN p[each.property] >= each.operand
      WHEN 'lt' THEN p[each.property] < each.operand
      WHEN 'lte' THEN p[each.property] <= each.operand
      WHEN 'exists' THEN (p[each.property] IS NOT NULL) = each.operand
    END, false))
  WITH p, v LIMIT $w.most
  RETURN collect([p.customer_id, v.key]) AS customers
}
WITH customers, CASE WHEN size(customers) < $w.most THEN $w.below END AS below // null: nothing more is read
CALL (below) {
  MATCH ()-[v:HAS_VALUE]->()
  WHERE v.key > $w.above AND v.key < below
  WITH v ORDER BY v.key SKIP $w.looked_at - 1 LIMIT 1
  RETURN collect(v.key) AS last
}
RETURN customers, head(last) AS last
