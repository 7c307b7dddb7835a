/* Recomputes a draw in the visitor's own browser, from the published file alone (docs/draw-format.md, both formats). */
"use strict";

(() => {
  const encoder = new TextEncoder();
  const hex = (bytes) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const fromHex = (text) => Uint8Array.from(text.match(/../g).map((pair) => parseInt(pair, 16)));
  const ofLines = async (lines) => hex(await sha256(encoder.encode(lines.join("\n"))));

  async function pick(key, round, lots) {
    const mark = Uint8Array.of(round >> 8, round & 255);
    const digest = hex(await sha256(Uint8Array.of(...mark, ...encoder.encode(key), ...mark)));
    const left = lots.reduce((sum, [, count]) => sum + count, 0);
    const index = Number(BigInt("0x" + digest) % BigInt(left));
    let rest = index;
    const place = lots.findIndex(([, count]) => {
      if (rest < count) return true;
      rest -= count;
      return false;
    });
    return { digest, left, index, candidate: lots.splice(place, 1)[0][0] };
  }

  async function recompute(draw) {
    const own = {
      commitment: hex(await sha256(fromHex(draw.secret))),
      candidates: [...draw.candidates].sort(),
    };
    own.candidates_sha256 = await ofLines(own.candidates);
    const parts = [draw.format, draw.notice, draw.secret, draw.envelopes_sha256];
    let lots = own.candidates.map((code) => [code, 1]);
    if (draw.format === "xinshi-draw-2") {
      lots = draw.candidates.map((code, i) => [code, draw.lots[i]]);
      own.envelopes_sha256 = await ofLines(draw.envelopes.map((each) => each.digest));
      own.contributions_sha256 = await ofLines(draw.envelopes.map((each) => each.digest + ":" + each.contribution));
      own.lots_sha256 = await ofLines(lots.map(([code, count]) => code + ":" + count));
      own.outside_sha256 = draw.outside.source ? await ofLines([draw.outside.source, draw.outside.value]) : "";
      parts.push(own.contributions_sha256, own.candidates_sha256, own.lots_sha256, String(draw.checkpoint.size),
        draw.checkpoint.root, own.outside_sha256, draw.factors.join(","));
    } else {
      parts.push(own.candidates_sha256);
    }
    own.key = parts.join("|");
    if (draw.format === "xinshi-draw-2") {
      own.factor = draw.factors.length ? await pick(own.key + "|factor", 0, draw.factors.map((each) => [each, 1])) : null;
    }
    own.picks = [];
    lots = lots.filter(([, count]) => count > 0);
    for (let round = 0; lots.length; round += 1) own.picks.push(await pick(own.key, round, lots));
    return own;
  }

  /* Objects come back from the server in any order of fields: compare them sorted. */
  const plain = (value) => JSON.stringify(value, (_name, found) => (
    found && typeof found === "object" && !Array.isArray(found)
      ? Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)))
      : found));

  /* The file has exactly the fields of its format: nothing that this page would pass over. */
  const FIELDS = {
    "xinshi-draw-1": "format hash notice secret commitment envelopes_sha256 candidates candidates_sha256 key picks",
    "xinshi-draw-2": "format hash notice secret commitment envelopes envelopes_sha256 contributions_sha256 candidates"
      + " candidates_sha256 lots lots_sha256 checkpoint outside outside_sha256 factors key factor picks",
  };

  async function agrees(draw) {
    const fields = (FIELDS[draw.format] || "").split(" ").sort().join(" ");
    if (draw.hash !== "sha256" || Object.keys(draw).sort().join(" ") !== fields) return false;
    if (draw.outside && !draw.outside.source && draw.outside.value) return false;
    const own = await recompute(draw);
    return Object.keys(own).every((name) => plain(own[name]) === plain(draw[name]));
  }

  for (const box of document.querySelectorAll("[data-draw]")) {
    const out = box.querySelector("[data-draw-out]");
    const say = (words, good) => {
      out.textContent = words;
      out.className = good ? "x-small x-ok" : "x-small x-bad";
    };
    box.querySelector("[data-draw-run]").addEventListener("click", async () => {
      let draw;
      out.textContent = "";
      try {
        draw = await (await fetch(box.dataset.draw)).json();
      } catch (unread) {
        say(out.dataset.unread, false);
        return;
      }
      const same = await agrees(draw).catch(() => false);
      say(same ? out.dataset.same : out.dataset.differs, same);
    });
  }
})();
