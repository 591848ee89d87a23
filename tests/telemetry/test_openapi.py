"""The collector does what its OpenAPI description says, for whatever the description allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import Route

from linewise_telemetry.collector.app import build
from linewise_telemetry.collector.endpoints import read_interface
from tests.telemetry.hostile import PROJECT, attacked_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.telemetry.site import Site

UNDESCRIBED = {"/metrics", "/openapi.json"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
OPERATIONS = [(path, method) for path, item in read_interface()["paths"].items() for method in item]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with attacked_site(tmp_path_factory.mktemp("openapi")) as made:
        yield made


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.parametrize("known", [True, False])
def test_answers_are_as_described(site: Site, path: str, method: str, known: bool) -> None:
    operation = schemathesis.openapi.from_asgi("/openapi.json", site.app)[path][method]

    @given(operation.as_strategy())
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        if known and "Linewise-Project" in (case.headers or {}):
            case.headers["Linewise-Project"] = PROJECT
        case.call_and_validate(checks=CHECKS)

    check()


def test_every_client_endpoint_is_described(site: Site) -> None:
    paths = {route.path for route in build(site.collector).routes if isinstance(route, Route)}
    assert paths - UNDESCRIBED == set(read_interface()["paths"])
