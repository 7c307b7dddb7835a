import time, pytest
from core import trail, db
from core.trail import sequencer
from core.db import transaction
from tests.factories.trail import CLIENT, tamper
pytestmark = pytest.mark.anyio
async def test_b(log, folder):
    async with transaction():
        await trail.record(CLIENT,"notice.published","notice:1")
    for i in range(40):
        await tamper(log,"insert into core_trail_entry (recorded_at, act, subject, threads, role, payload) select recorded_at, act, subject, threads, role, payload from core_trail_entry, generate_series(1,4000) where id=(select min(id) from core_trail_entry)")
    await tamper(log,"analyze core_trail_entry")
    t=time.perf_counter(); await trail.publish(); print("publish",time.perf_counter()-t)
    await tamper(log,"analyze core_trail_leaf")
    b=await db.value(sequencer._FROM)
    for r in await db.rows("explain analyze "+sequencer._FINAL.replace("$2","4096").replace("$1::text",f"'{b}'")): print(r[0])
    for i in range(8):
      t=time.perf_counter(); await trail.publish(); print("idle publish",time.perf_counter()-t)
    async with transaction():
        await trail.record(CLIENT,"notice.published","notice:1")
    t=time.perf_counter(); await trail.publish(); print("1 publish",time.perf_counter()-t)
