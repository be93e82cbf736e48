// Purpose: Events by one of the beginnings that they are looked up by.
// Access: schema
CREATE INDEX event_by_beginning_1 IF NOT EXISTS FOR (e:Event) ON (e.find_1)
