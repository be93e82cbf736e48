// Purpose: Add identifiers to the events that they were withheld from. The identifiers then wait to be
//   settled, and judgements that waited for them apply.
//   Nothing is written when the policy is no longer the one in force, or when one of the events no
//   longer withholds or observes what was read.
// Access: write
// Space: keys
// Parameters:
//   w.space: name of the space
//   w.policy_version: version of the policy that the values were read under
//   w.events: list of [event key, withheld values that were read, those that stay withheld or null,
//     keys of the identifiers to add, how many it observed]
//   w.identifiers: list of [key, type, value, first_seen, last_seen, properties by
//     which it is looked up]
//   w.links: list of [a_key, b_key, first_seen, last_seen, times_seen, sources, proven]
// Columns:
//   written: boolean
MATCH (s:Space {name: $w.space})
SET s.name = s.name // takes its lock, so that two do this one after the other
WITH s.policy_version = $w.policy_version AS in_force
CALL () {
  UNWIND $w.events AS row
  WITH {key: row[0], withheld: row[1], observed: row[4]} AS event
  MATCH (e:Event {key: event.key})
  RETURN count(CASE WHEN e.withheld = event.withheld AND COUNT { (e)-[:OBSERVED]->() } = event.observed THEN 1 END) AS as_read
}
WITH CASE WHEN in_force AND as_read = size($w.events) THEN $w ELSE {} END AS w
CALL (w) {
  UNWIND w.identifiers AS row
  WITH {key: row[0], type: row[1], value: row[2], first_seen: row[3], last_seen: row[4], looked_up_by: row[5]} AS seen
  MERGE (i:Identifier {key: seen.key})
    ON CREATE SET i.type = seen.type, i.value = seen.value, i.first_seen = seen.first_seen, i.last_seen = seen.last_seen
  SET i.space = w.space, i:Unsettled, i += seen.looked_up_by
  SET i.first_seen = CASE WHEN seen.first_seen < i.first_seen THEN seen.first_seen ELSE i.first_seen END,
    i.last_seen = CASE WHEN seen.last_seen > i.last_seen THEN seen.last_seen ELSE i.last_seen END
  WITH i
  MATCH (i)-[:BELONGS_TO]->(c:Customer)
  SET c.rev = c.rev + 1
}
CALL (w) {
  UNWIND w.identifiers AS row
  WITH {key: row[0]} AS seen
  MATCH (gone:UnseenIdentifier {key: seen.key})
  MATCH (i:Identifier {key: seen.key})
  SET i.corrections = gone.corrections
  WITH gone, i
  CALL (gone, i) {
    MATCH (gone)<-[a:ANCHORED_AT]-(c)
    CREATE (i)<-[:ANCHORED_AT]-(c)
    DELETE a
  }
  CALL (gone, i) {
    MATCH (gone)<-[a:WAS_ANCHORED_AT]-(c)
    CREATE (i)<-[:WAS_ANCHORED_AT {until: a.until, rev: a.rev, unseen: CASE WHEN a.unseen IS NOT NULL THEN false END}]-(c)
    DELETE a
  }
  CALL (gone, i) {
    MATCH (gone)<-[d:DETACHED]-(e)
    CREATE (i)<-[:DETACHED {judgements: d.judgements, detached_at: d.detached_at, attached_at: d.attached_at}]-(e)
    DELETE d
  }
  DELETE gone
}
CALL (w) {
  UNWIND w.identifiers AS row
  WITH {key: row[0]} AS seen
  CALL (seen) {
    MATCH (j:Judgement {a_key: seen.key}) WHERE j.withdrawn_at IS NULL AND j.verdict = 'same' RETURN j
    UNION
    MATCH (j:Judgement {b_key: seen.key}) WHERE j.withdrawn_at IS NULL AND j.verdict = 'same' RETURN j
  }
  MATCH (a:Identifier {key: j.a_key})
  MATCH (b:Identifier {key: j.b_key})
  MERGE (a)-[made:JUDGED_SAME {id: j.id}]->(b)
    ON CREATE SET made.made_at = j.made_at
}
CALL (w) {
  UNWIND w.identifiers AS row
  WITH {key: row[0]} AS seen
  CALL (seen) {
    MATCH (j:Judgement {a_key: seen.key}) WHERE j.withdrawn_at IS NULL AND j.verdict = 'apart' RETURN j
    UNION
    MATCH (j:Judgement {b_key: seen.key}) WHERE j.withdrawn_at IS NULL AND j.verdict = 'apart' RETURN j
  }
  MATCH (a:Identifier {key: j.a_key})
  MATCH (b:Identifier {key: j.b_key})
  MERGE (a)-[made:JUDGED_APART {id: j.id}]->(b)
    ON CREATE SET made.made_at = j.made_at
}
CALL (w) {
  UNWIND w.links AS row
  WITH {a_key: row[0], b_key: row[1], first_seen: row[2], last_seen: row[3], times_seen: row[4], sources: row[5], proven: row[6]} AS link
  MATCH (a:Identifier {key: link.a_key})
  MATCH (b:Identifier {key: link.b_key})
  MERGE (a)-[l:OBSERVED_TOGETHER]->(b)
    ON CREATE SET l.first_seen = link.first_seen, l.last_seen = link.last_seen, l.times_seen = link.times_seen, l.sources = link.sources, l.proven = link.proven
    ON MATCH SET l.first_seen = CASE WHEN link.first_seen < l.first_seen THEN link.first_seen ELSE l.first_seen END,
      l.last_seen = CASE WHEN link.last_seen > l.last_seen THEN link.last_seen ELSE l.last_seen END,
      l.times_seen = l.times_seen + link.times_seen,
      l.sources = l.sources + [source IN link.sources WHERE NOT source IN l.sources],
      l.proven = coalesce(l.proven, link.proven)
}
CALL (w) {
  UNWIND w.events AS row
  WITH {key: row[0], withheld: row[2], identifiers: row[3]} AS event
  MATCH (e:Event {key: event.key})
  SET e.withheld = event.withheld
  WITH e, event
  UNWIND event.identifiers AS key
  MATCH (i:Identifier {key: key})
  CREATE (e)-[:OBSERVED]->(i)
}
RETURN w.space IS NOT NULL AS written
