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

  // Where the content ends: the document itself is never lower than the frame that it is in.
  var content = document.getElementById("content");
  function height() {
    tell({ source: "xinqiao", event: "height", height: Math.ceil(content.getBoundingClientRect().bottom + window.scrollY) });
  }

  // A second press of a button sends nothing while the first is under way; a connection may be lost on its way.
  Array.prototype.forEach.call(document.forms, function (form) {
    var sent = false;
    function again() {
      sent = false;
    }
    form.addEventListener("submit", function (event) {
      if (sent) event.preventDefault();
      else setTimeout(again, 10000);
      sent = true;
    });
    window.addEventListener("pageshow", again);
  });

  // As if its button were pressed, so that pressing it meanwhile sends nothing.
  var launch = document.querySelector("form[data-now]");
  if (launch && launch.requestSubmit) launch.requestSubmit();
  else if (launch) launch.submit();

  var problems = document.getElementById("problems");
  if (problems) problems.focus();
  if (data.event) tell(told());
  height();
  if (window.ResizeObserver) new ResizeObserver(height).observe(content);
  else window.addEventListener("resize", height);
})();
