// Purpose: What became of the memberships of customers and accounts until now.
// Access: read
// Space: parameter
// Parameters:
//   w.space: string
//   w.customers: list of customer ids
//   w.accounts: list of account ids
//   w.most: integer – most changes of one of them, the newest
// Columns:
//   of_customers: list of [customer id, audience, entered or left, cause], in order of their positions
//   of_accounts: likewise of accounts
CALL () {
  UNWIND $w.customers AS id
  CALL (id) {
    MATCH (m:MembershipChange {customer_id: id}) WHERE m.space = $w.space
    WITH m ORDER BY m.position DESC LIMIT $w.most
    RETURN m
  }
  WITH id, m ORDER BY m.position
  RETURN collect([id, m.audience, m.change, m.cause]) AS of_customers
}
CALL () {
  UNWIND $w.accounts AS id
  CALL (id) {
    MATCH (m:MembershipChange) WHERE m.space = $w.space AND m.account_id = id
    WITH m ORDER BY m.position DESC LIMIT $w.most
    RETURN m
  }
  WITH id, m ORDER BY m.position
  RETURN collect([id, m.audience, m.change, m.cause]) AS of_accounts
}
RETURN of_customers, of_accounts
