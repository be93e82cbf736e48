// Purpose: Customers that wait for a destination, by when they are due.
// Access: schema
CREATE INDEX outgoing_by_due IF NOT EXISTS FOR (o:Outgoing) ON (o.space, o.destination, o.due)
