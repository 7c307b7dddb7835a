/* The review sheet: running total, what is still missing, finished indicators folded. Without script the saved total stands. */
(function () {
  "use strict";

  function chosen(box) { return box.querySelector("input[type=radio]:checked"); }
  function done(box) { return chosen(box) && box.querySelector("textarea").value.trim() !== ""; }

  function state(box) {
    var label = box.querySelector("[data-state]"), radio = chosen(box);
    box.classList.toggle("todo", !radio);
    label.textContent = radio ? label.dataset.got.replace("__p__", Number(radio.dataset.points)) : label.dataset.todo;
  }

  function count(form) {
    var boxes = Array.from(form.querySelectorAll("fieldset[data-weight]")), total = form.querySelector("[data-total]"), left = form.querySelector("[data-left]");
    var sum = boxes.reduce(function (s, box) { var r = chosen(box); return s + (r ? Math.round(Number(r.dataset.points) * 100) : 0); }, 0);
    var missing = boxes.filter(function (box) { return !done(box); }).length, words = left.dataset.words.split("|");
    if (form.querySelector("[data-veto]:checked")) sum = 0;
    total.firstChild.textContent = (sum / 100).toFixed(2) + " ";
    left.textContent = missing ? words[0].replace("__n__", missing) : words[1];
  }

  document.addEventListener("DOMContentLoaded", function () {
    var form = document.querySelector("form[data-sheet]");
    if (!form) return;
    form.querySelectorAll("fieldset[data-weight]").forEach(function (box) {
      var levels = box.querySelector(".x-levels");
      if (done(box)) levels.classList.add("collapsed");
      levels.addEventListener("click", function () { levels.classList.remove("collapsed"); });
      box.addEventListener("focusin", function () { levels.classList.remove("collapsed"); });
    });
    form.addEventListener("input", function (e) {
      var box = e.target.closest("fieldset[data-weight]");
      if (box) state(box);
      count(form);
    });
    count(form);
  });
})();
