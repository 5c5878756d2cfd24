"""The query and administration API: what its parameters may be, and that its description says what it does."""

import orjson
import pytest

from tests.gateway.conftest import BANK, TRUST, Site, message
from xinqiao_gateway.operators import Operators


def refusal(site: Site, path: str, method: str = "GET", token: str | None = None) -> tuple[int, str]:
    token = token or (site.data / "admin.token").read_text()
    response = site.http.request(method, path, headers={"Authorization": f"Bearer {token}"})
    return response.status_code, orjson.loads(response.content)["rejection"]["reason"]


@pytest.mark.parametrize("shown", ["A/B:C/1", "A%2FB:C%2F1"])
def test_a_case_whose_id_has_slashes_is_found(site: Site, shown: str) -> None:
    site.send("partner", message("kycApplication", "A/B:C/1"))
    assert site.admin(f"/v1/cases/{shown}")["case_id"] == "A/B:C/1"


def test_a_case_is_asked_for_by_one_of_its_institutions(site: Site) -> None:
    site.send("partner", message("kycApplication"))
    for code in (BANK, TRUST):
        assert site.admin(f"/v1/cases/CASE-1?institution={code}")["state"] == "kyc_pending"


@pytest.mark.parametrize("delivery_id", ["0", "-1", "9223372036854775808", "x"])
def test_a_delivery_id_that_is_none_is_refused(site: Site, delivery_id: str) -> None:
    token = Operators.load(site.data).add("anna")
    assert refusal(site, f"/v1/deliveries/{delivery_id}/replay", "POST", token) == (400, "malformed_query")


def test_the_largest_delivery_id_is_not_found(site: Site) -> None:
    token = Operators.load(site.data).add("anna")
    assert refusal(site, f"/v1/deliveries/{2**63 - 1}/replay", "POST", token) == (404, "not_found")


def test_a_method_that_a_path_does_not_have_is_not_found(site: Site) -> None:
    assert refusal(site, "/v1/cases", "DELETE") == (404, "not_found")
    assert refusal(site, "/v1/health", "POST") == (404, "not_found")


def test_openapi_says_how_queries_are_refused_and_nothing_of_422(site: Site) -> None:
    paths = orjson.loads(site.http.get("/openapi.json").content)["paths"]
    for path in (
        "/v1/cases",
        "/v1/cases/{case_id}",
        "/v1/messages/{message_id}",
        "/v1/deliveries",
        "/v1/exceptions",
        "/v1/channels",
    ):
        responses = paths[path]["get"]["responses"]
        assert set(responses) == {"200", "4XX"}, path
        assert "405" in responses["4XX"]["description"]
    assert set(paths["/v1/health"]["get"]["responses"]) == {"200"}
    assert set(paths["/v1/ready"]["get"]["responses"]) == {"200", "503"}
    (limit,) = (
        each for each in paths["/v1/channels/{channel}/messages"]["get"]["parameters"] if each["name"] == "limit"
    )
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 500}
