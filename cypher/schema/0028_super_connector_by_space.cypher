// Purpose: The super-connectors of a space.
// Access: schema
CREATE INDEX super_connector_by_space IF NOT EXISTS FOR (i:SuperConnector) ON (i.space)
