// Purpose: The steps of the retractions of a space, those of each in their order.
// Access: schema
CREATE INDEX retraction_step IF NOT EXISTS FOR (t:RetractionStep) ON (t.space, t.retraction, t.number)
