/* Recomputes a draw in the visitor's own browser, from the published file alone (format xinshi-draw-1). */
"use strict";

(() => {
  const encoder = new TextEncoder();
  const hex = (bytes) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const fromHex = (text) => Uint8Array.from(text.match(/../g).map((pair) => parseInt(pair, 16)));

  async function recompute(draw) {
    const list = [...draw.candidates].sort();
    const listDigest = hex(await sha256(encoder.encode(list.join("\n"))));
    const commitment = hex(await sha256(fromHex(draw.secret)));
    const key = ["xinshi-draw-1", draw.notice, draw.secret, draw.envelopes_sha256, listDigest].join("|");
    const order = [];
    for (let i = 0; list.length; i += 1) {
      const mark = Uint8Array.of(i >> 8, i & 255);
      const digest = await sha256(Uint8Array.of(...mark, ...encoder.encode(key), ...mark));
      const place = Number(BigInt("0x" + hex(digest)) % BigInt(list.length));
      order.push(list.splice(place, 1)[0]);
    }
    return { commitment, listDigest, key, order };
  }

  function agrees(draw, own) {
    return own.commitment === draw.commitment
      && own.listDigest === draw.candidates_sha256
      && own.key === draw.key
      && own.order.join() === draw.picks.map((pick) => pick.candidate).join();
  }

  for (const box of document.querySelectorAll("[data-draw]")) {
    const out = box.querySelector("[data-draw-out]");
    box.querySelector("[data-draw-run]").addEventListener("click", async () => {
      const draw = await (await fetch(box.dataset.draw)).json();
      const same = agrees(draw, await recompute(draw));
      out.textContent = same ? out.dataset.same : out.dataset.differs;
      out.className = same ? "x-small x-ok" : "x-small x-bad";
    });
  }
})();
