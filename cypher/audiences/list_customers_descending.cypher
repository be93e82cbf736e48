// Purpose: Customers whose features fulfil all conditions, in the order of the value of one feature, highest first, page by
//   page. All profiles of the space are read.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.audience: string or null – only its members
//   w.conditions: list of {property, operator, operand}
//   w.order: string – property by whose value they are ordered; those without one are left out
//   w.after: {rank, value, id} of the last customer of the page before, or null
//   w.most: integer
// Columns:
//   customers: list of [customer id, rank of the type of the value, value]
MATCH (p:Profile {space: $w.space})
WITH p.customer_id AS id, p, p[$w.order] AS value
WHERE value IS NOT NULL AND ($w.audience IS NULL OR $w.audience IN p.audiences)
  AND all(each IN $w.conditions WHERE coalesce(CASE each.operator
    WHEN 'is' THEN p[each.property] = each.operand
    WHEN 'gt' THEN p[each.property] > each.operand
    WHEN 'gte' THEN p[each.property] >= each.operand
    WHEN 'lt' THEN p[each.property] < each.operand
    WHEN 'lte' THEN p[each.property] <= each.operand
    WHEN 'exists' THEN (p[each.property] IS NOT NULL) = each.operand
  END, false))
WITH id, value, CASE WHEN value IS :: BOOLEAN THEN 0 WHEN value IS :: STRING THEN 2 ELSE 1 END AS rank
WHERE $w.after IS NULL OR rank < $w.after.rank
  OR (rank = $w.after.rank AND (value < $w.after.value OR (value = $w.after.value AND id < $w.after.id)))
WITH id, value, rank ORDER BY rank DESC, value DESC, id DESC LIMIT $w.most
RETURN collect([id, rank, value]) AS customers
