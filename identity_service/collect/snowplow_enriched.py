"""Snowplow's enriched events, a line of tab-separated values each, as the tracker's calls.

An enriched event has 131 columns without a header. Those that a tracker sends are read as
`collect/snowplow` reads them; what enrichment added (addresses, places, browsers, derived contexts)
is kept with the event under the name of its column. It happened at `derived_tstamp`, in which
Snowplow has corrected the clock of the device. `refr_domain_userid`, the cookie of the page before
on another domain, is kept and not read: whoever was sent the link carries it too.
"""

from __future__ import annotations

from typing import Any, Final

from identity_service.collect.body import Contents, decode_json
from identity_service.collect.lines import MAX_LINE
from identity_service.collect.segment import read_stored_call, unreadable
from identity_service.collect.snowplow import call_of
from identity_service.domain.events import Rejection, RejectionCode, ReportedEvent
from identity_service.errors import BadInput, TooLarge

COLUMNS: Final = tuple(
    """
    app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id
    name_tracker v_tracker v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid
    domain_sessionidx network_userid geo_country geo_region geo_city geo_zipcode geo_latitude
    geo_longitude geo_region_name ip_isp ip_organization ip_domain ip_netspeed page_url page_title
    page_referrer page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery
    page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery
    refr_urlfragment refr_medium refr_source refr_term mkt_medium mkt_source mkt_term mkt_content
    mkt_campaign contexts se_category se_action se_label se_property se_value unstruct_event
    tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state tr_country ti_orderid
    ti_sku ti_name ti_category ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min
    pp_yoffset_max useragent br_name br_family br_version br_type br_renderengine br_lang
    br_features_pdf br_features_flash br_features_java br_features_director br_features_quicktime
    br_features_realplayer br_features_windowsmedia br_features_gears br_features_silverlight
    br_cookies br_colordepth br_viewwidth br_viewheight os_name os_family os_manufacturer
    os_timezone dvce_type dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width
    doc_height tr_currency tr_total_base tr_tax_base tr_shipping_base ti_currency ti_price_base
    base_currency geo_timezone mkt_clickid mkt_network etl_tags dvce_sent_tstamp refr_domain_userid
    refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp event_vendor event_name
    event_format event_version event_fingerprint true_tstamp
    """.split()  # noqa: SIM905 - 131 names
)

_SENT_AS: Final = {
    "app_id": "aid",
    "platform": "p",
    "event": "e",
    "event_id": "eid",
    "user_id": "uid",
    "domain_userid": "duid",
    "network_userid": "nuid",
    "page_url": "url",
    "page_title": "page",
    "page_referrer": "refr",
    "se_category": "se_ca",
    "se_action": "se_ac",
    "se_label": "se_la",
    "se_property": "se_pr",
    "se_value": "se_va",
    "unstruct_event": "ue_pr",
    "contexts": "co",
}
"""Columns that hold what a tracker sent, and what the tracker calls it."""

_KINDS: Final = {
    "page_view": "pv",
    "page_ping": "pp",
    "struct": "se",
    "unstruct": "ue",
    "transaction": "tr",
    "transaction_item": "ti",
}


def read_line(line: bytes, received_at: int, file: str, number: int) -> ReportedEvent | Rejection:
    """One enriched event. Raises nothing.

    It is read as `read_stored_call` says. A line with another number of columns is rejected.
    """
    if len(line) > MAX_LINE:
        message = f"The line is longer than {MAX_LINE:,} bytes."
        return unreadable(RejectionCode.TOO_LARGE, message, line, file, number)
    values = line.rstrip(b"\r\n").decode(errors="replace").split("\t")
    if len(values) != len(COLUMNS):
        message = f"An enriched event has {len(COLUMNS)} columns; this line has {len(values)}."
        return unreadable(RejectionCode.INVALID_FIELD, message, line, file, number)
    try:
        call = call_of(_as_sent(values), Contents())
    except TooLarge as error:
        return unreadable(RejectionCode.TOO_LARGE, error.message, line, file, number)
    return read_stored_call(call, line, received_at, file, number)


def _as_sent(values: list[str]) -> dict[str, Any]:
    """The event as a tracker sends it, with the columns of the enrichment beside."""
    given: dict[str, Any] = {
        _SENT_AS.get(name, name): value
        for name, value in zip(COLUMNS, values, strict=True)
        if value
    }
    given["e"] = _KINDS.get(given.get("e", ""), given.get("e"))
    given["ttm"] = given.get("derived_tstamp") or given.get("collector_tstamp")
    if derived := given.get("derived_contexts"):
        given["derived_contexts"] = _json(derived)
    return given


def _json(text: str) -> Any:
    try:
        return decode_json(text.encode())
    except BadInput:
        return text
