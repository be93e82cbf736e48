// Purpose: The running transactions whose writes depend on the policy in force.
// Access: read
// Space: instance
// Parameters: none
// Columns:
//   id: string
SHOW TRANSACTIONS YIELD transactionId AS id, metaData
WHERE metaData.name IN [
  'ingest/write_events', 'ingest/write_new_customers', 'ingest/write_settlement', 'policies/attribute_events', 'policies/bump_policy_version',
  'policies/mark_blocked', 'policies/reinstate_withheld', 'policies/skip_oversized'
]
RETURN id
