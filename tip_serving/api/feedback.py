"""POST /feedback: how a person took a tip. It leaves as an event, the same way as the decision that it refers to."""

import datetime as dt

import msgspec
from fastapi import APIRouter, Request, Response

from tip_serving.api.schemas import operation
from tip_serving.api.services import Services
from tip_serving.events.feedback import Feedback
from tip_serving.scoring.answers import FeedbackAnswer
from tip_serving.scoring.request import FeedbackRequest, read


def router(retention: dt.timedelta) -> APIRouter:
    """The route.

    Args:
        retention: how long a report about a person is kept.
    """
    routes = APIRouter()

    @routes.post("/feedback", openapi_extra=operation(FeedbackRequest, FeedbackAnswer, (422,)), response_class=Response)
    async def feedback(request: Request) -> Response:
        """Take down that a person was shown a tip, accepted, dismissed, did, snoozed or rated it."""
        told = read(FeedbackRequest, await request.body())
        services: Services = request.app.state.services
        at = services.clock.of_report(told)
        event = Feedback(
            event_id=told.event_id
            or services.clock.event_id(told.decision_id, told.tip_id, told.reaction, at.isoformat()),
            at=at,
            user=told.user,
            retain_until=at + retention,
            decision_id=told.decision_id,
            tip_id=told.tip_id,
            reaction=told.reaction,
            rating=told.rating,
        )
        services.log.append(event)
        answer = FeedbackAnswer(event_id=event.event_id)
        return Response(msgspec.json.encode(answer), media_type="application/json")

    return routes
