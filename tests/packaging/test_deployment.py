"""The recipes in `deployment/`: a proxy that ends TLS, and Kubernetes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from identity_service.api.graphql.sse import KEEP_ALIVE_S
from identity_service.collect.body import MAX_WIRE_BYTES
from identity_service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "deployment"
CADDYFILE = (RECIPES / "Caddyfile").read_text(encoding="utf-8")
NGINX = (RECIPES / "nginx.conf").read_text(encoding="utf-8")
DEPLOYMENT, SERVICE = yaml.safe_load_all((RECIPES / "kubernetes.yaml").read_text("utf-8"))
POD: dict[str, Any] = DEPLOYMENT["spec"]["template"]["spec"]
CONTAINER: dict[str, Any] = POD["containers"][0]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
OVERLAY = yaml.safe_load((ROOT / "docker-compose.tls.yml").read_text(encoding="utf-8"))


def directive(name: str) -> list[str]:
    """What nginx's file gives to a directive, wherever it stands."""
    return re.findall(rf"^\s*{name}\s+(.+);$", NGINX, re.MULTILINE)


def test_the_overlay_serves_the_caddyfile_under_the_operators_name() -> None:
    caddy = OVERLAY["services"]["caddy"]

    assert "./deployment/Caddyfile:/etc/caddy/Caddyfile:ro" in caddy["volumes"]
    assert caddy["environment"]["IDENTITY_DOMAIN"].startswith("${IDENTITY_DOMAIN:?")
    assert "\n{$IDENTITY_DOMAIN} {\n" in CADDYFILE


def test_caddy_starts_when_the_service_is_healthy_and_keeps_its_certificates() -> None:
    caddy = OVERLAY["services"]["caddy"]

    assert caddy["depends_on"]["identity-service"]["condition"] == "service_healthy"
    assert "caddy-data:/data" in caddy["volumes"]
    assert "caddy-data" in OVERLAY["volumes"]


def test_the_overlay_changes_no_container_of_the_first_file() -> None:
    assert COMPOSE["services"].keys().isdisjoint(OVERLAY["services"])


def test_caddy_hands_on_to_the_container_of_the_service() -> None:
    (name, port) = re.findall(r"reverse_proxy ([\w-]+):(\d+)", CADDYFILE)[0]

    assert name in COMPOSE["services"]
    assert int(port) == Settings().port


def test_nginx_takes_bodies_as_long_as_the_service_does() -> None:
    assert directive("client_max_body_size") == [f"{MAX_WIRE_BYTES >> 20}m"]


def test_caddy_leaves_the_bound_of_bodies_to_the_service() -> None:
    # Its own bound may answer 502, which senders repeat; the service answers 413.
    assert "request_body" not in CADDYFILE


def test_a_proxy_gives_clients_the_time_that_the_service_gives() -> None:
    settings = Settings()

    assert re.findall(r"read_header (\d+)s", CADDYFILE) == [str(int(settings.head_timeout))]
    assert directive("client_header_timeout") == [f"{int(settings.head_timeout)}s"]
    assert directive("client_body_timeout") == [f"{int(settings.body_timeout)}s"]


def test_nginx_waits_for_the_slowest_answer_and_for_silent_subscriptions() -> None:
    (seconds,) = (int(value.removesuffix("s")) for value in directive("proxy_read_timeout"))

    assert seconds > Settings().preview_timeout > KEEP_ALIVE_S


def test_nginx_passes_websockets_and_gathers_no_requests() -> None:
    headers = directive("proxy_set_header")

    assert directive("proxy_http_version") == ["1.1"]
    assert {"Upgrade $http_upgrade", "Connection $connection_upgrade"} <= set(headers)
    assert directive("proxy_request_buffering") == ["off"]


def test_a_proxy_shows_no_metrics() -> None:
    assert "respond @metrics 404" in CADDYFILE
    assert re.search(r"location = /metrics \{\s+return 404;", NGINX)


def test_no_client_says_for_nginx_where_it_comes_from() -> None:
    headers = directive("proxy_set_header")

    assert "X-Forwarded-For $remote_addr" in headers
    assert "X-Forwarded-Proto $scheme" in headers


def test_kubernetes_restarts_what_hangs_and_sends_nothing_to_what_is_not_ready() -> None:
    assert CONTAINER["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert CONTAINER["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert CONTAINER["startupProbe"]["httpGet"]["path"] == "/healthz"


def test_kubernetes_runs_it_without_privileges_and_within_limits() -> None:
    pod, container = POD["securityContext"], CONTAINER["securityContext"]

    assert pod["runAsNonRoot"] is True
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["automountServiceAccountToken"] is False
    assert container["allowPrivilegeEscalation"] is False
    assert container["readOnlyRootFilesystem"] is True
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert "memory" in CONTAINER["resources"]["limits"]


def test_kubernetes_gives_settings_that_there_are_and_secrets_by_reference() -> None:
    known = {f"IDENTITY_{name.upper()}" for name in Settings.model_fields}
    variables = {entry["name"]: entry for entry in CONTAINER["env"]}

    assert variables.keys() <= known
    for name in ("IDENTITY_NEO4J_PASSWORD", "IDENTITY_ADMIN_KEY"):
        assert "secretKeyRef" in variables[name]["valueFrom"]


def test_kubernetes_routes_to_the_pods() -> None:
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]

    assert SERVICE["spec"]["selector"].items() <= labels.items()
    assert SERVICE["spec"]["ports"][0]["targetPort"] == CONTAINER["ports"][0]["name"]
