import pytest
from tests.factories.contracts import *
pytestmark = pytest.mark.anyio
async def test_it(db: None) -> None:
    made = await make_review()
    r = await mark(made)
    print(r)
