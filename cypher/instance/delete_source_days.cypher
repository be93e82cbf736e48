// Purpose: Delete what was counted of sources before a day, some at a time.
// Access: write
// Space: instance
// Parameters:
//   day: integer – first day that is kept, counted from 1970
//   most: integer
// Columns:
//   deleted: integer
MATCH (d:SourceDay)
WHERE d.day < $day
WITH d LIMIT $most
DELETE d
RETURN count(*) AS deleted
