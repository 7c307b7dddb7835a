"""Who am I, and the working calendar, for programs."""

from datetime import date
from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromQuery

from core import clock, workdays
from core.identity import PERMISSIONS
from core.web import identity_of, public, signed_in

AnyRequest = Request[Any, Any, Any]
MOST_DAYS = 400


@get("/me", guards=[signed_in])
async def me(request: AnyRequest) -> dict[str, Any]:
    """For whom and in which role this token speaks, and what it may do."""
    identity = await identity_of(request)
    return {
        "account": identity.account_id,
        "organization": {"id": identity.organization_id, "name": identity.organization_name},
        "role": identity.role.value,
        "permissions": sorted(permission.value for permission in PERMISSIONS[identity.role]),
    }


@get("/workdays", opt=public)
async def workday(start: FromQuery[date | None] = None, days: FromQuery[int] = 0) -> Response[Any]:
    """The working day `days` after `start` (today by default); provisional where no notice covers the year."""
    calendar = await workdays.calendar()
    day = start or clock.today()
    end = calendar.add(day, max(0, min(days, MOST_DAYS)))
    return Response(
        {
            "start": day.isoformat(),
            "days": days,
            "end": end.isoformat(),
            "is_workday": calendar.is_workday(end),
            "provisional": calendar.is_provisional(end),
        }
    )


api_router = Router(path="/", route_handlers=[me, workday], tags=["core"])
