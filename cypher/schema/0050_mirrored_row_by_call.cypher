// Purpose: The rows of a mirrored table that were not seen for some time.
// Access: schema
CREATE INDEX mirrored_row_by_call IF NOT EXISTS FOR (m:MirroredRow) ON (m.call, m.seen)
