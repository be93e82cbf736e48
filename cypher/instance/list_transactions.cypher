// Purpose: The running transactions of some statements.
// Access: read
// Space: instance
// Parameters:
//   names: list of names of statements
// Columns:
//   id: string
SHOW TRANSACTIONS YIELD transactionId AS id, metaData
WHERE metaData.name IN $names
RETURN id
