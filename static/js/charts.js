/* Xinshi 信市: charts. No inline script, no eval, no style attribute; words come with the data (`words`), in the reader's language.
   A chart is:  <div class="x-chart" data-chart="mix"><div class="x-chart-box" role="img" aria-label="…"></div>
                <script type="application/json">{…}</script></div>
   Colours come from the tokens in css/tokens.css. Grades carry a pattern as well as a colour. */
(function () {
  "use strict";
  var root = document.documentElement;
  var still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  function token(name) { return getComputedStyle(root).getPropertyValue("--x-" + name).trim(); }
  function tokens() {
    var t = { font: getComputedStyle(document.body).fontFamily };
    ["ink", "ink-2", "ink-3", "line", "edge", "surface", "sunken", "act", "act-weak", "dai", "warn-line", "bad",
      "a", "b", "c", "d", "n", "a-weak", "b-weak", "c-weak", "d-weak", "a-text", "b-text", "c-text", "d-text", "on-a", "on-b", "on-c", "on-d", "c-rim"
    ].forEach(function (k) { t[k] = token(k); });
    return t;
  }
  function base(t, narrow) {
    return {
      animation: !still, animationDuration: 300,
      textStyle: { fontFamily: t.font, fontSize: 13, color: t["ink-2"] },
      tooltip: { renderMode: "richText", confine: true, backgroundColor: t.surface, borderColor: t.edge, borderWidth: 1, padding: [8, 12],
        textStyle: { color: t.ink, fontFamily: t.font, fontSize: 13 }, extraCssText: "" },
      grid: { left: 8, right: narrow ? 8 : 16, top: 16, bottom: 8, containLabel: true }
    };
  }
  function axis(t, extra) {
    return Object.assign({ axisLine: { lineStyle: { color: t.edge } }, axisTick: { show: false }, axisLabel: { color: t["ink-2"], fontSize: 13, hideOverlap: true },
      splitLine: { lineStyle: { color: t.line } } }, extra || {});
  }
  // dates under a line that begins and ends at the edges: the first and the last stand inside them
  function dates(t, names, more) {
    return axis(t, { type: "category", data: names, boundaryGap: names.length < 2, splitLine: { show: false },
      axisLabel: Object.assign({ color: t["ink-2"], fontSize: 13, hideOverlap: true, alignMinLabel: "left", alignMaxLabel: "right" }, more || {}) });
  }
  var DECAL = { // pattern per grade, so that the chart reads without colour
    A: null,
    B: { symbol: "rect", symbolSize: 1, dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -Math.PI / 4, color: "rgba(255,255,255,.24)" },
    C: { symbol: "circle", symbolSize: .55, dashArrayX: [[6, 6], [0, 6, 6, 0]], dashArrayY: [6, 0], color: "rgba(60,35,0,.5)" },
    D: { symbol: "rect", symbolSize: 1, dashArrayX: [1, 0], dashArrayY: [2, 4], color: "rgba(255,255,255,.5)" },
    N: { symbol: "rect", symbolSize: 1, dashArrayX: [1, 0], dashArrayY: [1, 4], rotation: Math.PI / 4, color: "rgba(93,108,113,.75)" }
  };

  var draw = {
    /* grade mix by month, counts in the bars */
    mix: function (d, t, narrow) {
      var w = d.words, names = { A: "A " + w.A, B: "B " + w.B, C: "C " + w.C, D: "D " + w.D, N: "N " + w.N };
      var last = d.months.length - 1, few = last < 3;
      return Object.assign(base(t, narrow), {
        grid: { left: 8, right: narrow ? 8 : 84, top: 12, bottom: 8, containLabel: true },
        tooltip: Object.assign(base(t).tooltip, { trigger: "axis", axisPointer: { type: "shadow" } }),
        xAxis: axis(t, { type: "category", data: d.months, splitLine: { show: false }, axisLabel: { color: t["ink-2"], fontSize: 13, interval: narrow && !few ? 1 : 0 } }),
        yAxis: axis(t, { type: "value", minInterval: 5, axisLine: { show: false } }),
        series: ["A", "B", "C", "D", "N"].map(function (g) {
          return { name: names[g], type: "bar", stack: "g", barWidth: few ? 72 : "66%", data: d[g],
            itemStyle: { color: g === "N" ? t.sunken : t[g.toLowerCase()], borderColor: g === "N" ? t.n : t.surface, borderWidth: 1, decal: DECAL[g] || undefined },
            label: { show: !narrow, position: "inside", formatter: function (p) { return p.value >= 2 ? p.value : ""; }, fontSize: 12, fontWeight: 600,
              color: g === "N" ? t["ink-2"] : t["on-" + g.toLowerCase()], textBorderWidth: 3, textBorderColor: g === "N" ? t.sunken : t[g.toLowerCase()] },
            emphasis: { disabled: true },
            endLabel: { show: false },
            markPoint: narrow ? undefined : { symbol: "rect", symbolSize: 1, silent: true, itemStyle: { color: "transparent" },
              data: [{ coord: [last, ["A", "B", "C", "D", "N"].slice(0, ["A", "B", "C", "D", "N"].indexOf(g)).reduce(function (s, k) { return s + d[k][last]; }, 0) + d[g][last] / 2],
                label: { show: true, position: "right", offset: [few ? 40 : 22, 0], formatter: names[g], color: t["ink-2"], fontSize: 13, align: "left" } }] } };
        })
      });
    },
    /* score of one agency over time, ribbon = 80 % interval, background = bands */
    history: function (d, t, narrow) {
      // whoever stands below 50 is on the picture too
      var b = d.bands, hi = 100, least = d.lo.reduce(function (m, v) { return v == null ? m : Math.min(m, v); }, b[2] - 10);
      var lo = Math.max(0, Math.min(50, Math.floor(least / 10) * 10));
      var areas = [["A", b[0], hi], ["B", b[1], b[0]], ["C", b[2], b[1]], ["D", lo, b[2]]].map(function (x) {
        var k = x[0].toLowerCase();
        return [{ yAxis: x[1], itemStyle: { color: t[k + "-weak"] }, label: { show: true, position: "insideLeft", formatter: x[0], color: t[k + "-text"], fontWeight: 700, fontSize: 14 } }, { yAxis: x[2] }];
      });
      return Object.assign(base(t, narrow), {
        grid: { left: 8, right: narrow ? 8 : 56, top: 12, bottom: 8, containLabel: true },
        tooltip: Object.assign(base(t).tooltip, { trigger: "axis", formatter: function (ps) {
          var i = ps[0].dataIndex; return d.q[i] == null ? d.months[i] + "\n" + d.words.N : d.months[i] + "\n" + d.words.score + " " + d.q[i].toFixed(2) + "\n" + d.words.range + " " + d.lo[i].toFixed(1) + "–" + d.hi[i].toFixed(1); } }),
        xAxis: dates(t, d.months, { interval: narrow ? 5 : 2 }),
        yAxis: axis(t, { type: "value", min: lo, max: hi, interval: 10, axisLine: { show: false }, splitLine: { show: false } }),
        series: [
          { type: "line", data: d.lo, stack: "ci", symbol: "none", lineStyle: { opacity: 0 }, silent: true, markArea: { silent: true, data: areas } },
          { type: "line", data: d.hi.map(function (v, i) { return v == null ? null : +(v - d.lo[i]).toFixed(2); }), stack: "ci", symbol: "none", lineStyle: { opacity: 0 }, areaStyle: { color: t.ink, opacity: .14 }, silent: true },
          { type: "line", data: d.q, symbol: "circle", symbolSize: 6, lineStyle: { color: t.ink, width: 2.5 }, itemStyle: { color: t.ink },
            endLabel: { show: !narrow, formatter: function (p) { return p.value.toFixed(2); }, color: t.ink, fontWeight: 700, fontSize: 14, distance: 6 },
            markPoint: { symbol: "circle", symbolSize: 11, itemStyle: { color: t.surface, borderColor: t.ink, borderWidth: 2.5 }, data: d.events.map(function (e) {
              return { coord: [e.i, d.q[e.i]], label: { show: true, position: e.below ? "bottom" : "bottom", distance: 26, formatter: e.t, color: t.ink, fontSize: 12, backgroundColor: t.surface, padding: [3, 6], borderRadius: 3, borderColor: t.line, borderWidth: 1 } }; }) } }
        ]
      });
    },
    /* values by name with the line of a limit; what lies beyond it has a pattern and another colour */
    bars: function (d, t, narrow) {
      return Object.assign(base(t, narrow), {
        grid: { left: 4, right: 56, top: 20, bottom: 4, containLabel: true },
        xAxis: axis(t, { type: "value", max: d.max, splitNumber: narrow ? 2 : 5, axisLine: { show: false }, axisLabel: { color: t["ink-2"], fontSize: 12, hideOverlap: true } }),
        yAxis: axis(t, { type: "category", data: d.names, inverse: true, splitLine: { show: false },
          axisLabel: { color: t.ink, fontSize: 12, interval: 0, width: narrow ? 120 : 190, overflow: "truncate", ellipsis: "…" } }),
        series: [{ type: "bar", barMaxWidth: 18, data: d.values.map(function (v) {
          return { value: v, itemStyle: v > d.limit ? { color: t["warn-line"], decal: DECAL.B } : { color: t.act } }; }),
          label: { show: true, position: "right", color: t["ink-2"], fontSize: 12, textBorderWidth: 4, textBorderColor: t.surface, formatter: function (p) { return p.value + d.unit; } }, z: 5,
          markLine: { silent: true, symbol: "none", z: 3, data: [{ xAxis: d.limit, lineStyle: { color: t.ink, type: "dashed" }, label: { position: "start", formatter: d.limit + d.unit, color: t.ink, fontSize: 12 } }] } }]
      });
    },
    /* a price index by quarter, 100 in the base */
    index: function (d, t, narrow) {
      return Object.assign(base(t, narrow), {
        grid: { left: 8, right: narrow ? 12 : 48, top: 20, bottom: 8, containLabel: true },
        tooltip: Object.assign(base(t).tooltip, { trigger: "axis" }),
        xAxis: axis(t, { type: "category", data: d.quarters, splitLine: { show: false } }),
        yAxis: axis(t, { type: "value", scale: true, axisLine: { show: false } }),
        series: [{ type: "line", data: d.overall, connectNulls: true, symbol: "circle", symbolSize: 7, lineStyle: { color: t.act, width: 2.5 }, itemStyle: { color: t.act },
          label: { show: !narrow, position: "top", color: t.ink, fontSize: 12 },
          markLine: { silent: true, symbol: "none", data: [{ yAxis: 100, lineStyle: { color: t.ink, type: "dashed" }, label: { position: "end", formatter: "100", color: t.ink, fontSize: 12 } }] } }]
      });
    },
    /* counts in steps of a scale; the own step is dark and has a pattern */
    hist: function (d, t, narrow) {
      return Object.assign(base(t, narrow), {
        grid: { left: 8, right: 8, top: 40, bottom: 8, containLabel: true },
        xAxis: axis(t, { type: "category", data: d.labels, splitLine: { show: false } }),
        yAxis: axis(t, { type: "value", minInterval: 1, axisLine: { show: false } }),
        series: [{ type: "bar", barWidth: "78%", data: d.counts.map(function (v, i) {
          return { value: v, itemStyle: i === d.own ? { color: t.dai, decal: DECAL.B } : { color: t["act-weak"], borderColor: t.act, borderWidth: 1 } }; }),
          label: { show: true, position: "top", color: t["ink-2"], fontSize: 12, formatter: function (p) { return p.dataIndex === d.own ? d.mine : p.value || ""; } } }]
      });
    },
    /* several lines over time with limits; lo and hi give a ribbon around the first */
    lines: function (d, t, narrow) {
      var ink = [t.act, t.ink, t["warn-line"], t["ink-3"]], dash = ["solid", "dashed", "dotted", [8, 3, 2, 3]], mark = ["circle", "diamond", "rect", "triangle"];
      var ribbon = d.lo ? [
        { type: "line", data: d.lo, stack: "ci", symbol: "none", lineStyle: { opacity: 0 }, silent: true, tooltip: { show: false } },
        { type: "line", data: d.hi.map(function (v, i) { return v == null ? null : +(v - d.lo[i]).toFixed(3); }), stack: "ci", symbol: "none", lineStyle: { opacity: 0 }, areaStyle: { color: t.ink, opacity: .12 }, silent: true, tooltip: { show: false } }] : [];
      return Object.assign(base(t, narrow), {
        grid: { left: 8, right: narrow ? 12 : 144, top: 16, bottom: narrow && d.series.length > 1 ? 24 + 26 * Math.ceil(d.series.length / 2) : 8, containLabel: true },
        legend: { show: narrow && d.series.length > 1, bottom: 0, textStyle: { color: t["ink-2"], fontSize: 12 }, data: d.series.map(function (s) { return s.name; }) },
        tooltip: Object.assign(base(t).tooltip, { trigger: "axis", formatter: function (ps) {
          var i = ps[0].dataIndex; return [d.x[i]].concat(d.series.map(function (s) { return s.name + " " + (s.values[i] == null ? "—" : s.values[i] + d.unit); })).join("\n"); } }),
        xAxis: dates(t, d.x),
        yAxis: axis(t, { type: "value", min: d.min, max: d.max, scale: d.min === undefined, axisLine: { show: false }, axisLabel: { color: t["ink-2"], fontSize: 13, formatter: "{value}" + d.unit } }),
        series: ribbon.concat(d.series.map(function (s, n) {
          return { name: s.name, type: "line", data: s.values, connectNulls: false, symbol: mark[n % 4], symbolSize: 6, color: ink[n % 4], lineStyle: { color: ink[n % 4], width: 2.25, type: dash[n % 4] }, itemStyle: { color: ink[n % 4] },
            endLabel: { show: !narrow, formatter: s.name, color: ink[n % 4], fontSize: 13, distance: 6 }, labelLayout: { moveOverlap: "shiftY" },
            markLine: n ? undefined : { silent: true, symbol: "none", data: d.limits.map(function (v, k) { return { yAxis: v, lineStyle: { color: t.ink, type: "dashed", width: 1 }, label: { show: true, position: k % 2 ? "insideEndTop" : "insideStartTop", formatter: v + d.unit, color: t["ink-2"], fontSize: 12 } }; }) } };
        }))
      });
    },
    /* one dot a name with its interval, and limits as lines; a Chinese place has its own name at the end */
    dots: function (d, t, narrow) {
      return Object.assign(base(t, narrow), {
        grid: { left: 4, right: 24, top: 24, bottom: 4, containLabel: true },
        tooltip: Object.assign(base(t).tooltip, { trigger: "item", formatter: function (p) { var i = p.dataIndex;
          return d.names[i] + "\n" + d.values[i] + d.unit + (d.lo[i] == null ? "" : "\n" + d.words.range + " " + d.lo[i] + "–" + d.hi[i] + d.unit); } }),
        xAxis: axis(t, { type: "value", min: d.min, max: d.max, scale: true, axisLine: { show: false }, axisLabel: { color: t["ink-2"], fontSize: 12, hideOverlap: true, formatter: "{value}" + d.unit } }),
        yAxis: axis(t, { type: "category", data: d.names, inverse: true, splitLine: { show: true, lineStyle: { color: t.line } }, axisLine: { show: false },
          axisLabel: { color: t.ink, fontSize: 12, interval: 0, width: narrow ? 116 : 190, overflow: "truncate", ellipsis: "…",
            formatter: function (v) { return narrow && v.length > 10 && /^[\u4e00-\u9fff]/.test(v) ? "…" + v.slice(-8) : v; } } }),
        series: [
          { type: "custom", silent: true, tooltip: { show: false }, data: d.values.map(function (v, i) { return [d.lo[i] == null ? v : d.lo[i], d.hi[i] == null ? v : d.hi[i], i]; }), encode: { x: [0, 1], y: 2 }, renderItem: function (p, api) {
            var a = api.coord([api.value(0), api.value(2)]), b = api.coord([api.value(1), api.value(2)]); return { type: "line", shape: { x1: a[0], y1: a[1], x2: b[0], y2: b[1] }, style: { stroke: t.edge, lineWidth: 3 } }; } },
          { type: "scatter", symbolSize: 11, data: d.values.map(function (v, i) { return [v, i]; }), itemStyle: { color: t.act, borderColor: t.surface, borderWidth: 1.5 },
            markLine: { silent: true, symbol: "none", data: d.limits.map(function (v) { return { xAxis: v, lineStyle: { color: t.ink, type: v === 0 ? "solid" : "dashed", width: 1 }, label: { show: true, position: "start", formatter: v + d.unit, color: t["ink-2"], fontSize: 12 } }; }) } }
        ]
      });
    }
  };

  function mount(el) {
    if (el.dataset.drawn) return;
    el.dataset.drawn = "1";
    var box = el.querySelector(".x-chart-box"), src = el.querySelector('script[type="application/json"]'), make = draw[el.dataset.chart];
    if (!box || !src || !make || !window.echarts) return;
    var data = JSON.parse(src.textContent), chart = echarts.init(box, null, { renderer: "canvas" });
    function paint() { chart.setOption(make(data, tokens(), box.clientWidth < 420), true); }
    paint();
    new ResizeObserver(function () { chart.resize(); paint(); }).observe(box);
  }

  document.addEventListener("DOMContentLoaded", function () { document.querySelectorAll("[data-chart]").forEach(mount); });
  document.addEventListener("htmx:load", function (e) { e.detail.elt.querySelectorAll && e.detail.elt.querySelectorAll("[data-chart]").forEach(mount); });
})();
