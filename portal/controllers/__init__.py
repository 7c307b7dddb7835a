"""Pages of the front doors."""

from litestar import Router

from portal.controllers import calendar
from portal.controllers.desk import desk_page
from portal.controllers.home import home_page, search_page
from portal.controllers.pages import PAGES, demo_page, report_error, report_page, rules_grading, rules_selection

router = Router(
    path="/",
    route_handlers=[
        home_page,
        search_page,
        desk_page,
        rules_grading,
        rules_selection,
        demo_page,
        report_page,
        report_error,
        *PAGES,
        *calendar.HANDLERS,
    ],
)
