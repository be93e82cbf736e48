// Purpose: The destinations of a space, by name.
// Access: schema
CREATE INDEX destination_by_space IF NOT EXISTS FOR (d:Destination) ON (d.space, d.name)
