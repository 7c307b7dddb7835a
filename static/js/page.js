/* Small page behaviours. Everything reads and posts without them. */
(function () {
  "use strict";
  var root = document.documentElement;

  function two(n) { return (n < 10 ? "0" : "") + n; }

  /* time left, in the words the page brought along: day|hour|minute|second|over */
  function left(seconds, units) {
    var u = units.split("|"), d = Math.floor(seconds / 86400), h = Math.floor(seconds / 3600) % 24, m = Math.floor(seconds / 60) % 60;
    if (!seconds) return u[4];
    return (d ? d + " " + u[0] + " " : "") + two(h) + " " + u[1] + " " + two(m) + " " + u[2] + (d ? "" : " " + two(seconds % 60) + " " + u[3]);
  }

  /* the page carries the server's time; the browser only counts on from it */
  function clocks() {
    var el = document.querySelector("[data-clock]");
    if (!el) return;
    var t0 = Date.parse(el.dateTime), p0 = performance.now();
    function tick() {
      var now = t0 + performance.now() - p0, d = new Date(now + 8 * 36e5).toISOString();
      el.textContent = d.slice(0, 10) + " " + d.slice(11, 19);
      document.querySelectorAll("[data-countdown]").forEach(function (c) {
        c.textContent = left(Math.max(0, Math.floor((Date.parse(c.dataset.countdown) - now) / 1000)), c.dataset.units);
      });
    }
    tick();
    setInterval(tick, 1000);
  }

  /* the words of a label that show, without "(optional)" */
  function words(label) {
    return [].filter.call(label.childNodes, function (n) { return n.nodeType === 3 || (n.getClientRects().length && !n.matches(".x-opt")); })
      .map(function (n) { return n.textContent; }).join("").trim();
  }

  /* a refused form: the summary takes the focus; its lines name their field, for which the server's sentence may be too short */
  function errors() {
    var box = document.querySelector("[data-focus]");
    if (!box) return;
    box.querySelectorAll('a[href^="#f-"]').forEach(function (a) {
      var id = decodeURIComponent(a.hash.slice(1)), field = document.getElementById(id);
      var label = document.querySelector('label[for="' + CSS.escape(id) + '"]') || (field && field.querySelector("legend"));
      var name = label && words(label);
      if (name && name.length < 30 && a.textContent.indexOf(name) < 0) a.prepend(name + (root.lang === "en" ? ": " : "："));
    });
    box.focus();
  }

  /* one press, one post: the server answers a repeated one with the same receipt, this only spares the wait */
  function once(e) {
    var form = e.target;
    if (form.method !== "post" || e.defaultPrevented) return;
    if (form.dataset.sent) { e.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(function () { delete form.dataset.sent; }, 5000);
  }

  /* filters stand open on a wide screen */
  function folds() {
    if (matchMedia("(min-width: 992px)").matches) document.querySelectorAll("details.x-fold").forEach(function (d) { d.open = true; });
  }

  /* menus of the header close by a press elsewhere and by Escape, which gives the focus back */
  function menus(e) {
    if (e.type === "keydown" && e.key !== "Escape") return;
    document.querySelectorAll("details.x-menu[open]").forEach(function (menu) {
      if (e.type === "click" && menu.contains(e.target)) return;
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    });
  }

  /* "更多" rows of a repeated group: a hidden template row is copied, numbers follow */
  function grow(e) {
    var button = e.target.closest("[data-add-row]");
    if (!button) return;
    var list = document.getElementById(button.dataset.addRow), model = list && list.querySelector("template");
    if (!model) return;
    var n = list.querySelectorAll("[data-row]").length, holder = document.createElement("div");
    holder.innerHTML = model.innerHTML.replaceAll("__n__", n);
    var row = holder.firstElementChild;
    list.insertBefore(row, model);
    var first = row.querySelector("input, select, textarea");
    if (first) first.focus();
  }

  /* refused forms (409, 422) and a busy database (503) come back as pages with the form in them: show them */
  document.addEventListener("htmx:beforeSwap", function (e) {
    if ([409, 422, 503].indexOf(e.detail.xhr.status) >= 0) { e.detail.shouldSwap = true; e.detail.isError = false; }
  });
  document.addEventListener("htmx:afterSwap", errors);

  document.addEventListener("DOMContentLoaded", function () {
    clocks(); errors(); folds();
    document.addEventListener("submit", once);
    document.addEventListener("click", grow);
    document.addEventListener("click", menus);
    document.addEventListener("keydown", menus);
  });
})();
