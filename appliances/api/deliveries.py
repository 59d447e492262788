"""Deliveries: what publishing a release does outside, and trying that again."""

from __future__ import annotations

from datetime import datetime

from django.http import Http404, HttpRequest
from ninja import Router
from pydantic import Field

from appliances.dashboard.deliveries import of_release
from appliances.models import Scope
from appliances.permissions import can_maintain
from builds import deliveries
from builds.models import Delivery
from builds.states import DeliveryState, Wish

from .access import Bearer
from .releases import ONE
from .shapes import Output

router = Router(tags=["Deliveries"])
PUBLISH = Bearer(Scope.PUBLISH)


class DeliveryShape(Output):
    number: int
    format: str = Field(examples=["ami"])
    reference: str = Field(examples=["ami-0123456789abcdef0"])
    region: str
    wanted: Wish = Field(description="What should be true of the image outside.")
    channels: list[str] = Field(description="Whose names point to it.")
    state: DeliveryState
    attempts: int
    due_at: datetime
    finished_at: datetime | None
    error: str
    hint: str

    @classmethod
    def of(cls, row: Delivery) -> DeliveryShape:
        copied = ("wanted", "channels", "state", "attempts", "due_at", "finished_at", "error", "hint")
        return cls(
            number=row.pk,
            format=row.artifact.format,
            reference=row.artifact.reference,
            region=row.artifact.region,
            **{name: getattr(row, name) for name in copied},
        )


@router.get(f"{ONE}/deliveries", response=list[DeliveryShape])
def list_deliveries(request: HttpRequest, team: str, appliance: str, version: str) -> list[DeliveryShape]:
    """Of what is published now, and of former revisions what is not as it should be."""
    return [DeliveryShape.of(each) for each in of_release(request.auth.release(team, appliance, version))]


@router.post(f"{ONE}/deliveries/{{int:number}}/retry", auth=PUBLISH, response=DeliveryShape)
def retry_delivery(request: HttpRequest, team: str, appliance: str, version: str, number: int) -> DeliveryShape:
    """Try now what has failed, or waits for its next attempt. Maintainers only."""
    release = request.auth.release(team, appliance, version, can_maintain)
    rows = Delivery.objects.select_related("artifact")
    found = rows.filter(pk=number, artifact__build__revision__release=release).first()
    if found is None:
        raise Http404
    deliveries.retry(found, by=request.auth.user)
    found.refresh_from_db()
    return DeliveryShape.of(found)
