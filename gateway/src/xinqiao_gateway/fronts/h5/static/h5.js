// What the pages gain by a script: they work without it. No page's content is read, none is sent anywhere else.
(function () {
  "use strict";
  var data = document.body.dataset;

  function tell(said) {
    // Only the page that the launch names is told, and only where it is the one that embeds this.
    if (data.origin && window.parent !== window) window.parent.postMessage(said, data.origin);
  }

  function told() {
    var said = { source: "xinqiao", event: data.event };
    ["flow", "case", "position", "reason"].forEach(function (name) {
      if (data[name]) said[name] = data[name];
    });
    if (data.messageid) said.messageId = data.messageid;
    return said;
  }

  function height() {
    tell({ source: "xinqiao", event: "height", height: document.documentElement.scrollHeight });
  }

  var launch = document.querySelector("form[data-now]");
  if (launch) launch.submit();

  // A second press of a button sends nothing while the first is under way.
  Array.prototype.forEach.call(document.forms, function (form) {
    var sent = false;
    form.addEventListener("submit", function (event) {
      if (sent) event.preventDefault();
      sent = true;
    });
    window.addEventListener("pageshow", function () {
      sent = false;
    });
  });

  var problems = document.getElementById("problems");
  if (problems) problems.focus();
  if (data.event) tell(told());
  height();
  window.addEventListener("resize", height);
})();
