/* The opening page follows its stream; without it the page reads the same and has a link to refresh. */
(function () {
  "use strict";
  document.addEventListener("DOMContentLoaded", function () {
    var box = document.querySelector("[data-live]");
    if (!box || !window.EventSource) return;
    var source = new EventSource(box.dataset.live);
    source.addEventListener("stage", function (e) {
      var told = JSON.parse(e.data);
      box.innerHTML = told.html;
      if (told.over) source.close();
    });
    window.addEventListener("pagehide", function () { source.close(); });
  });
})();
