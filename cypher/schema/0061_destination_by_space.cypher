// Purpose: Destinations of a space.
// Access: schema
CREATE INDEX destination_by_space IF NOT EXISTS FOR (d:Destination) ON (d.space)
