// Purpose: The transactions that write evidence or settlements at this moment.
// Access: read
// Space: instance
// Parameters: none
// Columns:
//   id: string
SHOW TRANSACTIONS YIELD transactionId AS id, metaData
WHERE metaData.name IN ['ingest/write_events', 'ingest/write_settlement', 'policies/observe_again']
RETURN id
