// Purpose: Let events observe identifiers that were withheld from them; these wait to be settled, and
//   judgements that wait for them apply.
//   Nothing is written when the policy is no longer the one in force, or when one of the events
//   has observed any of them already.
// Access: write
// Space: keys
// Parameters:
//   w.space: name of the space
//   w.policy_version: version of the policy that the values were read under
//   w.events: list of [event key, withheld as it was read, withheld from now on or null, keys of
//     identifiers that the event observes besides]
//   w.identifiers: list of [key, type, value, first_seen, last_seen]
//   w.links: list of [a_key, b_key, first_seen, last_seen, times_seen, sources]
// Columns:
//   written: boolean
MATCH (s:Space {name: $w.space})
SET s.name = s.name // takes its lock, so that two do this one after the other
WITH s.policy_version = $w.policy_version AS in_force
CALL () {
  UNWIND $w.events AS r
  MATCH (e:Event {key: r[0]})
  RETURN count(CASE WHEN e.withheld = r[1] THEN 1 END) AS as_read
}
WITH CASE WHEN in_force AND as_read = size($w.events) THEN $w ELSE {} END AS w
CALL (w) {
  UNWIND w.identifiers AS r
  MERGE (i:Identifier {key: r[0]})
    ON CREATE SET i.space = w.space, i.type = r[1], i.value = r[2], i.first_seen = r[3], i.last_seen = r[4]
    ON MATCH SET i.first_seen = CASE WHEN r[3] < i.first_seen THEN r[3] ELSE i.first_seen END,
                 i.last_seen = CASE WHEN r[4] > i.last_seen THEN r[4] ELSE i.last_seen END
  SET i:Unsettled
  WITH i
  MATCH (i)-[:BELONGS_TO]->(c:Customer)
  SET c.rev = c.rev + 1
}
CALL (w) {
  UNWIND w.identifiers AS r
  CALL (r) {
    MATCH (j:Judgement {a_key: r[0]}) WHERE j.withdrawn_at IS NULL AND j.verdict = 'same' RETURN j
    UNION
    MATCH (j:Judgement {b_key: r[0]}) WHERE j.withdrawn_at IS NULL AND j.verdict = 'same' RETURN j
  }
  MATCH (a:Identifier {key: j.a_key})
  MATCH (b:Identifier {key: j.b_key})
  MERGE (a)-[made:JUDGED_SAME {id: j.id}]->(b)
    ON CREATE SET made.made_at = j.made_at
}
CALL (w) {
  UNWIND w.identifiers AS r
  CALL (r) {
    MATCH (j:Judgement {a_key: r[0]}) WHERE j.withdrawn_at IS NULL AND j.verdict = 'apart' RETURN j
    UNION
    MATCH (j:Judgement {b_key: r[0]}) WHERE j.withdrawn_at IS NULL AND j.verdict = 'apart' RETURN j
  }
  MATCH (a:Identifier {key: j.a_key})
  MATCH (b:Identifier {key: j.b_key})
  MERGE (a)-[made:JUDGED_APART {id: j.id}]->(b)
    ON CREATE SET made.made_at = j.made_at
}
CALL (w) {
  UNWIND w.links AS r
  MATCH (a:Identifier {key: r[0]})
  MATCH (b:Identifier {key: r[1]})
  MERGE (a)-[l:OBSERVED_TOGETHER]->(b)
    ON CREATE SET l.first_seen = r[2], l.last_seen = r[3], l.times_seen = r[4], l.sources = r[5]
    ON MATCH SET l.first_seen = CASE WHEN r[2] < l.first_seen THEN r[2] ELSE l.first_seen END,
                 l.last_seen = CASE WHEN r[3] > l.last_seen THEN r[3] ELSE l.last_seen END,
                 l.times_seen = l.times_seen + r[4],
                 l.sources = l.sources + [source IN r[5] WHERE NOT source IN l.sources]
}
CALL (w) {
  UNWIND w.events AS r
  MATCH (e:Event {key: r[0]})
  SET e.withheld = r[2]
  WITH e, r
  UNWIND r[3] AS key
  MATCH (i:Identifier {key: key})
  CREATE (e)-[:OBSERVED]->(i)
}
RETURN w.space IS NOT NULL AS written
